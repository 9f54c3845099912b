use serde::{Deserialize, Serialize};

use super::Item;

pub use crate::catalog::ListRequest;

/// Part of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListReply {
    /// Version of this structure.
    pub schema: u32,
    /// How many artifacts there are without limit and offset.
    pub total: u64,
    /// How many were left out before the first.
    pub offset: u64,
    /// The artifacts.
    pub items: Vec<Item>,
}
