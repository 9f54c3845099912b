use serde::{Deserialize, Serialize};

use super::Reference;
use crate::catalog;
use crate::digest::{IdPrefix, PackageId};

/// An artifact that the caller needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinRequest {
    /// The artifact.
    pub id: IdPrefix,
    /// What for.
    pub reason: String,
}

/// An artifact that is not needed any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpinRequest {
    /// The artifact; in full if it is not listed any more.
    pub id: IdPrefix,
    /// Whose pin ends, if it is not the caller's.
    pub holder: Option<String>,
    /// Why.
    pub reason: String,
}

/// Who needs an artifact now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinReply {
    /// Version of this structure.
    pub schema: u32,
    /// The artifact.
    pub id: PackageId,
    /// Whether anything was changed.
    pub changed: bool,
    /// Everything that it is needed for.
    pub references: Vec<Reference>,
}

impl From<catalog::Reference> for Reference {
    fn from(reference: catalog::Reference) -> Self {
        Self {
            kind: reference.kind.to_string(),
            holder: reference.holder,
            reason: reference.reason,
        }
    }
}
