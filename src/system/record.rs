use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EnvName, Origin, SYSTEM_SCHEMA};
use crate::digest::Sha256Digest;
use crate::payload::EntryPath;

/// What is known of one environment: `records/NAME.json`.
///
/// Members that this version does not know are kept, as in [`State`](super::State).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this structure.
    pub schema: u32,
    /// The environment.
    pub name: EnvName,
    /// When it was made.
    pub created: Timestamp,
    /// The environment that it was copied from, or that its configuration came from.
    #[serde(default)]
    pub parent: Option<EnvName>,
    /// The package that it was made from; none of a system that was never installed from one.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// Since when it is known to be good.
    #[serde(default)]
    pub good_since: Option<Timestamp>,
    /// What boots it; none where a container manager or another loader does.
    #[serde(default)]
    pub boot: Option<Boot>,
    /// What the image has and the environment has otherwise, because it was carried over from the parent or
    /// decided by somebody: the SHA-256 of a file's content or of a link's text, or nothing where there is
    /// something else or nothing at all.
    #[serde(default)]
    pub carried: BTreeMap<EntryPath, Option<Sha256Digest>>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub others: serde_json::Map<String, serde_json::Value>,
}

/// How an environment is booted: names of files in `kernels/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Boot {
    /// The kernel.
    pub kernel: String,
    /// Initial RAM disks, in their order.
    #[serde(default)]
    pub initrd: Vec<String>,
    /// The kernel's command line, without `isi.env`.
    #[serde(default)]
    pub options: String,
    /// What was kept of the environment before, to be booted with the same command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<OldKernel>,
}

/// The kernel that an environment can be booted with besides its own: names of files in `kernels/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldKernel {
    /// The kernel.
    pub kernel: String,
    /// Initial RAM disks, in their order.
    #[serde(default)]
    pub initrd: Vec<String>,
}

impl Record {
    /// The record of an environment of which nothing is known but when it was made.
    pub fn new(name: EnvName, created: Timestamp) -> Self {
        Self {
            schema: SYSTEM_SCHEMA,
            name,
            created,
            parent: None,
            origin: None,
            good_since: None,
            boot: None,
            carried: BTreeMap::new(),
            others: serde_json::Map::new(),
        }
    }
}
