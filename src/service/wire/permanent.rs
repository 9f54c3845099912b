use std::path::PathBuf;

use serde::Serialize;

use super::{Target, UpgradeStatus};
use crate::upgrade::{CheckReport, CommitPreview, Committed, RollbackPreview};

/// What a look at the running system came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReply {
    /// Version of this structure.
    pub schema: u32,
    /// The system's directory.
    pub root: PathBuf,
    /// Whether everything is well.
    pub passed: bool,
    /// What was looked at, and what followed.
    #[serde(flatten)]
    pub report: CheckReport,
}

/// What a commit would do, and what of it cannot be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommitPreviewReply {
    /// Version of this structure.
    pub schema: u32,
    /// The system's directory.
    pub root: PathBuf,
    /// What would be done.
    #[serde(flatten)]
    pub preview: CommitPreview,
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommitReply {
    /// Version of this structure.
    pub schema: u32,
    /// What is permanent now.
    #[serde(flatten)]
    pub committed: Committed,
    /// Where the system stands.
    pub status: UpgradeStatus,
}

/// An upgrade that is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackRequest {
    /// Which system's.
    pub target: Target,
    /// Why, for the journal.
    pub reason: String,
}

/// What a rollback would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RollbackPreviewReply {
    /// Version of this structure.
    pub schema: u32,
    /// The system's directory.
    pub root: PathBuf,
    /// What would be done.
    #[serde(flatten)]
    pub preview: RollbackPreview,
}
