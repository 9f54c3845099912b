use std::ffi::OsString;

use super::EntryPath;
use crate::digest::Sha256Digest;

/// One file, directory, link or special file of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it belongs, relative to the root of the tree.
    pub path: EntryPath,
    /// What it is, and what only that kind has.
    pub kind: FileKind,
    /// Permission bits, set-user-ID, set-group-ID and sticky: the low 12 bits of `st_mode`.
    pub mode: u32,
    /// Number of the owning user.
    pub uid: u32,
    /// Number of the owning group.
    pub gid: u32,
    /// When the contents last changed.
    pub mtime: Mtime,
    /// Extended attributes, in ascending order of their names.
    pub xattrs: Vec<Xattr>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular {
        /// Length of its contents in bytes.
        size: u64,
        /// Digest of its contents.
        sha256: Sha256Digest,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Its text, any bytes but NUL.
        target: OsString,
    },
    /// A further name of a regular file.
    HardLink {
        /// The path of that file, which sorts before this entry.
        target: EntryPath,
    },
    /// A named pipe.
    Fifo,
    /// A character device.
    CharacterDevice(DeviceNumber),
    /// A block device.
    BlockDevice(DeviceNumber),
}

/// The number of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceNumber {
    /// Which driver.
    pub major: u32,
    /// Which of its devices.
    pub minor: u32,
}

/// A moment: seconds since 1970-01-01 UTC, and nanoseconds after that second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Mtime {
    /// Seconds, negative before 1970.
    pub seconds: i64,
    /// Nanoseconds, 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// An extended attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xattr {
    /// Its name with the name space, such as `user.note` or `security.capability`.
    pub name: OsString,
    /// Its value.
    pub value: Vec<u8>,
}

impl FileKind {
    /// The length of the contents in the tar stream: 0 for all but regular files.
    pub const fn size(&self) -> u64 {
        match self {
            Self::Regular { size, .. } => *size,
            _ => 0,
        }
    }

    /// Whether it is a character or block device.
    pub const fn is_device(&self) -> bool {
        matches!(self, Self::CharacterDevice(_) | Self::BlockDevice(_))
    }
}
