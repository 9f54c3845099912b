//! Three-way merge of configuration: what the last image had, what is there now, what the new image has.
//!
//! Normative text: `format-spec/carrying-over.md`.
//!
//! What only one side changed is as that side has it. Where both did, texts are merged by lines; what does
//! not go together that way is a conflict, and stays as it is here until somebody decides.

mod decide;
mod text;
mod tree;

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;

pub(super) use decide::{Outcome, Source, decide};
pub(super) use text::{MAX_TEXT, Text, is_text, marker, merge_texts};
pub(super) use tree::{Tree, read_node, read_tree};

/// Something in a tree that is merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) rights: Rights,
    /// When it changed last; nothing is decided by it.
    pub(super) mtime: (i64, u32),
}

/// What a node is, without who may do what with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    File {
        size: u64,
        sha256: Sha256Digest,
    },
    Directory,
    Link(OsString),
    /// A pipe, or a device of this kind and number.
    Special(&'static str, (u32, u32)),
}

/// Who may do what with a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rights {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) xattrs: Vec<(OsString, Vec<u8>)>,
}

/// Why two changes do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictKind {
    /// The same lines were changed here and in the image.
    Changed,
    /// Both added it, each in its own way.
    Added,
    /// It was removed here and changed in the image.
    RemovedHere,
    /// It was changed here and removed from the image.
    RemovedThere,
    /// Both changed it, and it is no text of lines.
    NoText,
    /// Both changed what it is, say a file and a link.
    Kind,
    /// It differs, and nobody knows what the last image had.
    NoBase,
    /// Something else is in the place of a directory above it.
    NoPlace,
}

impl ConflictKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Changed,
        Self::Added,
        Self::RemovedHere,
        Self::RemovedThere,
        Self::NoText,
        Self::Kind,
        Self::NoBase,
        Self::NoPlace,
    ];

    /// The word used in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Added => "added",
            Self::RemovedHere => "removed-here",
            Self::RemovedThere => "removed-there",
            Self::NoText => "no-text",
            Self::Kind => "kind",
            Self::NoBase => "no-base",
            Self::NoPlace => "no-place",
        }
    }

    /// What happened, for a person.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Changed => "the same lines were changed here and in the image",
            Self::Added => "added here and in the image, differently",
            Self::RemovedHere => "removed here, changed in the image",
            Self::RemovedThere => "changed here, removed from the image",
            Self::NoText => "changed here and in the image, and not a text",
            Self::Kind => "made into different things here and in the image",
            Self::NoBase => "differs from the image, and nothing tells who changed it",
            Self::NoPlace => "there is no directory to put it into",
        }
    }
}
