use std::path::Path;

use jiff::Timestamp;

use super::System;
use crate::fsio::Dir;
use crate::progress::Progress;
use crate::system::layout::{BASE, CHECKS, KERNELS};
use crate::system::loader::{Counter, DEFAULT_TRIES};
use crate::system::{EnvName, KernelFiles, Record, SystemError};

/// What an environment begins with that is no copy of another one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beginning<'a> {
    /// The directory that it is a copy of, such as `/` of a machine that was installed by hand; else it is empty.
    pub tree: Option<&'a Dir>,
    /// What boots it, if it brings that.
    pub kernel: Option<&'a KernelFiles>,
}

impl System {
    /// Makes an environment, empty or as a copy of another one with its kernels; needs the lock.
    ///
    /// It is on trial until it is marked good: it is booted only when it is activated. What an interrupted
    /// attempt left under the name goes first; the caller knows that it is not a running upgrade's.
    pub fn create(
        &self,
        name: &EnvName,
        from: Option<&EnvName>,
        now: Timestamp,
        progress: &dyn Progress,
    ) -> Result<(), SystemError> {
        self.make(name, from, Beginning::default(), now, progress)
    }

    /// As [`System::create`], of what is no environment.
    ///
    /// What is mounted in a directory is not copied, nor is this system's own directory.
    pub fn create_of(
        &self,
        name: &EnvName,
        beginning: Beginning<'_>,
        now: Timestamp,
        progress: &dyn Progress,
    ) -> Result<(), SystemError> {
        self.make(name, None, beginning, now, progress)
    }

    fn make(
        &self,
        name: &EnvName,
        from: Option<&EnvName>,
        beginning: Beginning<'_>,
        now: Timestamp,
        progress: &dyn Progress,
    ) -> Result<(), SystemError> {
        // Anything of this name is refused before anything is touched.
        if self.has(name)? {
            return Err(SystemError::Exists { name: name.clone() });
        }
        if let Some(from) = from {
            drop(self.storage.open(from)?);
        }
        self.storage.discard(name)?;
        self.sweep()?;
        let root = self.storage.begin(name, from, progress)?;
        let kernel = beginning.kernel;
        let made = beginning
            .tree
            .map_or(Ok(()), |tree| self.fill(tree, &root, progress))
            .and_then(|()| self.complete(name, from, kernel, now, progress));
        if made.is_err() && !self.has(name)? {
            // The first failure is the one that matters; what is left is never listed as finished.
            let cleaned = self.storage.discard(name).and_then(|()| self.sweep());
            cleaned.unwrap_or_default();
        }
        made
    }

    /// Copies a tree into the root of a new environment, without what is the system's own.
    fn fill(&self, tree: &Dir, root: &Dir, progress: &dyn Progress) -> Result<(), SystemError> {
        let own = [self.root(), root];
        if tree.copy_tree_without(&own, root, progress)?.cancelled {
            return Err(SystemError::Cancelled);
        }
        Ok(())
    }

    fn complete(
        &self,
        name: &EnvName,
        from: Option<&EnvName>,
        kernel: Option<&KernelFiles>,
        now: Timestamp,
        progress: &dyn Progress,
    ) -> Result<(), SystemError> {
        let mut record = Record::new(name.clone(), now);
        if let Some(from) = from {
            for directory in [KERNELS, BASE, CHECKS] {
                copy(&self.directory(directory)?, from, name, progress)?;
            }
            if let Some(parent) = self.record(from)? {
                record.origin = parent.origin;
                record.boot = parent.boot;
                record.carried = parent.carried;
            }
            record.parent = Some(from.clone());
        }
        if let Some(kernel) = kernel {
            record.boot = Some(kernel.install(self, name)?);
        }
        self.store_record(&record)?;
        self.put_old_kernel(name)?;
        let entry = self.entry_of(name)?;
        self.loader.put(&entry, Some(Counter::new(DEFAULT_TRIES)))?;
        // The name comes last: what has it has everything.
        self.storage.finish(name)
    }

    /// Removes an environment that nothing needs, finished or not, with all that belongs to it; needs the
    /// lock. A removal that was interrupted is finished.
    pub fn destroy(&self, name: &EnvName, booted: Option<&EnvName>) -> Result<(), SystemError> {
        self.expect_needless(name, booted)?;
        if self.has(name)? {
            self.storage.destroy(name)?;
        } else {
            self.storage.discard(name)?;
        }
        self.sweep()
    }

    /// Refuses an environment that is needed, or is not there at all.
    pub fn expect_needless(
        &self,
        name: &EnvName,
        booted: Option<&EnvName>,
    ) -> Result<(), SystemError> {
        let name = name.clone();
        if !self.has(&name)? {
            let left = self.storage.begun(&name)?.is_some() || self.has_remains(&name)?;
            return if left {
                Ok(())
            } else {
                Err(SystemError::Unknown { name })
            };
        }
        let why = self.needed(&name, self.running(booted)?.as_ref())?;
        if why.is_empty() {
            Ok(())
        } else {
            Err(SystemError::Needed { name, why })
        }
    }
}

/// Copies what one environment has in a directory, if it has something, over what an interrupted attempt
/// left.
fn copy(
    directory: &Dir,
    from: &EnvName,
    to: &EnvName,
    progress: &dyn Progress,
) -> Result<(), SystemError> {
    let (from, to) = (Path::new(from.as_str()), Path::new(to.as_str()));
    if directory.kind_of(to)?.is_some() {
        directory.remove_tree(to)?;
    }
    if directory.kind_of(from)?.is_none() {
        return Ok(());
    }
    directory.create_dir(to, 0o700)?;
    let copied = (directory.open_dir(from)?).copy_tree(&directory.open_dir(to)?, progress)?;
    if copied.cancelled {
        return Err(SystemError::Cancelled);
    }
    Ok(directory.sync()?)
}
