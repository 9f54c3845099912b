//! Owners and modes from an mtree specification, so that a build needs no root.
//!
//! The form is the one of FreeBSD's and libarchive's `mtree(5)`: `/set` and `/unset` lines, full paths
//! or names below the directory before them. Normative text: `format-spec/mtree.md`.
//!
//! What a specification says of an entry counts instead of what the file system says; entries that it
//! does not name stay as they are found. Directories, symbolic links, pipes and devices that are only
//! in the specification are added, so that a device node can be packed by who may not make one.

mod apply;
mod error;
mod facts;
mod parse;

use std::collections::BTreeMap;

pub use error::{MtreeError, MtreeRule};
pub(super) use facts::Facts;

use super::EntryPath;

/// What a specification says, by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mtree {
    entries: BTreeMap<EntryPath, Facts>,
}

impl Mtree {
    /// Reads a specification; refuses it as a whole if anything in it is not understood.
    pub fn parse(bytes: &[u8]) -> Result<Self, MtreeError> {
        let entries = parse::entries(bytes)?;
        Ok(Self { entries })
    }
}
