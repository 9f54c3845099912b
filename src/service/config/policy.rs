use crate::payload::lists::PathPattern;
use crate::system::{RightsPolicy, TimeLimits};

/// What the administrator says of upgrades, whatever is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpgradePolicy {
    /// What is left alone on this machine, besides what packages say.
    pub skip: Vec<PathPattern>,
    /// Which kernel is booted unless a flag says otherwise.
    pub kernel: Option<String>,
    /// Where an image may have what gives rights.
    pub rights: RightsPolicy,
    /// How long programs of an image may take.
    pub limits: TimeLimits,
}
