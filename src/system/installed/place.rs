//! The directory that a thread compares in, kept open from one entry to the next.

use crate::fsio::{Dir, FsError};
use crate::payload::EntryPath;

/// Opens directories below a root, and keeps the last one.
pub(super) struct Places<'a> {
    root: &'a Dir,
    path: Vec<u8>,
    place: Place,
}

/// A directory, or why there is none.
pub(super) enum Place {
    /// The root itself.
    Root,
    /// A directory below it.
    Open(Dir),
    /// It is not there, or is no directory.
    Missing,
    /// Another file system is mounted there, or above it.
    Mounted,
    /// It cannot be opened.
    Unreadable(FsError),
}

impl<'a> Places<'a> {
    pub(super) fn new(root: &'a Dir) -> Self {
        Self {
            root,
            path: Vec::new(),
            place: Place::Root,
        }
    }

    /// The directory at `path`, or the root.
    pub(super) fn enter(&mut self, path: Option<&[u8]>) -> &Place {
        let wanted = path.unwrap_or_default();
        if self.path != wanted {
            self.place = match EntryPath::new(wanted) {
                Ok(path) => Place::of(self.root.open_dir_within(&path)),
                // The only path that is none is that of the root.
                Err(_) => Place::Root,
            };
            wanted.clone_into(&mut self.path);
        }
        &self.place
    }

    /// The directory that was entered last; none if there is none.
    pub(super) fn dir(&self) -> Option<&Dir> {
        match &self.place {
            Place::Root => Some(self.root),
            Place::Open(dir) => Some(dir),
            _ => None,
        }
    }
}

impl Place {
    fn of(opened: Result<Dir, FsError>) -> Self {
        match opened {
            Ok(dir) => Self::Open(dir),
            Err(error) if error.is_not_found() || error.is_not_a_directory() => Self::Missing,
            Err(error) if error.is_mount_point() => Self::Mounted,
            Err(error) => Self::Unreadable(error),
        }
    }
}
