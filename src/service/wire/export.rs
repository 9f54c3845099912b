use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::digest::{IdPrefix, PackageId};
use crate::fsio::OnExisting;

/// An artifact to be copied out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    /// The artifact.
    pub id: IdPrefix,
    /// Where the copy goes.
    pub target: ExportTarget,
    /// What to do if something is there.
    pub on_existing: OnExisting,
    /// Whether to put a file for `sha256sum -c` beside it.
    pub side_file: bool,
    /// Why it should get out although it is not trusted any more; goes on record.
    pub override_reason: Option<String>,
}

/// Where a copy goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportTarget {
    /// Into this file.
    File(PathBuf),
    /// Into this directory, under a name of its own: name, version and start of the ID.
    Directory(PathBuf),
}

/// What was copied out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportReply {
    /// Version of this structure.
    pub schema: u32,
    /// The artifact.
    pub id: PackageId,
    /// Length of the copy in bytes.
    pub size: u64,
    /// The copy.
    pub file: PathBuf,
    /// The file for `sha256sum -c`, if one was asked for.
    pub side_file: Option<PathBuf>,
    /// Code of the refusal that was overridden, if one was.
    pub overridden: Option<String>,
}
