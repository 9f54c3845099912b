use serde::{Deserialize, Serialize};

use super::OneOf;
use crate::catalog::{Depth, State};
use crate::digest::PackageId;
use crate::trust::Verdict;

/// A verification.
#[derive(Debug)]
pub struct VerifyRequest {
    /// What to verify.
    pub selection: Selection,
    /// How far: whether every byte is read.
    pub depth: Depth,
    /// Why a file should pass unsigned; the policy has to agree. Artifacts keep their own reason.
    pub allow_unsigned: Option<String>,
}

/// What to verify.
#[derive(Debug)]
pub enum Selection {
    /// One file or artifact.
    One(OneOf),
    /// Every artifact.
    All,
}

/// What a verification came to; the items themselves came as events, one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReply {
    /// Version of this structure.
    pub schema: u32,
    /// How many items were verified.
    pub total: u64,
    /// How many of them are not accepted.
    pub problems: u64,
    /// Whether the findings are on record now; those about a file outside the catalog never are.
    pub recorded: bool,
}

/// What verifying one package or artifact found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedItem {
    /// The file as the caller calls it, or the short ID of the artifact.
    pub item: String,
    /// The ID, if it is known without hashing the whole file once more.
    pub id: Option<PackageId>,
    /// Whether it may be used: signed by those who may sign it, or let pass unsigned on purpose.
    pub accepted: bool,
    /// What it is.
    pub state: State,
    /// Stable code of what is wrong.
    pub code: Option<String>,
    /// One sentence about what is wrong.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The checks, as far as they got.
    pub verdict: Option<Verdict>,
}
