use std::io::Read;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Item, PackageFile};
use crate::catalog::Outcome;
use crate::trust::Verdict;

/// A package to be imported.
#[derive(Debug)]
pub struct ImportRequest {
    /// The package.
    pub package: PackageSource,
    /// Why it should be let in unsigned; the policy has to agree.
    pub allow_unsigned: Option<String>,
}

/// Where a package comes from.
#[derive(Debug)]
pub enum PackageSource {
    /// A file.
    File(PackageFile),
    /// Bytes that come once and end with the package.
    Stream(PackageStream),
}

/// A package that comes as a stream of bytes.
pub struct PackageStream {
    /// Where the bytes come from; see [`crate::fsio::Stream`] for what can be stopped while it waits.
    pub reader: Box<dyn Read>,
    /// What the caller calls it, for messages and the event log.
    pub label: PathBuf,
    /// The most bytes that are taken; [`crate::limits::USUAL_STREAM`] if nobody says anything else.
    pub limit: u64,
}

impl std::fmt::Debug for PackageStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PackageStream")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl From<PackageFile> for PackageSource {
    fn from(file: PackageFile) -> Self {
        Self::File(file)
    }
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReply {
    /// Version of this structure.
    pub schema: u32,
    /// What was done.
    pub outcome: Outcome,
    /// What is on record now.
    pub item: Item,
    /// What was checked and found.
    pub verdict: Verdict,
}
