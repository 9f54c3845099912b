use super::StorageKind;
use super::kept::Medium;
use crate::fsio::Dir;
use crate::progress::Progress;
use crate::system::SystemError;

/// Environments are plain directories: a copy takes its time.
#[derive(Debug)]
pub(super) struct Directories;

impl Medium for Directories {
    fn kind(&self) -> StorageKind {
        StorageKind::Dir
    }

    fn make(&self, directory: &Dir, name: &str, _source: Option<&Dir>) -> Result<(), SystemError> {
        Ok(directory.create_dir(name, 0o700)?)
    }

    fn copy(&self, source: &Dir, made: &Dir, progress: &dyn Progress) -> Result<(), SystemError> {
        if source.copy_tree(made, progress)?.cancelled {
            return Err(SystemError::Cancelled);
        }
        Ok(())
    }

    fn remove(&self, directory: &Dir, name: &str) -> Result<(), SystemError> {
        Ok(directory.remove_tree(name)?)
    }

    fn sync_names(&self, directory: &Dir) -> Result<(), SystemError> {
        Ok(directory.sync()?)
    }
}
