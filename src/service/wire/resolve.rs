use std::path::PathBuf;

use serde::Serialize;

use super::Target;
use crate::payload::EntryPath;
use crate::system::{ConflictKind, EnvName};

/// Which conflicts are meant, and what is decided about them.
#[derive(Debug, Clone)]
pub struct ResolveRequest {
    /// Which system.
    pub target: Target,
    /// Which boot environment; else all that have conflicts.
    pub environment: Option<EnvName>,
    /// Which paths; none: all.
    pub paths: Vec<EntryPath>,
    /// What is decided; nothing: the conflicts are only listed.
    pub decision: Option<Decision>,
}

/// What is decided about a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It stays as it is.
    Ours,
    /// It becomes what the image has.
    Theirs,
    /// It becomes a file with this content.
    Text {
        /// The content.
        text: Vec<u8>,
        /// The file that it comes from, as the caller calls it.
        label: PathBuf,
    },
}

/// What was decided, and what is left to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolveReply {
    /// Version of this structure.
    pub schema: u32,
    /// The directory of the system.
    pub root: PathBuf,
    /// What was decided about just now.
    pub resolved: Vec<ConflictItem>,
    /// What is left.
    pub conflicts: Vec<ConflictItem>,
}

/// Something that could not be merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConflictItem {
    /// The boot environment.
    pub environment: EnvName,
    /// Where in it.
    pub path: EntryPath,
    /// Why not.
    pub kind: ConflictKind,
    /// That in words.
    pub reason: String,
    /// The text of both sides with markers.
    pub merged: Option<PathBuf>,
}
