use serde::Deserialize;

/// What the identities file demands of every package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How many different identities must have signed.
    pub threshold: usize,
    /// Whether a package needs a timestamp.
    pub timestamp: TimestampPolicy,
    /// Whether an unsigned package may pass at all.
    pub unsigned: UnsignedPolicy,
}

impl Default for Policy {
    /// The strictest that one vendor can meet.
    fn default() -> Self {
        Self {
            threshold: 1,
            timestamp: TimestampPolicy::Required,
            unsigned: UnsignedPolicy::Refuse,
        }
    }
}

/// Whether a package needs a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimestampPolicy {
    /// A package without a verified timestamp is refused.
    Required,
    /// A timestamp that is there must verify.
    IfPresent,
}

/// Whether an unsigned package may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnsignedPolicy {
    /// Never.
    Refuse,
    /// With a reason, given for this one package by a person who asks for it.
    Ask,
}
