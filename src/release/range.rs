use std::fmt;
use std::str::FromStr;

use super::{Version, VersionError};

/// A set of versions: comparators joined by commas that must all hold, or `*` for every version.
///
/// `>=9.4.0, <10`; the operators are `=`, `!=`, `<`, `<=`, `>`, `>=`. Versions compare by
/// [`Version::rank`], so `=9.4` also holds for `9.4.0.0`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VersionRange {
    comparators: Vec<Comparator>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Comparator {
    operator: Operator,
    version: Version,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// Longer spellings first, so that `>=` is not read as `>`.
    const SPELLINGS: [(&'static str, Self); 6] = [
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn spelling(self) -> &'static str {
        Self::SPELLINGS
            .iter()
            .find(|(_, operator)| *operator == self)
            .map_or("", |(text, _)| text)
    }
}

impl VersionRange {
    /// Most comparators in one range.
    pub const MAX_COMPARATORS: usize = 16;

    /// Whether `version` is in the set.
    pub fn contains(&self, version: &Version) -> bool {
        self.comparators
            .iter()
            .all(|comparator| comparator.holds(version))
    }

    /// The comparators, each as its operator (`=`, `!=`, `<`, `<=`, `>` or `>=`) and its version.
    pub fn comparators(&self) -> impl Iterator<Item = (&'static str, &Version)> {
        let parts = self.comparators.iter();
        parts.map(|part| (part.operator.spelling(), &part.version))
    }

    /// Whether every version is in the set because nothing limits it.
    pub fn is_any(&self) -> bool {
        self.comparators.is_empty()
    }
}

impl Comparator {
    fn holds(&self, version: &Version) -> bool {
        let rank = version.rank(&self.version);
        match self.operator {
            Operator::Equal => rank.is_eq(),
            Operator::NotEqual => rank.is_ne(),
            Operator::Less => rank.is_lt(),
            Operator::LessOrEqual => rank.is_le(),
            Operator::Greater => rank.is_gt(),
            Operator::GreaterOrEqual => rank.is_ge(),
        }
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return f.write_str("*");
        }
        for (index, comparator) in self.comparators.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(
                f,
                "{separator}{}{}",
                comparator.operator.spelling(),
                comparator.version
            )?;
        }
        Ok(())
    }
}

/// Text that is not a version range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// A part begins with no operator.
    #[error("{0:?} is not a version range: expected for example \">=9.4.0, <10\" or \"*\"")]
    NoOperator(String),
    /// What follows the operator is no version.
    #[error("version range")]
    Version(#[source] VersionError),
    /// More parts than [`VersionRange::MAX_COMPARATORS`].
    #[error("version range with {0} comparators: expected at most 16")]
    TooMany(usize),
}

impl FromStr for VersionRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        if text.trim() == "*" {
            return Ok(Self::default());
        }
        let comparators = text
            .split(',')
            .map(comparator)
            .collect::<Result<Vec<_>, _>>()?;
        if comparators.len() > Self::MAX_COMPARATORS {
            return Err(RangeError::TooMany(comparators.len()));
        }
        Ok(Self { comparators })
    }
}

fn comparator(text: &str) -> Result<Comparator, RangeError> {
    let text = text.trim();
    let (operator, version) = Operator::SPELLINGS
        .iter()
        .find_map(|(spelling, operator)| Some((*operator, text.strip_prefix(spelling)?)))
        .ok_or_else(|| RangeError::NoOperator(text.chars().take(80).collect()))?;
    let version = version.trim_start().parse().map_err(RangeError::Version)?;
    Ok(Comparator { operator, version })
}

impl serde::Serialize for VersionRange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for VersionRange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(range: &str, version: &str) -> bool {
        range
            .parse::<VersionRange>()
            .unwrap()
            .contains(&version.parse().unwrap())
    }

    #[test]
    fn all_comparators_must_hold() {
        assert!(holds(">=9.4.0, <10", "9.4"));
        assert!(holds(">=9.4.0, <10", "9.11.3.1"));
        assert!(!holds(">=9.4.0, <10", "10.0"));
        assert!(!holds(">=9.4.0, <10", "9.4.0-rc.1"));
        assert!(holds("!=9.5,>9", "9.5.1"));
        assert!(!holds("!=9.5,>9", "9.5.0.0"));
        assert!(holds("*", "0"));
    }

    #[test]
    fn prints_in_one_spelling() {
        for (text, printed) in [(">= 1 ,<2", ">=1, <2"), ("*", "*"), ("=1.0", "=1.0")] {
            assert_eq!(text.parse::<VersionRange>().unwrap().to_string(), printed);
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        let many = vec![">1"; 17].join(",");
        for text in [
            "", "1.0", ">=", ">=1,", "~1", "^1", ">=1 <2", "* , >1", &many,
        ] {
            assert!(text.parse::<VersionRange>().is_err(), "{text:?}");
        }
    }
}
