use super::StorageKind;
use super::kept::Medium;
use crate::fsio::Dir;
use crate::progress::Progress;
use crate::system::SystemError;

/// A name that no environment has.
const PROBE: &str = ".isi-probe";

/// Environments are subvolumes of a btrfs: a copy is a snapshot, made in one step.
#[derive(Debug)]
pub(super) struct Subvolumes;

impl Subvolumes {
    /// Whether subvolumes can be made and removed in this directory.
    pub(super) fn work_in(directory: &Dir) -> Result<bool, SystemError> {
        if directory.kind_of(PROBE)?.is_some() {
            remove(directory, PROBE)?;
        }
        if !directory.create_subvolume(PROBE)? {
            return Ok(false);
        }
        remove(directory, PROBE)?;
        Ok(true)
    }
}

impl Medium for Subvolumes {
    fn kind(&self) -> StorageKind {
        StorageKind::Btrfs
    }

    fn make(&self, directory: &Dir, name: &str, source: Option<&Dir>) -> Result<(), SystemError> {
        if let Some(source) = source {
            return Ok(directory.snapshot_subvolume(source, name)?);
        }
        if directory.create_subvolume(name)? {
            return Ok(());
        }
        Err(SystemError::NotBtrfs {
            path: directory.path().to_owned(),
        })
    }

    fn copy(&self, _: &Dir, _: &Dir, _: &dyn Progress) -> Result<(), SystemError> {
        Ok(())
    }

    fn remove(&self, directory: &Dir, name: &str) -> Result<(), SystemError> {
        remove(directory, name)
    }

    /// A name of a subvolume is on disk with the next commit of the whole file system.
    fn sync_names(&self, directory: &Dir) -> Result<(), SystemError> {
        Ok(directory.sync_file_system()?)
    }
}

/// Removes a subvolume with all that is in it, other subvolumes included, or a directory that somebody made.
fn remove(directory: &Dir, name: &str) -> Result<(), SystemError> {
    let is_subvolume = directory.open_dir(name)?.is_subvolume()?;
    if !(is_subvolume && directory.remove_subvolume(name)?) {
        directory.remove_tree(name)?;
    }
    Ok(())
}
