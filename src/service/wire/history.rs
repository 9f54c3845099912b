use serde::{Deserialize, Serialize};

use crate::catalog::events::{ChainFinding, Head};

pub use crate::catalog::events::{Event as HistoryEntry, Filter as HistoryFilter};

/// A part of the event log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryRequest {
    /// Which entries.
    pub filter: HistoryFilter,
    /// Whether to follow the whole log and its mirror, too.
    pub verify: bool,
}

/// What the event log came to; the entries themselves came as events, one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryReply {
    /// Version of this structure.
    pub schema: u32,
    /// How many entries there are in the whole log.
    pub total: u64,
    /// How many were listed.
    pub listed: u64,
    /// The end of the log, to be compared with later or kept elsewhere.
    pub head: Head,
    /// What does not fit, if the log was followed.
    pub findings: Option<Vec<ChainFinding>>,
}
