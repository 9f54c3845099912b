use serde::{Deserialize, Serialize};

/// A README.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadmeReply {
    /// Version of this structure.
    pub schema: u32,
    /// The file as the caller calls it, or the short ID of the artifact.
    pub item: String,
    /// The text as it is in the package, not escaped; none if there is no README.
    pub readme: Option<String>,
}
