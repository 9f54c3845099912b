use crate::payload::NameRule;

/// A specification that is refused, and the line that is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the mtree specification: {rule}")]
pub struct MtreeError {
    /// The line, counted from 1; of an entry on several lines the first.
    pub line: usize,
    /// The rule that is broken.
    pub rule: MtreeRule,
}

/// The rule that a line of a specification breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MtreeRule {
    /// Too many bytes in the whole specification.
    #[error("expected a specification of at most {limit} bytes, found {found}")]
    TooLong {
        /// The most that is accepted.
        limit: usize,
        /// The bytes there are.
        found: usize,
    },
    /// A word before the entries that is neither `/set` nor `/unset`.
    #[error("expected /set or /unset, found {0:?}")]
    Special(String),
    /// `..` at the root of the tree.
    #[error("expected an entry: `..` leads out of the tree")]
    Above,
    /// A path that leads elsewhere or is no path.
    #[error("{name:?}: {rule}")]
    Name {
        /// The path, escaped.
        name: String,
        /// What is wrong with it.
        rule: NameRule,
    },
    /// A backslash with something behind it that `mtree(5)` does not know.
    #[error("expected three octal digits or one of \\ s t n r # behind a backslash")]
    Escape,
    /// A keyword that this program does not know, or may not ignore.
    #[error("{0:?} is no keyword that is understood here")]
    Keyword(String),
    /// A keyword with a value that it cannot have.
    #[error("{keyword}: expected {expected}, found {found:?}")]
    Value {
        /// The keyword.
        keyword: &'static str,
        /// What it can be.
        expected: &'static str,
        /// What was written.
        found: String,
    },
    /// Two lines say different things about one entry.
    #[error("{name:?} is said to be something else on line {before}")]
    Contradiction {
        /// The path, escaped.
        name: String,
        /// The line that says the other thing.
        before: usize,
    },
    /// The entry and the file in the tree are not the same kind of thing.
    #[error("{name:?}: expected {expected} as the specification says, found {found} in the tree")]
    Kind {
        /// The path, escaped.
        name: String,
        /// What the specification says.
        expected: &'static str,
        /// What is in the tree.
        found: &'static str,
    },
    /// A file that is not in the tree.
    #[error("{0:?} is not in the tree")]
    Missing(String),
    /// A link or device that is to be added, without where it leads or which it is.
    #[error("{name:?} is not in the tree: expected {keyword}=... to add it")]
    Incomplete {
        /// The path, escaped.
        name: String,
        /// What is not said.
        keyword: &'static str,
    },
}

impl MtreeError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self.rule {
            MtreeRule::TooLong { .. } => "E_TOO_LARGE",
            MtreeRule::Name { .. } | MtreeRule::Above => "E_NAME",
            _ => "E_MTREE",
        }
    }

    /// What the person at the terminal can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match &self.rule {
            MtreeRule::Missing(_) => "write `optional` behind it if it need not be there",
            MtreeRule::Value {
                keyword: "uname" | "gname",
                ..
            } => "a package records numbers: write uid= and gid=",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
