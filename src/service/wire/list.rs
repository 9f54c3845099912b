use serde::{Deserialize, Serialize};

pub use crate::catalog::ListRequest;

/// What a listing came to; the items themselves came as events, one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListReply {
    /// Version of this structure.
    pub schema: u32,
    /// How many artifacts the filters let through, without limit and offset.
    pub total: u64,
    /// How many were left out before the first.
    pub offset: u64,
    /// How many were listed.
    pub listed: u64,
}
