//! A system on disk, opened: its storage, its loader, its state, and what takes more than one of them.

mod activate;
mod bootstrap;
mod change;
mod list;
mod select;
mod space;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::activate::Activation;
pub use self::change::Beginning;
pub use self::list::{Environment, Role};
pub use self::select::Selected;
pub use self::space::FreeSpace;

use super::layout::{self, CURRENT, DIRECTORIES, ENVIRONMENTS, LOADER, STATE};
use super::loader::Loader;
use super::storage::{self, Storage};
use super::{EnvName, Held, Record, State, StorageKind, SystemError, json};
use crate::fsio::{Dir, EntryKind, FsError};
use crate::progress::Progress;

/// Permissions of the state and of records.
const FILE_MODE: u32 = 0o600;

/// A system on disk.
///
/// Reading needs no lock. Whoever changes something holds the lock, except [`System::select`].
#[derive(Debug)]
pub struct System {
    root: Dir,
    storage: Box<dyn Storage>,
    loader: Loader,
}

impl System {
    /// Opens the system in this directory.
    pub fn open(root: &Path) -> Result<Self, SystemError> {
        Self::open_as(root, |state| Ok(state?.storage))
    }

    /// Opens the system in this directory to choose what boots: whatever its state says, if there is one.
    ///
    /// What kind of storage it is matters to those who make and remove environments.
    pub fn open_to_select(root: &Path) -> Result<Self, SystemError> {
        Self::open_as(root, |state| match state {
            Err(error @ SystemError::Missing { .. }) => Err(error),
            state => Ok(state.map_or(StorageKind::Dir, |state| state.storage)),
        })
    }

    fn open_as(
        root: &Path,
        kind: impl FnOnce(Result<State, SystemError>) -> Result<StorageKind, SystemError>,
    ) -> Result<Self, SystemError> {
        tracing::info!("system: {}", root.display());
        let missing = || SystemError::Missing {
            root: root.to_owned(),
        };
        let dir = match Dir::open(root) {
            Ok(dir) => dir,
            Err(error) if error.is_not_found() => return Err(missing()),
            Err(error) => return Err(error.into()),
        };
        dir.expect_private()?;
        for (name, _) in DIRECTORIES {
            if dir.kind_of(name)?.is_some() {
                dir.expect_private_entry(name)?;
            }
        }
        let state = json::read(&dir, STATE);
        let kind = kind(state.and_then(|state| state.ok_or_else(missing)))?;
        Ok(Self {
            storage: storage::open(kind, dir.open_dir(ENVIRONMENTS)?),
            loader: Loader::open(dir.open_dir(LOADER)?)?,
            root: dir,
        })
    }

    /// Whether there is a system in this directory.
    pub fn is_at(root: &Path) -> Result<bool, SystemError> {
        match Dir::open(root) {
            Ok(dir) => Ok(dir.kind_of(STATE)?.is_some()),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps every other changer out, after waiting for one at most `timeout`.
    pub fn lock(&self, timeout: Duration, progress: &dyn Progress) -> Result<Held, SystemError> {
        Held::take(&self.root, timeout, progress)
    }

    /// Whether somebody has that lock at this moment.
    pub fn is_locked(&self) -> Result<bool, SystemError> {
        super::lock::is_held(&self.root)
    }

    /// The system's directory.
    pub fn root(&self) -> &Dir {
        &self.root
    }

    /// Where the key is that it signs its own images with, if it has one.
    pub fn local_key(&self) -> PathBuf {
        self.root.path().join(layout::LOCAL_KEY)
    }

    /// Where its environments are.
    pub fn storage(&self) -> &dyn Storage {
        self.storage.as_ref()
    }

    /// What the boot loader reads.
    pub fn loader(&self) -> &Loader {
        &self.loader
    }

    /// What is true of it as a whole.
    pub fn state(&self) -> Result<State, SystemError> {
        let state = json::read(&self.root, STATE)?;
        state.ok_or_else(|| SystemError::Missing {
            root: self.root.path().to_owned(),
        })
    }

    /// Replaces that in one step.
    pub fn store_state(&self, state: &State) -> Result<(), SystemError> {
        json::write(&self.root, STATE, state, FILE_MODE)
    }

    /// What is known of an environment; `None` if nothing is.
    pub fn record(&self, name: &EnvName) -> Result<Option<Record>, SystemError> {
        let path = layout::record(name);
        let record: Option<Record> = json::read(&self.root, &path)?;
        match record {
            Some(record) if record.name != *name => Err(SystemError::Damaged {
                path: self.root.path().join(path),
                detail: format!("it is the record of {}", record.name),
            }),
            record => Ok(record),
        }
    }

    /// Replaces that in one step.
    pub fn store_record(&self, record: &Record) -> Result<(), SystemError> {
        json::write(&self.root, layout::record(&record.name), record, FILE_MODE)
    }

    /// What was selected last, if it is still there.
    pub fn current(&self) -> Result<Option<EnvName>, SystemError> {
        if self.root.kind_of(CURRENT)? != Some(EntryKind::SymbolicLink) {
            return Ok(None);
        }
        let target = self.root.read_link(CURRENT)?;
        let name = Path::new(&target).strip_prefix(ENVIRONMENTS).ok();
        let name = name
            .and_then(Path::to_str)
            .and_then(|name| name.parse().ok());
        Ok(match name {
            Some(name) if self.has(&name)? => Some(name),
            _ => None,
        })
    }

    /// The environment that runs: the one that was booted, if it is one of this system's, else the current.
    pub fn running(&self, booted: Option<&EnvName>) -> Result<Option<EnvName>, SystemError> {
        match booted {
            Some(booted) if self.has(booted)? => Ok(Some(booted.clone())),
            _ => self.current(),
        }
    }

    /// Whether there is a finished environment of this name.
    pub fn has(&self, name: &EnvName) -> Result<bool, SystemError> {
        Ok(self.storage.names()?.binary_search(name).is_ok())
    }

    /// Where an environment is, or would be.
    pub fn path_of(&self, name: &EnvName) -> PathBuf {
        self.root.path().join(layout::environment(name))
    }

    /// One of the system's directories, made if it is missing.
    pub fn directory(&self, name: &str) -> Result<Dir, SystemError> {
        ensure_dir(&self.root, name, 0o700)?;
        Ok(self.root.open_dir(name)?)
    }

    fn point_current_to(&self, name: &EnvName) -> Result<(), SystemError> {
        let target = layout::environment(name);
        let target: &OsStr = target.as_os_str();
        if self.root.kind_of(CURRENT)? == Some(EntryKind::SymbolicLink)
            && self.root.read_link(CURRENT)? == target
        {
            return Ok(());
        }
        Ok(self.root.replace_symlink(target, CURRENT)?)
    }
}

/// Makes a directory unless it is there.
fn ensure_dir(parent: &Dir, name: &str, mode: u32) -> Result<(), FsError> {
    match parent.create_dir(name, mode) {
        Ok(()) => parent.sync(),
        Err(error) if error.is_exists() => Ok(()),
        Err(error) => Err(error),
    }
}
