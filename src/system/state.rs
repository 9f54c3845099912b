use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EnvName, StorageKind};
use crate::digest::PackageId;

/// Version of the files `system.json` and `records/NAME.json`.
pub const SYSTEM_SCHEMA: u32 = 1;

/// What is true of a system as a whole: `system.json`.
///
/// Members that this version does not know are kept: an older system that is rolled back to writes the file,
/// too. What an older program must not misread raises `schema`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Version of this structure.
    pub schema: u32,
    /// Which system it is, wherever it is moved to.
    pub target: TargetId,
    /// How its environments are kept.
    pub storage: StorageKind,
    /// The image that was installed last, committed or not.
    #[serde(default)]
    pub installed: Option<Image>,
    /// The image that was committed last.
    #[serde(default)]
    pub committed: Option<Image>,
    /// For each product, the release counter that nothing older than may be installed.
    #[serde(default)]
    pub floors: BTreeMap<String, u64>,
    /// How many upgrades were started.
    #[serde(default)]
    pub jobs: u64,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub others: serde_json::Map<String, serde_json::Value>,
}

/// An image in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The environment that it is in.
    pub environment: EnvName,
    /// What it was made from.
    #[serde(flatten)]
    pub origin: Origin,
    /// Since when it is installed, or committed.
    pub since: Timestamp,
}

/// The package that an environment was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its ID.
    pub package: PackageId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its build label; empty: none.
    #[serde(default)]
    pub build: String,
    /// The product that it is for; empty: any.
    #[serde(default)]
    pub product: String,
    /// Its release counter.
    pub release_counter: u64,
}

impl State {
    /// The state of a new system.
    pub fn new(target: TargetId, storage: StorageKind) -> Self {
        Self {
            schema: SYSTEM_SCHEMA,
            target,
            storage,
            installed: None,
            committed: None,
            floors: BTreeMap::new(),
            jobs: 0,
            others: serde_json::Map::new(),
        }
    }
}

/// Which system it is: 32 random hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetId([u8; Self::LENGTH]);

/// Text that is no ID of a system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no ID of a system: expected 32 lower-case hex digits")]
pub struct TargetIdError(pub String);

impl TargetId {
    /// Bytes of an ID.
    pub const LENGTH: usize = 16;

    /// An ID of these bytes, which should be random.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl FromStr for TargetId {
    type Err = TargetIdError;

    fn from_str(text: &str) -> Result<Self, TargetIdError> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| TargetIdError(text.chars().take(64).collect()))
    }
}

impl TryFrom<String> for TargetId {
    type Error = TargetIdError;

    fn try_from(text: String) -> Result<Self, TargetIdError> {
        text.parse()
    }
}

impl From<TargetId> for String {
    fn from(id: TargetId) -> Self {
        id.to_string()
    }
}
