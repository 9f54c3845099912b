use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::trust::{TrustFinding, TrustItem};

/// A check of what is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustCheckRequest {
    /// How long before its end something is told.
    pub within: Duration,
}

/// What is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustShowReply {
    /// Version of this structure.
    pub schema: u32,
    /// Anchors, revocation lists, identities.
    pub items: Vec<TrustItem>,
}

/// What a check of the trust found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustCheckReply {
    /// Version of this structure.
    pub schema: u32,
    /// How many of the findings are more than a note.
    pub problems: u64,
    /// The findings, the worst first.
    pub findings: Vec<TrustFinding>,
}
