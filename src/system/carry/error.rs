use std::path::PathBuf;

use crate::fsio::{FsError, shell_word};
use crate::payload::{EntryPath, NameRule};
use crate::system::{EnvName, SystemError};

/// What keeps configuration and local files from being carried over, or a conflict from being resolved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CarryError {
    /// An environment has more in it than this program handles.
    #[error("expected at most {limit} files, found {found} and more")]
    TooMany {
        /// The most that is handled.
        limit: u64,
        /// What was counted before it was given up.
        found: u64,
    },
    /// An environment has a name that no package could hold.
    #[error("\"{name}\": {rule}")]
    Name {
        /// The name, escaped.
        name: String,
        /// What is wrong with it.
        rule: NameRule,
    },
    /// The list of conflicts does not say what it should.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// There is no conflict at this path.
    #[error("there is no conflict at \"{path}\"{}", in_environment(environment.as_ref()))]
    NoConflict {
        /// The environment, if one was named.
        environment: Option<EnvName>,
        /// The path.
        path: EntryPath,
    },
    /// A text that should end a conflict still has the markers of one.
    #[error("line {line} of {} is a marker of a conflict", path.display())]
    Marker {
        /// The text.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// Something cannot be put where it belongs.
    #[error("\"{path}\" has no directory to be put into")]
    NoPlace {
        /// The path.
        path: EntryPath,
    },
    /// What comes over does not fit.
    #[error("{free} bytes are free: what comes over takes {needed}")]
    NoSpace {
        /// Bytes that it takes.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The system's own files.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A file operation failed.
    #[error(transparent)]
    Files(#[from] FsError),
    /// The caller wanted the work to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl CarryError {
    /// Every code that only these errors have.
    pub const CODES: [&str; 5] = [
        "E_TOO_LARGE",
        "E_NAME",
        "E_CONFLICT_LIST",
        "E_NO_CONFLICT",
        "E_CONFLICT_MARKER",
    ];

    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "E_TOO_LARGE",
            Self::Name { .. } | Self::NoPlace { .. } => "E_NAME",
            Self::Damaged { .. } => "E_CONFLICT_LIST",
            Self::NoConflict { .. } => "E_NO_CONFLICT",
            Self::Marker { .. } => "E_CONFLICT_MARKER",
            Self::NoSpace { .. } => "E_NO_SPACE",
            Self::System(source) => source.code(),
            Self::Files(source) if source.is_full() => "E_NO_SPACE",
            Self::Files(source) => source.code(),
            Self::Cancelled => "E_CANCELLED",
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoConflict { .. } => "`isi upgrade resolve` lists the conflicts".to_owned(),
            Self::Marker { path, .. } => format!(
                "edit {} until the lines with <<<<<<<, |||||||, ======= and >>>>>>> are gone",
                shell_word(path)
            ),
            Self::NoPlace { .. } => {
                "decide about the directory above it first, or keep what is there".to_owned()
            }
            Self::NoSpace { .. } => "free some space, then try again".to_owned(),
            Self::System(source) => return source.hint(),
            Self::Files(source) if source.is_full() => "free some space, then try again".to_owned(),
            Self::Files(source) => return source.hint(),
            _ => return None,
        })
    }
}

fn in_environment(name: Option<&EnvName>) -> String {
    name.map_or_else(String::new, |name| format!(" in boot environment {name}"))
}
