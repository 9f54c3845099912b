//! The directory that entries are put into, kept open from one to the next.

use std::ffi::OsStr;
use std::path::Path;

use super::EntryPath;
use crate::fsio::{Dir, FsError};

/// Opens directories below a target, and keeps the last one: neighbours of a tree are mostly in one.
///
/// So most names are looked up in an open directory, which is faster than from the target on, and never
/// leads through anything that was put in the way meanwhile.
pub(super) struct Parents<'a> {
    target: &'a Dir,
    held: Option<(Box<[u8]>, Dir)>,
}

impl<'a> Parents<'a> {
    pub(super) fn of(target: &'a Dir) -> Self {
        Self { target, held: None }
    }

    /// The directory that holds the entry at `path`, and its name there.
    pub(super) fn enter<'b>(&mut self, path: &'b EntryPath) -> Result<(&Dir, &'b Path), FsError> {
        let name = path.as_path().file_name().unwrap_or_else(|| OsStr::new(""));
        let Some(parent) = path.parent() else {
            return Ok((self.target, Path::new(name)));
        };
        let held = match self.held.take() {
            Some(held) if *held.0 == *parent => held,
            _ => {
                use std::os::unix::ffi::OsStrExt as _;
                (
                    parent.into(),
                    self.target.open_dir(OsStr::from_bytes(parent))?,
                )
            }
        };
        Ok((&self.held.insert(held).1, Path::new(name)))
    }
}
