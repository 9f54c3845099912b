use crate::digest::PackageId;
use crate::release::Version;

/// One thing that is taken out of the catalog for good, or would be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Discard {
    /// An artifact: its row and its file.
    Artifact {
        /// The artifact.
        id: PackageId,
        /// Its name.
        name: String,
        /// Its version.
        version: Version,
        /// Length of its file in bytes; zero if that is missing.
        bytes: u64,
    },
    /// The row of an artifact whose file is missing and which nobody needs.
    Dangling {
        /// The artifact.
        id: PackageId,
        /// Its name.
        name: String,
        /// Its version.
        version: Version,
    },
    /// The directory of an artifact that has no row, or one for such directories that is empty.
    Orphan {
        /// Where it is, below the catalog's directory.
        path: String,
        /// Length of what is in it, in bytes.
        bytes: u64,
    },
    /// What is left of an import or a removal that was interrupted.
    Leftover {
        /// Where it is, below the catalog's directory.
        path: String,
        /// Length of what is in it, in bytes.
        bytes: u64,
    },
}

impl Discard {
    /// How many bytes become free.
    pub const fn bytes(&self) -> u64 {
        match self {
            Self::Artifact { bytes, .. }
            | Self::Orphan { bytes, .. }
            | Self::Leftover { bytes, .. } => *bytes,
            Self::Dangling { .. } => 0,
        }
    }

    /// How many bytes all of them come to.
    pub fn total(items: &[Self]) -> u64 {
        let bytes = items.iter().map(Self::bytes);
        bytes.fold(0, u64::saturating_add)
    }
}
