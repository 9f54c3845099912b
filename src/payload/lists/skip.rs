use super::line::{self, Bounds};
use super::{ListError, PathPattern};
use crate::payload::limits::{MAX_LIST_LENGTH, MAX_SKIP_PATTERNS};

/// What an installation leaves alone: patterns, one a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SkipList {
    patterns: Vec<PathPattern>,
}

impl SkipList {
    /// Reads a list; refuses it as a whole if one line is not clear.
    pub fn parse(bytes: &[u8]) -> Result<Self, ListError> {
        let bounds = Bounds {
            of: "skip list",
            bytes: MAX_LIST_LENGTH,
            lines: MAX_SKIP_PATTERNS,
        };
        let mut list = Self::default();
        line::for_each(bytes, bounds, |letters| {
            list.patterns.push(PathPattern::from_letters(letters)?);
            Ok(())
        })?;
        Ok(list)
    }

    /// The patterns, in the order in which they were written.
    pub fn patterns(&self) -> &[PathPattern] {
        &self.patterns
    }

    /// Adds patterns behind the others.
    pub fn extend(&mut self, patterns: impl IntoIterator<Item = PathPattern>) {
        self.patterns.extend(patterns);
    }

    /// The first pattern that matches `path` or something above it.
    pub fn matching(&self, path: &[u8]) -> Option<&PathPattern> {
        self.patterns.iter().find(|pattern| pattern.matches(path))
    }

    /// Whether `path` is to be left alone.
    pub fn matches(&self, path: &[u8]) -> bool {
        self.matching(path).is_some()
    }
}

impl FromIterator<PathPattern> for SkipList {
    fn from_iter<I: IntoIterator<Item = PathPattern>>(patterns: I) -> Self {
        Self {
            patterns: patterns.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_hbsd_update_means_the_same_here() {
        let list = b"./boot/efi\n./etc\n./proc\n./root/.profile\n./root/.cshrc\n./var/empty\n";
        let list = SkipList::parse(list).unwrap();
        for path in ["etc/rc.conf", "proc", "root/.profile", "boot/efi/x"] {
            assert!(list.matches(path.as_bytes()), "{path}");
        }
        for path in ["boot/kernel", "root/.profile2", "root", "var"] {
            assert!(!list.matches(path.as_bytes()), "{path}");
        }
        assert_eq!(list.matching(b"etc/x").unwrap().to_string(), "etc");
    }

    #[test]
    fn a_list_holds_so_many_patterns_and_no_more() {
        let lines = "a\n".repeat(MAX_SKIP_PATTERNS);
        let list = SkipList::parse(lines.as_bytes()).unwrap();
        assert_eq!(list.patterns().len(), MAX_SKIP_PATTERNS);
        let error = SkipList::parse(format!("{lines}a").as_bytes()).unwrap_err();
        assert_eq!(error.code(), "E_TOO_LARGE");
        assert_eq!(error.line, MAX_SKIP_PATTERNS + 1);
    }
}
