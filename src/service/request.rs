use std::fs::File;
use std::path::{Path, PathBuf};

use super::ServiceError;
use crate::digest::IdPrefix;
use crate::fsio::{OnExisting, open_regular};

pub use crate::catalog::ListRequest;

/// A package file that is open: what was opened is what is used, whatever happens to its path.
#[derive(Debug)]
pub struct PackageFile {
    /// The open file.
    pub file: File,
    /// What the caller calls it, for messages and the event log.
    pub label: PathBuf,
}

impl PackageFile {
    /// Opens a package file; what is no regular file is refused without waiting for it.
    pub fn open(path: &Path) -> Result<Self, ServiceError> {
        Ok(Self {
            file: open_regular(path)?,
            label: path.to_owned(),
        })
    }
}

/// A package to be imported.
#[derive(Debug)]
pub struct ImportRequest {
    /// The package.
    pub package: PackageFile,
    /// Why it should be let in unsigned; the policy has to agree.
    pub allow_unsigned: Option<String>,
}

/// A package file, or an artifact by the beginning of its ID.
#[derive(Debug)]
pub enum OneOf {
    /// A file outside the catalog; no catalog is needed.
    File(PackageFile),
    /// An artifact.
    Id(IdPrefix),
}

/// What to verify.
#[derive(Debug)]
pub enum Selection {
    /// One file or artifact.
    One(OneOf),
    /// Every artifact.
    All,
}

/// A verification.
#[derive(Debug)]
pub struct VerifyRequest {
    /// What to verify.
    pub selection: Selection,
    /// Why a file should pass unsigned; the policy has to agree. Artifacts keep their own reason.
    pub allow_unsigned: Option<String>,
}

/// An artifact to be copied out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    /// The artifact.
    pub id: IdPrefix,
    /// Where the copy goes.
    pub target: PathBuf,
    /// What to do if something is there.
    pub on_existing: OnExisting,
    /// Whether to put a file for `sha256sum -c` beside it.
    pub side_file: bool,
}
