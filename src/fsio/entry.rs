use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, FileType};

use super::error::errno;
use super::{Dir, FsError};

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name, one component.
    pub name: OsString,
    /// What the name itself is; symbolic links are not followed.
    pub kind: EntryKind,
}

/// What a name in a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, not followed.
    SymbolicLink,
    /// A FIFO, socket or device.
    Other,
}

/// Which file a name stands for; another file under the same name has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Dir {
    /// What `name` itself is, without following a link; `None` if there is nothing.
    pub fn kind_of(&self, name: impl AsRef<Path>) -> Result<Option<EntryKind>, FsError> {
        let name = name.as_ref();
        let stat = match self.parent_of(name) {
            Ok((parent, last)) => {
                rustix::fs::statat(parent.fd(self), &last, AtFlags::SYMLINK_NOFOLLOW)
            }
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        match stat {
            Ok(stat) => Ok(Some(kind(FileType::from_raw_mode(stat.st_mode)))),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(errno("examine", self.path().join(name))(error)),
        }
    }

    /// Which file `name` itself is, without following a link; `None` if there is nothing.
    pub fn identity_of(&self, name: impl AsRef<Path>) -> Result<Option<Identity>, FsError> {
        let (parent, last) = self.parent_of(name.as_ref())?;
        match rustix::fs::statat(parent.fd(self), &last, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Identity {
                device: stat.st_dev,
                inode: stat.st_ino,
            })),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(errno("examine", self.path().join(name.as_ref()))(error)),
        }
    }

    /// The length of `name` itself in bytes, without following a link.
    pub fn length_of(&self, name: impl AsRef<Path>) -> Result<u64, FsError> {
        let (parent, last) = self.parent_of(name.as_ref())?;
        let stat = rustix::fs::statat(parent.fd(self), &last, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(errno("examine", self.path().join(name.as_ref())))?;
        Ok(u64::try_from(stat.st_size).unwrap_or(0))
    }

    /// All names in this directory, sorted by their bytes.
    pub fn entries(&self) -> Result<Vec<Entry>, FsError> {
        let directory = rustix::fs::Dir::read_from(self).map_err(errno("list", self.path()))?;
        let mut entries = Vec::new();
        for entry in directory {
            let entry = entry.map_err(errno("list", self.path()))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                let kind = match entry.file_type() {
                    FileType::Unknown => self.kind_of(name)?.unwrap_or(EntryKind::Other),
                    known => kind(known),
                };
                entries.push(Entry {
                    name: name.to_owned(),
                    kind,
                });
            }
        }
        entries.sort();
        Ok(entries)
    }
}

fn kind(file_type: FileType) -> EntryKind {
    match file_type {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::SymbolicLink,
        _ => EntryKind::Other,
    }
}
