use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A package version: 1 to 8 numbers joined by dots, and an optional pre-release after a hyphen.
///
/// `9.4.0.0`, `1.39.1`, `2026.11-rc.1`. Longer than semantic versions allow, because appliances number
/// their releases with four parts. Missing parts count as zero when two versions are compared, and a
/// pre-release comes before its release; pre-releases compare as in Semantic Versioning 2.0.0,
/// section 11. Equality is of the text: `9.4` and `9.4.0` are different names of equal rank.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Version {
    numbers: Vec<u32>,
    pre_release: semver::Prerelease,
}

impl Version {
    /// Most numbers in one version.
    pub const MAX_NUMBERS: usize = 8;
    /// Longest text in bytes.
    pub const MAX_LENGTH: usize = 128;

    /// The version of what has none: 0.
    pub fn zero() -> Self {
        Self {
            numbers: vec![0],
            pre_release: semver::Prerelease::EMPTY,
        }
    }

    /// Orders by rank; versions of equal rank may be written differently.
    pub fn rank(&self, other: &Self) -> Ordering {
        let length = self.numbers.len().max(other.numbers.len());
        let part = |numbers: &[u32], index: usize| numbers.get(index).copied().unwrap_or(0);
        (0..length)
            .map(|index| part(&self.numbers, index).cmp(&part(&other.numbers, index)))
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| self.pre_release.cmp(&other.pre_release))
    }
}

impl Version {
    /// Bytes that compare as [`Version::rank`] does, for stores that can only compare bytes.
    ///
    /// Eight numbers, big-endian, missing ones zero; then 255 for a release, or for each pre-release
    /// identifier 2, its digit count and its digits if it is a number, else 3, its text and a 1; and a
    /// 0 at the end. Kept in databases: a change of it needs a migration.
    pub fn sort_key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(4 * Self::MAX_NUMBERS + 1);
        for index in 0..Self::MAX_NUMBERS {
            let number = self.numbers.get(index).copied().unwrap_or(0);
            key.extend(number.to_be_bytes());
        }
        if self.pre_release.is_empty() {
            key.push(255);
            return key;
        }
        for identifier in self.pre_release.split('.') {
            if identifier.bytes().all(|byte| byte.is_ascii_digit()) {
                key.push(2);
                // At most `MAX_LENGTH` digits, which fits.
                key.push(u8::try_from(identifier.len()).unwrap_or(u8::MAX));
                key.extend(identifier.bytes());
            } else {
                key.push(3);
                key.extend(identifier.bytes());
                key.push(1);
            }
        }
        key.push(0);
        key
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, number) in self.numbers.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            write!(f, "{number}")?;
        }
        if !self.pre_release.is_empty() {
            write!(f, "-{}", self.pre_release)?;
        }
        Ok(())
    }
}

/// Text that is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a version: expected 1 to 8 numbers joined by dots, such as 9.4.0.0 or 1.2-rc.1"
)]
pub struct VersionError(pub String);

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        parse(text).ok_or_else(|| VersionError(text.chars().take(Self::MAX_LENGTH).collect()))
    }
}

fn parse(text: &str) -> Option<Version> {
    if text.len() > Version::MAX_LENGTH {
        return None;
    }
    let (numbers, pre_release) = match text.split_once('-') {
        Some((_, "")) => return None,
        Some((numbers, pre_release)) => (numbers, semver::Prerelease::new(pre_release).ok()?),
        None => (text, semver::Prerelease::EMPTY),
    };
    let numbers = numbers.split('.').map(number).collect::<Option<Vec<_>>>()?;
    (numbers.len() <= Version::MAX_NUMBERS).then_some(Version {
        numbers,
        pre_release,
    })
}

/// One number without sign or leading zero, so that every version has one spelling.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    (plain && canonical).then(|| text.parse().ok()).flatten()
}

impl serde::Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn has_one_spelling() {
        for text in [
            "0",
            "9.4.0.0",
            "1.39.1",
            "2026.11-rc.1",
            "1.2.3.4.5.6.7.8",
            "4294967295",
        ] {
            assert_eq!(version(text).to_string(), text);
        }
        let long = format!("1-{}", "a".repeat(127));
        for text in [
            "",
            ".",
            "1.",
            ".1",
            "01",
            "1.02",
            "v1",
            "1 ",
            " 1",
            "-1",
            "1-",
            "1-01",
            "1-a_b",
            "+1",
            "1.2.3.4.5.6.7.8.9",
            "4294967296",
            "1\n",
            "\u{0661}",
            &long,
        ] {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn ranks_numbers_by_value_and_pre_releases_before_releases() {
        let ordered = [
            "9.4.0-alpha",
            "9.4.0-rc.2",
            "9.4.0-rc.10",
            "9.4",
            "9.4.0.1",
            "9.10",
            "10",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(
                version(pair[0]).rank(&version(pair[1])),
                Ordering::Less,
                "{pair:?}"
            );
            assert_eq!(
                version(pair[1]).rank(&version(pair[0])),
                Ordering::Greater,
                "{pair:?}"
            );
        }
        assert_eq!(version("9.4").rank(&version("9.4.0.0")), Ordering::Equal);
    }

    #[test]
    fn sort_keys_order_as_ranks_do() {
        let texts = [
            "0",
            "0-0",
            "1",
            "1.0.0.0.0.0.0.0",
            "1.0.0.0.0.0.0.1",
            "9.4.0.0",
            "9.4",
            "9.10",
            "10",
            "4294967295",
            "9.4-alpha",
            "9.4-alpha.1",
            "9.4-alpha.beta",
            "9.4-alpha-1",
            "9.4-a",
            "9.4-ab",
            "9.4-a.b",
            "9.4-1",
            "9.4-2",
            "9.4-10",
            "9.4-1.a",
            "9.4-rc.2",
            "9.4-rc.10",
            "9.4-RC.1",
            "9.4--",
            "9.4--.0",
            "9.4-99999999999999999999",
            "9.4-100000000000000000000",
        ];
        for left in texts.map(version) {
            for right in texts.map(version) {
                assert_eq!(
                    left.sort_key().cmp(&right.sort_key()),
                    left.rank(&right),
                    "{left} {right}"
                );
            }
        }
    }
}
