use crate::payload::NameRule;

/// A list that is refused, and the line that is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the {of}: {rule}")]
pub struct ListError {
    /// Which kind of list: `skip list`, `obsolete list`.
    pub of: &'static str,
    /// The line, counted from 1; for a list that is too long the first one too many.
    pub line: usize,
    /// The rule that is broken.
    pub rule: ListRule,
}

/// The rule that a line of a list breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListRule {
    /// Too many bytes in the whole list.
    #[error("expected a list of at most {limit} bytes, found {found}")]
    TooLong {
        /// The most that is accepted.
        limit: usize,
        /// The bytes there are.
        found: usize,
    },
    /// Too many lines that say something.
    #[error("expected at most {limit} lines besides comments, found one more")]
    TooMany {
        /// The most that is accepted.
        limit: usize,
    },
    /// A control character, a tab inside the line or the end of a DOS line among them.
    #[error("expected no control character, found byte {0:#04x}: write it as \\x{0:02x}")]
    Control(u8),
    /// A backslash that escapes nothing.
    #[error("expected \\xHH or a punctuation character behind a backslash")]
    Escape,
    /// A path that leads elsewhere or is no path.
    #[error(transparent)]
    Name(#[from] NameRule),
    /// A set of characters without an end, or with a range that runs backwards.
    #[error("expected a set of characters such as [a-z] or [!0-9], or \\[ for the bracket itself")]
    Set,
}

impl ListError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self.rule {
            ListRule::TooLong { .. } | ListRule::TooMany { .. } => "E_TOO_LARGE",
            ListRule::Name(_) => "E_NAME",
            _ => "E_LIST",
        }
    }

    /// What the person at the terminal can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self.rule {
            ListRule::Control(b'\r') => "save the list with Unix line ends",
            ListRule::Name(_) => {
                "write paths from the root of the system on, such as etc/ssh or var/lib/x"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
