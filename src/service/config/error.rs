use std::path::PathBuf;

use super::duration::DurationError;
use crate::fsio::FsError;
use crate::payload::lists::ListRule;

/// A configuration that is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file that was named is not there; only the usual one may be missing.
    #[error("the configuration {} does not exist", path.display())]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// The file cannot be read, is another user's, or others may write to it.
    #[error(transparent)]
    File(#[from] FsError),
    /// The file is not UTF-8.
    #[error("the configuration {} is not UTF-8", path.display())]
    NotText {
        /// The path.
        path: PathBuf,
    },
    /// Something in the file is not as it has to be.
    #[error("{}, line {line}, column {column}: {fault}", path.display())]
    Content {
        /// The path.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The character in that line, counted from 1.
        column: usize,
        /// What is wrong there.
        fault: ConfigFault,
    },
}

/// What is wrong at one place of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigFault {
    /// It is not TOML.
    #[error("{0}")]
    Syntax(String),
    /// There is no such key.
    #[error("{key:?} is not known here")]
    UnknownKey {
        /// The key, with its table.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<&'static str>,
    },
    /// The value is of another type.
    #[error("{key} is of type {found}: expected {expected}")]
    Type {
        /// The key, with its table.
        key: &'static str,
        /// The type that belongs there.
        expected: &'static str,
        /// The type found.
        found: &'static str,
    },
    /// A path that names nothing.
    #[error("{key} is {found:?}: expected a path without NUL")]
    Path {
        /// The key, with its table.
        key: &'static str,
        /// What is there.
        found: String,
    },
    /// Text that is no name of a jail.
    #[error("{0:?} is no name of a jail: expected 1 to 64 of A-Z a-z 0-9 . _ -")]
    JailName(String),
    /// Text that is no name of a kernel.
    #[error("{key} is {found:?}: expected 1 to 64 of A-Z a-z 0-9 . _ -")]
    Name {
        /// The key, with its table.
        key: &'static str,
        /// What is there.
        found: String,
    },
    /// Text that is no pattern for paths.
    #[error("{key} has {found:?}: {rule}")]
    Pattern {
        /// The key, with its table.
        key: &'static str,
        /// What is there.
        found: String,
        /// What is wrong with it.
        rule: ListRule,
    },
    /// Text that is no duration.
    #[error("{key} is {found:?}: {source}")]
    Duration {
        /// The key, with its table.
        key: &'static str,
        /// What is there.
        found: String,
        /// What belongs there.
        source: DurationError,
    },
    /// A limit of zero.
    #[error("{key} is 0: no program ends in no time")]
    NoTime {
        /// The key, with its table.
        key: &'static str,
    },
}

impl ConfigError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "E_CONFIG_MISSING",
            Self::File(error) => error.code(),
            Self::NotText { .. } | Self::Content { .. } => "E_CONFIG",
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Content {
                fault: ConfigFault::UnknownKey { nearest, .. },
                ..
            } => nearest.map(|nearest| format!("did you mean {nearest}?")),
            _ => None,
        }
    }
}
