use std::fs::File;

use jiff::Timestamp;

use crate::fsio::Dir;
use crate::manifest::{Manifest, RegionKind};
use crate::payload::lists::ObsoleteList;
use crate::payload::{FileTable, TreeOptions};

/// A package that is to be built.
#[derive(Debug)]
pub struct Draft {
    /// What the package says of itself; its regions and creation time are filled in.
    pub manifest: Manifest,
    /// Creation time; without it the newest time of the payload, so that equal input gives equal bytes.
    pub created: Option<Timestamp>,
    /// Where the payload comes from.
    pub payload: PayloadSource,
    /// Name of the payload region.
    pub payload_name: String,
    /// The regions after the payload, in order; a README comes first.
    pub regions: Vec<DraftRegion>,
}

/// Where a payload comes from.
#[derive(Debug)]
pub enum PayloadSource {
    /// An existing file, taken as it is.
    File {
        /// The file, from its first byte on.
        file: File,
        /// Its media type, or nothing.
        media_type: String,
    },
    /// A directory tree, made into an archive with its file table and index.
    Tree {
        /// The top of the tree.
        directory: Dir,
        /// How the archive is made.
        options: TreeOptions,
    },
}

/// A region that is to be added.
#[derive(Debug)]
pub struct DraftRegion {
    /// What it is for.
    pub kind: RegionKind,
    /// Its name, unlike every other's.
    pub name: String,
    /// Its media type, or nothing.
    pub media_type: String,
    /// Its bytes.
    pub content: Content,
}

/// The bytes of a region that is to be added.
#[derive(Debug)]
pub enum Content {
    /// Given directly.
    Bytes(Vec<u8>),
    /// All of a file.
    File(File),
    /// A list of what the payload's tree has no use for any more; no region at all if nothing is listed.
    ObsoleteList {
        /// What the release before had: whatever of it the payload has not is listed.
        previous: Option<FileTable>,
        /// What is listed besides.
        listed: ObsoleteList,
    },
}
