use serde::{Deserialize, Serialize};

use super::{Item, PackageDetails, RegionDetails};
use crate::trust::Verdict;

/// Everything on record of one artifact, and what its own manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewReply {
    /// Version of this structure.
    pub schema: u32,
    /// What a listing shows.
    pub item: Item,
    /// What the last verification checked and found.
    pub verdict: Verdict,
    /// What the manifest says; none if it cannot be read any more.
    pub package: Option<PackageDetails>,
    /// The regions; none if the manifest cannot be read any more.
    pub regions: Vec<RegionDetails>,
    /// Why the manifest cannot be read any more.
    pub problem: Option<Problem>,
}

/// Something wrong with an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable code.
    pub code: String,
    /// One sentence.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}
