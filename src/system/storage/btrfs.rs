use super::dir::{expect_free, expect_unmounted, give_name, gone, names, new, open, removed};
use super::{Storage, StorageKind};
use crate::fsio::{Attributes, Dir};
use crate::progress::Progress;
use crate::system::{EnvName, SystemError};

/// Permissions of the root directory of an environment that begins empty.
const ROOT_MODE: u32 = 0o755;
/// A name that no environment has.
const PROBE: &str = ".isi-probe";

/// Environments as subvolumes of a btrfs: a copy is a snapshot, made in one step.
#[derive(Debug)]
pub(super) struct Subvolumes {
    directory: Dir,
}

impl Subvolumes {
    /// Keeps environments in this directory.
    pub(super) fn new(directory: Dir) -> Self {
        Self { directory }
    }

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

    fn make(&self, name: &EnvName, from: Option<&EnvName>) -> Result<(), SystemError> {
        let Some(from) = from else {
            if !self.directory.create_subvolume(&new(name))? {
                return Err(SystemError::NotBtrfs {
                    path: self.directory.path().to_owned(),
                });
            }
            let root = self.directory.open_dir(new(name))?;
            return Ok(root.set_own_attributes(&Attributes {
                mode: Some(ROOT_MODE),
                ..Attributes::default()
            })?);
        };
        let source = self.open(from)?;
        Ok(self.directory.snapshot_subvolume(&source, &new(name))?)
    }
}

impl Storage for Subvolumes {
    fn kind(&self) -> StorageKind {
        StorageKind::Btrfs
    }

    fn names(&self) -> Result<Vec<EnvName>, SystemError> {
        names(&self.directory, |name| Some(name))
    }

    fn unfinished(&self) -> Result<Vec<EnvName>, SystemError> {
        names(&self.directory, |name| {
            name.strip_prefix('.')?.strip_suffix(".new")
        })
    }

    fn begin(
        &self,
        name: &EnvName,
        from: Option<&EnvName>,
        _progress: &dyn Progress,
    ) -> Result<Dir, SystemError> {
        expect_free(&self.directory, name)?;
        self.make(name, from)?;
        Ok(self.directory.open_dir(new(name))?)
    }

    fn begun(&self, name: &EnvName) -> Result<Option<Dir>, SystemError> {
        match self.directory.open_dir(new(name)) {
            Ok(dir) => Ok(Some(dir)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn finish(&self, name: &EnvName) -> Result<(), SystemError> {
        let Some(made) = self.begun(name)? else {
            return self.open(name).map(drop);
        };
        made.sync_file_system()?;
        give_name(&self.directory, name)?;
        // A name of a subvolume is on disk with the next commit of the whole file system.
        Ok(self.directory.sync_file_system()?)
    }

    fn discard(&self, name: &EnvName) -> Result<(), SystemError> {
        if self.begun(name)?.is_some() {
            remove(&self.directory, &new(name))?;
        }
        Ok(())
    }

    fn open(&self, name: &EnvName) -> Result<Dir, SystemError> {
        open(&self.directory, name)
    }

    fn destroy(&self, name: &EnvName) -> Result<(), SystemError> {
        expect_unmounted(&self.open(name)?)?;
        self.sweep()?;
        self.directory
            .rename_new(name.as_str(), &self.directory, gone(name))?;
        self.directory.sync_file_system()?;
        remove(&self.directory, &gone(name))
    }

    fn removed(&self) -> Result<Vec<EnvName>, SystemError> {
        removed(&self.directory)
    }

    fn sweep(&self) -> Result<(), SystemError> {
        for name in removed(&self.directory)? {
            remove(&self.directory, &gone(&name))?;
        }
        Ok(())
    }
}

/// Removes a subvolume with all that is in it, other subvolumes included, or a directory that somebody made.
fn remove(directory: &Dir, name: &str) -> Result<(), SystemError> {
    let is_subvolume = directory.open_dir(name)?.is_subvolume()?;
    if !(is_subvolume && directory.remove_subvolume(name)?) {
        directory.remove_tree_here(name)?;
    }
    Ok(())
}
