use serde::{Deserialize, Serialize};

use super::{Item, PackageFile};
use crate::catalog::Outcome;
use crate::trust::Verdict;

/// A package to be imported.
#[derive(Debug)]
pub struct ImportRequest {
    /// The package.
    pub package: PackageFile,
    /// Why it should be let in unsigned; the policy has to agree.
    pub allow_unsigned: Option<String>,
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
