use std::io;

use crate::fsio::FsError;
use crate::isi_file::SealError;
use crate::manifest::ManifestError;
use crate::payload::PayloadError;

/// A package that could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The payload could not be made.
    #[error("cannot make the payload")]
    Payload(#[source] PayloadError),
    /// What should be said of the package is refused.
    #[error("cannot describe the package")]
    Manifest(#[source] ManifestError),
    /// A part is too large.
    #[error("cannot seal the package")]
    Seal(#[source] SealError),
    /// A region is too large for its header.
    #[error("region {name:?} has {found} bytes, a region after the first has at most {max}")]
    RegionTooLarge {
        /// Its name.
        name: String,
        /// Most bytes it may have.
        max: u64,
        /// Bytes it has.
        found: u64,
    },
    /// The obsolete list names what the payload holds.
    #[error("the obsolete list names \"{path}\", which the payload holds")]
    NotObsolete {
        /// The path, escaped.
        path: String,
    },
    /// A source changed while it was read.
    #[error("{name:?} changed while it was read: expected {expected} bytes, found {found}")]
    Changed {
        /// Name of the region.
        name: String,
        /// Bytes at first.
        expected: u64,
        /// Bytes in the end.
        found: u64,
    },
    /// A copy did not work.
    #[error(transparent)]
    Copy(FsError),
    /// A source could not be read.
    #[error("cannot read {name:?}")]
    Read {
        /// Name of the region.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The output could not be written.
    #[error("cannot write the package")]
    Write(#[source] io::Error),
    /// The caller wanted the work to stop.
    #[error("interrupted")]
    Cancelled,
}

impl BuildError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Payload(error) => error.code(),
            Self::Manifest(error) => error.code(),
            Self::Seal(error) => error.code(),
            Self::RegionTooLarge { .. } => "E_FORMAT_SIZE",
            Self::NotObsolete { .. } => "E_LIST",
            Self::Changed { .. } => "E_SOURCE_CHANGED",
            Self::Copy(error) => error.code(),
            Self::Read { .. } | Self::Write(_) => "E_IO",
            Self::Cancelled => "E_INTERRUPTED",
        }
    }

    /// What the person at the terminal can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Payload(error) => error.hint(),
            _ => None,
        }
    }
}

/// Wraps trouble with reading the source of the region `name`.
pub(super) fn reading(name: &str) -> impl FnOnce(io::Error) -> BuildError {
    let name = name.to_owned();
    move |source| BuildError::Read { name, source }
}
