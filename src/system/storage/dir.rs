use std::ffi::OsStr;
use std::path::Path;

use super::{Storage, StorageKind};
use crate::fsio::{Attributes, Dir, EntryKind};
use crate::progress::Progress;
use crate::system::{EnvName, SystemError};

/// Permissions of the root directory of an environment that begins empty.
const ROOT_MODE: u32 = 0o755;

/// Environments as plain directories.
#[derive(Debug)]
pub(super) struct Directories {
    directory: Dir,
}

impl Directories {
    /// Keeps environments in this directory.
    pub(super) fn new(directory: Dir) -> Self {
        Self { directory }
    }

    fn is_there(&self, name: impl AsRef<Path>) -> Result<bool, SystemError> {
        Ok(self.directory.kind_of(name)?.is_some())
    }

    fn fill(
        &self,
        name: &EnvName,
        from: Option<&EnvName>,
        progress: &dyn Progress,
    ) -> Result<Dir, SystemError> {
        let made = self.directory.open_dir(new(name))?;
        match from {
            None => made.set_own_attributes(&Attributes {
                mode: Some(ROOT_MODE),
                ..Attributes::default()
            })?,
            Some(from) => {
                let source = self.open(from)?;
                if source.copy_tree(&made, progress)?.cancelled {
                    return Err(SystemError::Cancelled);
                }
            }
        }
        Ok(made)
    }
}

impl Storage for Directories {
    fn kind(&self) -> StorageKind {
        StorageKind::Dir
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
        progress: &dyn Progress,
    ) -> Result<Dir, SystemError> {
        expect_free(&self.directory, name)?;
        if let Some(from) = from {
            drop(self.open(from)?);
        }
        self.directory.create_dir(new(name), 0o700)?;
        let filled = self.fill(name, from, progress);
        if filled.is_err() {
            // The first failure is the one that matters; what is left stays begun.
            self.discard(name).unwrap_or_default();
        }
        filled
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
        Ok(self.directory.sync()?)
    }

    fn discard(&self, name: &EnvName) -> Result<(), SystemError> {
        if self.is_there(new(name))? {
            self.directory.remove_tree_here(new(name))?;
            self.directory.sync()?;
        }
        Ok(())
    }

    fn open(&self, name: &EnvName) -> Result<Dir, SystemError> {
        open(&self.directory, name)
    }

    fn destroy(&self, name: &EnvName) -> Result<(), SystemError> {
        expect_unmounted(&self.open(name)?)?;
        // What an earlier removal left would be in the way.
        self.sweep()?;
        self.directory
            .rename_new(name.as_str(), &self.directory, gone(name))?;
        self.directory.sync()?;
        Ok(self.directory.remove_tree_here(gone(name))?)
    }

    fn removed(&self) -> Result<Vec<EnvName>, SystemError> {
        removed(&self.directory)
    }

    fn sweep(&self) -> Result<(), SystemError> {
        for name in removed(&self.directory)? {
            self.directory.remove_tree_here(gone(&name))?;
        }
        Ok(())
    }
}

/// The name that an environment has until it is finished.
pub(super) fn new(name: &EnvName) -> String {
    format!(".{name}.new")
}

/// The name that an environment has while it is removed.
pub(super) fn gone(name: &EnvName) -> String {
    format!(".{name}.gone")
}

/// The environments whose removal was interrupted.
pub(super) fn removed(directory: &Dir) -> Result<Vec<EnvName>, SystemError> {
    names(directory, |name| {
        name.strip_prefix('.')?.strip_suffix(".gone")
    })
}

/// The directories whose name is that of an environment once `strip` is done with it; others are not ours.
pub(super) fn names(
    directory: &Dir,
    strip: impl Fn(&str) -> Option<&str>,
) -> Result<Vec<EnvName>, SystemError> {
    let entries = directory.entries()?.into_iter();
    let name = |name: &OsStr| strip(name.to_str()?)?.parse().ok();
    let mut names: Vec<_> = entries
        .filter(|entry| entry.kind == EntryKind::Directory)
        .filter_map(|entry| name(&entry.name))
        .collect();
    names.sort();
    Ok(names)
}

/// Refuses a name that something has, whatever it is.
pub(super) fn expect_free(directory: &Dir, name: &EnvName) -> Result<(), SystemError> {
    if directory.kind_of(name.as_str())?.is_some() {
        return Err(SystemError::Exists { name: name.clone() });
    }
    if directory.kind_of(new(name))?.is_some() {
        return Err(SystemError::Unfinished { name: name.clone() });
    }
    Ok(())
}

/// The root directory of a finished environment.
pub(super) fn open(directory: &Dir, name: &EnvName) -> Result<Dir, SystemError> {
    directory.open_dir(name.as_str()).map_err(|error| {
        if error.is_not_found() {
            SystemError::Unknown { name: name.clone() }
        } else {
            error.into()
        }
    })
}

/// Renames what was begun to its own name, if nothing has it.
pub(super) fn give_name(directory: &Dir, name: &EnvName) -> Result<(), SystemError> {
    let renamed = directory.rename_new(new(name), directory, name.as_str());
    renamed.map_err(|error| {
        if error.is_exists() {
            SystemError::Exists { name: name.clone() }
        } else {
            error.into()
        }
    })
}

/// Refuses an environment that is mounted somewhere, or has something mounted on it or in it.
pub(super) fn expect_unmounted(environment: &Dir) -> Result<(), SystemError> {
    let mut places = environment.mounted_below()?;
    places.extend(environment.mounted_at()?);
    match places.into_iter().next() {
        None => Ok(()),
        Some(at) => Err(SystemError::Mounted { at }),
    }
}
