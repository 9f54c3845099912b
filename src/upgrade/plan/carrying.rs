use serde::{Deserialize, Serialize};

use crate::payload::lists::PathPattern;
use crate::system::KernelChoice;

/// What the operator says of what comes over, and of what boots.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Carrying {
    /// The machine's own skip list.
    #[serde(default)]
    pub skip: Vec<PathPattern>,
    /// Which kernel is booted.
    #[serde(default)]
    pub kernel: KernelChoice,
    /// Whether the kernel of the old environment is kept beside the new ones.
    #[serde(default)]
    pub keep_old_kernel: bool,
}
