//! What is expected of a vector: the `.toml` as values.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The whole `.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// What is special about the package, for people.
    pub(crate) about: String,
    /// Where it is refused, or how far it must come.
    pub(crate) stage: Stage,
    /// Whether it must pass.
    pub(crate) outcome: Outcome,
    /// The code it is refused with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The present, for the reader.
    pub(crate) at: Timestamp,
    /// The folder below `trust/` with the reader's trust.
    #[serde(default = "default_trust")]
    pub(crate) trust: String,
    /// The reason given for letting an unsigned package pass; none is given without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allow_unsigned: Option<String>,
    /// The only way of hashing that finds what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hashing: Option<HashedBy>,
    /// What an accepted package says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) package: Option<PackageFacts>,
    /// The regions of an accepted package in the order of the file.
    #[serde(rename = "region", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) regions: Vec<RegionFacts>,
    /// The entries of an accepted package's file table, in its order.
    #[serde(rename = "file", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<FileFacts>,
}

fn default_trust() -> String {
    "default".to_owned()
}

/// How far a reader goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    /// The parts behind the regions: steps 1 to 4 of the page.
    Open,
    /// Everything up to the digests of the regions: all steps.
    Verify,
    /// Payload index, file table and payload: every file unpacked.
    Files,
}

/// What becomes of the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// It passes the stage.
    Accepted,
    /// It passes every stage before, and is refused in this one.
    Refused,
}

/// Which digests of the regions a reader compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HashedBy {
    /// Those of the chunk lists.
    Chunks,
    /// Those of whole regions.
    Whole,
}

/// What an accepted package is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackageFacts {
    /// SHA-256 of the whole file.
    pub(crate) id: String,
    /// Length of the whole file.
    pub(crate) size: u64,
    /// Package type.
    #[serde(rename = "type")]
    pub(crate) package_type: String,
    /// Package name.
    pub(crate) name: String,
    /// Package version.
    pub(crate) version: String,
    /// Subjects of the signers, in the order of the signature.
    pub(crate) signers: Vec<String>,
    /// Time of the timestamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<Timestamp>,
}

/// One region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegionFacts {
    /// The kind's word, or `unknown-` and its number.
    pub(crate) kind: String,
    /// Its name.
    pub(crate) name: String,
    /// Where its first byte stands in the file.
    pub(crate) offset: u64,
    /// Its length.
    pub(crate) size: u64,
    /// SHA-256 of its bytes.
    pub(crate) sha256: String,
}

/// One entry of a file table; the paths and targets of vectors are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileFacts {
    /// Its path.
    pub(crate) path: String,
    /// The number of its type.
    #[serde(rename = "type")]
    pub(crate) file_type: u8,
    /// Mode as four octal digits.
    pub(crate) mode: String,
    /// Modification time, whole seconds.
    pub(crate) mtime: i64,
    /// Length of a regular file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    /// SHA-256 of a regular file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    /// Target of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
}
