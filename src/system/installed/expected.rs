use std::collections::BTreeMap;

use crate::digest::Sha256Digest;
use crate::payload::{EntryPath, FileTable, UnpackOptions};

/// What an installed system should be.
#[derive(Debug)]
pub struct Expected<'a> {
    /// The signed table of the image.
    pub table: &'a FileTable,
    /// What was restored when it was unpacked.
    pub restored: Restored,
    /// What belongs to the machine.
    pub local: Local,
}

/// What was restored of an image when it was unpacked, and is compared therefore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one right that was given or not, whatever the others are"
)]
pub struct Restored {
    /// Owners.
    pub owners: bool,
    /// Set-user-ID, set-group-ID and sticky.
    pub special_bits: bool,
    /// Extended attributes.
    pub xattrs: bool,
    /// Device nodes.
    pub devices: bool,
}

impl Restored {
    /// Everything.
    pub const ALL: Self = Self {
        owners: true,
        special_bits: true,
        xattrs: true,
        devices: true,
    };
}

impl From<&UnpackOptions> for Restored {
    fn from(options: &UnpackOptions) -> Self {
        Self {
            owners: options.owners,
            special_bits: options.special_bits,
            xattrs: options.xattrs,
            devices: options.devices,
        }
    }
}

/// Directories whose contents belong to the machine, whatever image it runs: configuration, state, and
/// what is there only while it runs.
pub const LOCAL_DIRECTORIES: [&str; 13] = [
    "dev",
    "etc",
    "home",
    "media",
    "mnt",
    "proc",
    "root",
    "run",
    "srv",
    "sys",
    "tmp",
    "usr/local",
    "var",
];

/// What belongs to the machine and not to the image.
#[derive(Debug, Clone)]
pub struct Local {
    /// Directories; what is below them is told apart, they themselves are the image's.
    pub directories: Vec<EntryPath>,
    /// What was carried over or merged when the environment was made, with the digest it had then.
    pub carried: BTreeMap<EntryPath, Option<Sha256Digest>>,
}

impl Default for Local {
    fn default() -> Self {
        let paths = LOCAL_DIRECTORIES.iter();
        let directories = paths.filter_map(|path| EntryPath::new(path.as_bytes()).ok());
        Self {
            directories: directories.collect(),
            carried: BTreeMap::new(),
        }
    }
}

impl Local {
    /// Whether `path` belongs to the machine.
    pub fn owns(&self, path: &EntryPath) -> bool {
        self.carried.contains_key(path) || self.is_below(path)
    }

    /// Whether `path` is one of the directories, or below one.
    pub(super) fn covers(&self, path: &EntryPath) -> bool {
        let mut directories = self.directories.iter();
        directories.any(|directory| path.is_within(directory.as_bytes()))
    }

    fn is_below(&self, path: &EntryPath) -> bool {
        let mut directories = self.directories.iter();
        directories.any(|directory| path != directory && path.is_within(directory.as_bytes()))
    }
}
