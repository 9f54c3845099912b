//! Where boot environments are kept: one interface, one way of naming them, and in a file of its own what
//! each kind of storage does its own way.
//!
//! An environment is made under a hidden name, `.NAME.new`, and gets its own name by one rename when it is
//! complete and on disk. It loses it by one rename, too, to `.NAME.gone`, before it is deleted. So what has
//! its name is whole, whenever the process is killed or the power is cut.

mod btrfs;
mod dir;
mod kept;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use self::btrfs::Subvolumes;
use self::dir::Directories;
use self::kept::Kept;
use super::{EnvName, SystemError};
use crate::fsio::Dir;
use crate::progress::Progress;

/// Keeps boot environments, each a whole root file system.
///
/// Whoever calls what changes something holds the lock of the system.
pub trait Storage: fmt::Debug + Send + Sync {
    /// What kind it is.
    fn kind(&self) -> StorageKind;

    /// The finished environments, sorted.
    fn names(&self) -> Result<Vec<EnvName>, SystemError>;

    /// The environments that were begun and neither finished nor discarded, sorted.
    fn unfinished(&self) -> Result<Vec<EnvName>, SystemError>;

    /// Begins an environment, empty or as a copy of another one, and gives its root directory.
    ///
    /// A name that is taken is refused and what has it stays as it is. What fails is discarded; what is
    /// killed stays begun, and may be incomplete.
    fn begin(
        &self,
        name: &EnvName,
        from: Option<&EnvName>,
        progress: &dyn Progress,
    ) -> Result<Dir, SystemError>;

    /// The root directory of an environment that was begun; `None` if none was.
    fn begun(&self, name: &EnvName) -> Result<Option<Dir>, SystemError>;

    /// Gives an environment that was begun its name, once all of it is on disk.
    ///
    /// Where nothing is begun and the name is there, it is done already.
    fn finish(&self, name: &EnvName) -> Result<(), SystemError>;

    /// Removes an environment that was begun; does nothing if none was.
    fn discard(&self, name: &EnvName) -> Result<(), SystemError>;

    /// The root directory of a finished environment.
    fn open(&self, name: &EnvName) -> Result<Dir, SystemError>;

    /// Removes a finished environment and all that is in it.
    ///
    /// It is gone from the list before anything in it is. What is mounted in it is never entered.
    fn destroy(&self, name: &EnvName) -> Result<(), SystemError>;

    /// The environments whose removal was interrupted, sorted; they are not listed any more.
    fn removed(&self) -> Result<Vec<EnvName>, SystemError>;

    /// Removes what interrupted removals left.
    fn sweep(&self) -> Result<(), SystemError>;
}

/// The kinds of storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// Directories, copied with shared blocks where the file system can.
    Dir,
    /// Subvolumes of a btrfs, copied as snapshots.
    Btrfs,
}

impl StorageKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Dir, Self::Btrfs];

    /// The word used in flags, files and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dir => "dir",
            Self::Btrfs => "btrfs",
        }
    }

    /// The best kind for what is kept in this directory.
    pub fn best_for(directory: &Dir) -> Result<Self, SystemError> {
        Ok(if Subvolumes::work_in(directory)? {
            Self::Btrfs
        } else {
            Self::Dir
        })
    }
}

impl fmt::Display for StorageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The storage of this kind in a directory.
pub fn open(kind: StorageKind, directory: Dir) -> Box<dyn Storage> {
    match kind {
        StorageKind::Dir => Box::new(Kept::new(directory, Directories)),
        StorageKind::Btrfs => Box::new(Kept::new(directory, Subvolumes)),
    }
}
