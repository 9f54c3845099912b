use std::path::PathBuf;

use crate::fsio::FsError;
use crate::package::OpenError;
use crate::payload::{NameRule, PayloadError};
use crate::system::EnvName;

/// Why what is installed was not compared, or not repaired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstalledError {
    /// A path that was asked for is not the path of anything in a system.
    #[error("{} cannot be looked for", path.display())]
    Path {
        /// The path as given.
        path: PathBuf,
        /// What is wrong with it.
        source: NameRule,
    },
    /// A path that was asked for is not in the image.
    #[error("{} is not in the image", path.display())]
    NotInImage {
        /// The path as given.
        path: PathBuf,
    },
    /// It is not known which package the environment was made from.
    #[error("boot environment {environment} was not made from a package")]
    NoOrigin {
        /// The environment.
        environment: EnvName,
    },
    /// The package has no table of its files.
    #[error("the package has no file table")]
    NoTable,
    /// The table or the index cannot be read, or are not what was signed.
    #[error("the package's file table")]
    Package(#[from] Box<OpenError>),
    /// Extra files should go, and only some paths were looked at.
    #[error("extra files are not removed where only some paths were compared")]
    ExtraWithPaths,
    /// The artifact cannot be read, or is not what was signed.
    #[error("the package's payload")]
    Payload(#[from] PayloadError),
    /// A file operation failed.
    #[error("the installed files")]
    Files(#[from] FsError),
    /// The caller wanted the work to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl InstalledError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path { .. } => "E_UNSAFE_PATH",
            Self::NotInImage { .. } => "E_NOT_FOUND",
            Self::NoOrigin { .. } => "E_NO_ORIGIN",
            Self::NoTable => "E_NO_FILE_TABLE",
            Self::Package(source) => source.code(),
            Self::ExtraWithPaths => "E_EXTRA_WITH_PATHS",
            Self::Payload(source) => source.code(),
            Self::Files(source) if source.is_full() => "E_NO_SPACE",
            Self::Files(source) => source.code(),
            Self::Cancelled => "E_CANCELLED",
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Path { .. } => Some("name it as it is in the system, from its root".to_owned()),
            Self::NotInImage { .. } => {
                Some("`isi upgrade verify-installed` without paths lists extra files".to_owned())
            }
            Self::NoOrigin { .. } => {
                Some("`isi upgrade bootenv list` shows what each was made from".to_owned())
            }
            Self::NoTable => Some("build the package from a directory".to_owned()),
            Self::Package(source) => source.hint().map(str::to_owned),
            Self::ExtraWithPaths => Some("leave the paths out, or --remove-extra".to_owned()),
            Self::Payload(source) => source.hint(),
            Self::Files(source) if source.is_full() => {
                Some("free some space, then try again".to_owned())
            }
            Self::Files(source) => source.hint(),
            Self::Cancelled => None,
        }
    }

    /// Whether the caller itself stopped the work.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Payload(PayloadError::Cancelled)
        )
    }
}
