use std::ffi::OsStr;
use std::fmt;

use super::{Storage, StorageKind};
use crate::fsio::{Attributes, Dir, EntryKind};
use crate::progress::Progress;
use crate::system::{EnvName, SystemError};

/// Permissions of the root directory of an environment that begins empty.
const ROOT_MODE: u32 = 0o755;

/// What each kind of storage does its own way, with names that [`Kept`] chose.
pub(super) trait Medium: fmt::Debug + Send + Sync {
    /// What kind it is.
    fn kind(&self) -> StorageKind;

    /// Makes the root directory of an environment; what fails made none.
    ///
    /// It has all that is in `source` where the kind copies in one step, and is empty otherwise.
    fn make(&self, directory: &Dir, name: &str, source: Option<&Dir>) -> Result<(), SystemError>;

    /// Copies what is in `source`, as far as [`Medium::make`] did not.
    fn copy(&self, source: &Dir, made: &Dir, progress: &dyn Progress) -> Result<(), SystemError>;

    /// Removes a root directory and all that is in it.
    fn remove(&self, directory: &Dir, name: &str) -> Result<(), SystemError>;

    /// Waits until the names of the root directories are on disk.
    fn sync_names(&self, directory: &Dir) -> Result<(), SystemError>;
}

/// Environments in a directory, whatever each of them is made of.
#[derive(Debug)]
pub(super) struct Kept<M> {
    directory: Dir,
    medium: M,
}

impl<M: Medium> Kept<M> {
    /// Keeps environments in this directory.
    pub(super) fn new(directory: Dir, medium: M) -> Self {
        Self { directory, medium }
    }

    fn fill(
        &self,
        name: &EnvName,
        source: Option<&Dir>,
        progress: &dyn Progress,
    ) -> Result<Dir, SystemError> {
        let made = self.directory.open_dir(new(name))?;
        match source {
            None => made.set_own_attributes(&Attributes {
                mode: Some(ROOT_MODE),
                ..Attributes::default()
            })?,
            Some(source) => self.medium.copy(source, &made, progress)?,
        }
        Ok(made)
    }

    /// Refuses a name that something has, whatever it is.
    fn expect_free(&self, name: &EnvName) -> Result<(), SystemError> {
        if self.directory.kind_of(name.as_str())?.is_some() {
            return Err(SystemError::Exists { name: name.clone() });
        }
        if self.directory.kind_of(new(name))?.is_some() {
            return Err(SystemError::Unfinished { name: name.clone() });
        }
        Ok(())
    }

    /// Renames what was begun to its own name, if nothing has it.
    fn give_name(&self, name: &EnvName) -> Result<(), SystemError> {
        let renamed = self
            .directory
            .rename_new(new(name), &self.directory, name.as_str());
        renamed.map_err(|error| {
            if error.is_exists() {
                SystemError::Exists { name: name.clone() }
            } else {
                error.into()
            }
        })
    }

    /// The directories whose name is that of an environment once `strip` is done with it; others are not
    /// ours.
    fn named(&self, strip: impl Fn(&str) -> Option<&str>) -> Result<Vec<EnvName>, SystemError> {
        let entries = self.directory.entries()?.into_iter();
        let name = |name: &OsStr| strip(name.to_str()?)?.parse().ok();
        let mut names: Vec<_> = entries
            .filter(|entry| entry.kind == EntryKind::Directory)
            .filter_map(|entry| name(&entry.name))
            .collect();
        names.sort();
        Ok(names)
    }
}

impl<M: Medium> Storage for Kept<M> {
    fn kind(&self) -> StorageKind {
        self.medium.kind()
    }

    fn names(&self) -> Result<Vec<EnvName>, SystemError> {
        self.named(|name| Some(name))
    }

    fn unfinished(&self) -> Result<Vec<EnvName>, SystemError> {
        self.named(|name| name.strip_prefix('.')?.strip_suffix(".new"))
    }

    fn begin(
        &self,
        name: &EnvName,
        from: Option<&EnvName>,
        progress: &dyn Progress,
    ) -> Result<Dir, SystemError> {
        self.expect_free(name)?;
        let source = from.map(|from| self.open(from)).transpose()?;
        self.medium
            .make(&self.directory, &new(name), source.as_ref())?;
        let filled = self.fill(name, source.as_ref(), progress);
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
        self.give_name(name)?;
        self.medium.sync_names(&self.directory)
    }

    fn discard(&self, name: &EnvName) -> Result<(), SystemError> {
        if self.begun(name)?.is_some() {
            self.medium.remove(&self.directory, &new(name))?;
            self.medium.sync_names(&self.directory)?;
        }
        Ok(())
    }

    fn open(&self, name: &EnvName) -> Result<Dir, SystemError> {
        self.directory.open_dir(name.as_str()).map_err(|error| {
            if error.is_not_found() {
                SystemError::Unknown { name: name.clone() }
            } else {
                error.into()
            }
        })
    }

    fn destroy(&self, name: &EnvName) -> Result<(), SystemError> {
        expect_unmounted(&self.open(name)?)?;
        // What an earlier removal left would be in the way.
        self.sweep()?;
        self.directory
            .rename_new(name.as_str(), &self.directory, gone(name))?;
        self.medium.sync_names(&self.directory)?;
        self.medium.remove(&self.directory, &gone(name))
    }

    fn removed(&self) -> Result<Vec<EnvName>, SystemError> {
        self.named(|name| name.strip_prefix('.')?.strip_suffix(".gone"))
    }

    fn sweep(&self) -> Result<(), SystemError> {
        for name in self.removed()? {
            self.medium.remove(&self.directory, &gone(&name))?;
        }
        Ok(())
    }
}

/// The name that an environment has until it is finished.
fn new(name: &EnvName) -> String {
    format!(".{name}.new")
}

/// The name that an environment has while it is removed.
fn gone(name: &EnvName) -> String {
    format!(".{name}.gone")
}

/// Refuses an environment that is mounted somewhere, or has something mounted on it or in it.
fn expect_unmounted(environment: &Dir) -> Result<(), SystemError> {
    let mut places = environment.mounted_below()?;
    places.extend(environment.mounted_at()?);
    match places.into_iter().next() {
        None => Ok(()),
        Some(at) => Err(SystemError::Mounted { at }),
    }
}
