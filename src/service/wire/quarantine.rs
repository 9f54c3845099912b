use serde::{Deserialize, Serialize};

use super::Item;
use crate::catalog::Outcome;
use crate::catalog::quarantine::{Content, Quarantined, Reason};

/// What is in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineReply {
    /// Version of this structure.
    pub schema: u32,
    /// How many entries there are.
    pub total: u64,
    /// The entries.
    pub items: Vec<QuarantinedItem>,
}

/// One entry of the quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedItem {
    /// Its name.
    pub entry: String,
    /// What it is.
    pub content: Content,
    /// How many bytes it has.
    pub size: u64,
    /// Why it is there, if that can be read.
    pub reason: Option<Reason>,
}

/// An entry to be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRequest {
    /// Its name.
    pub entry: String,
    /// Why it should be let in unsigned; the policy has to agree.
    pub allow_unsigned: Option<String>,
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReply {
    /// Version of this structure.
    pub schema: u32,
    /// The entry, which is gone.
    pub entry: String,
    /// What the import came to.
    pub outcome: Outcome,
    /// What is on record now.
    pub item: Item,
}

/// Entries to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PurgeRequest {
    /// Their names; every entry if there are none.
    pub entries: Vec<String>,
    /// Whether only to say what would be deleted.
    pub dry_run: bool,
}

/// What was deleted, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeReply {
    /// Version of this structure.
    pub schema: u32,
    /// How many bytes.
    pub bytes: u64,
    /// The entries.
    pub items: Vec<QuarantinedItem>,
}

impl From<Quarantined> for QuarantinedItem {
    fn from(found: Quarantined) -> Self {
        Self {
            entry: found.entry,
            content: found.content,
            size: found.size,
            reason: found.reason,
        }
    }
}
