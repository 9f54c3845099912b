use std::fs::File;
use std::path::{Path, PathBuf};

use crate::digest::IdPrefix;
use crate::fsio::open_regular;
use crate::service::ServiceError;

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

/// A package file, or an artifact by the beginning of its ID.
#[derive(Debug)]
pub enum OneOf {
    /// A file outside the catalog; no catalog is needed.
    File(PackageFile),
    /// An artifact.
    Id(IdPrefix),
}
