use serde::{Deserialize, Serialize};

use crate::catalog::Discard;
use crate::digest::IdPrefix;

pub use crate::catalog::CleanSets;

/// Artifacts to be removed, all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoveRequest {
    /// The artifacts.
    pub ids: Vec<IdPrefix>,
    /// Only say what would be removed.
    pub dry_run: bool,
}

/// What is in nobody's list, to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanRequest {
    /// What of it.
    pub sets: CleanSets,
    /// Only say what would be removed.
    pub dry_run: bool,
}

/// What was taken out of the catalog for good, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscardReply {
    /// Version of this structure.
    pub schema: u32,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// How many things.
    pub total: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// The things.
    pub items: Vec<Discard>,
    /// Names among the artifacts that this program does not give, below the catalog's directory; they
    /// are left alone.
    pub foreign: Vec<String>,
}
