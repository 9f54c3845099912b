use std::fs::File;
use std::path::{Path, PathBuf};

use super::CatalogError;
use crate::digest::PackageId;
use crate::fsio::{Dir, EntryKind, regular_length};

/// Name of the database in the catalog directory.
pub(super) const DATABASE: &str = "catalog.db";
/// Name of the directory of the artifacts.
pub(super) const ARTIFACTS: &str = "artifacts";
/// Name of the directory of unfinished imports.
pub(super) const INCOMING: &str = "incoming";
/// Name of the directory of what failed and may be looked at.
pub(super) const QUARANTINE: &str = "quarantine";
/// Name of the lock file.
pub(super) const LOCK: &str = "lock";
/// Name of the mirror of the event log.
pub(super) const EVENTS: &str = "events.jsonl";
/// Name of the package in an artifact's own directory.
pub(super) const PACKAGE: &str = "package.isi";

/// Permissions of every directory of the catalog.
const DIRECTORY_MODE: u32 = 0o700;
/// Permissions of the database and the lock.
pub(super) const FILE_MODE: u32 = 0o600;

/// The catalog's directory, opened and found to be private.
///
/// Nothing below it is ever looked up through a symbolic link, whoever put it there.
#[derive(Debug)]
pub(super) struct Layout {
    root: Dir,
}

impl Layout {
    /// Opens an existing catalog directory.
    pub(super) fn open(root: &Path) -> Result<Self, CatalogError> {
        let layout = match Dir::open(root) {
            Ok(root) => Self { root },
            Err(error) if error.is_not_found() => {
                let root = root.to_owned();
                return Err(CatalogError::Missing { root });
            }
            Err(error) => return Err(error.into()),
        };
        layout.check()?;
        Ok(layout)
    }

    /// Opens a catalog directory, making what is missing of it.
    pub(super) fn open_or_create(root: &Path) -> Result<Self, CatalogError> {
        let layout = Self {
            root: Dir::open_or_create(root, DIRECTORY_MODE)?,
        };
        layout.check()?;
        for name in [ARTIFACTS, INCOMING, QUARANTINE] {
            ensure_dir(&layout.root, name)?;
        }
        drop(layout.root.open_or_create_file(LOCK, FILE_MODE)?);
        Ok(layout)
    }

    /// Makes the empty file that the database grows in.
    pub(super) fn create_database_file(&self) -> Result<(), CatalogError> {
        drop(self.root.open_or_create_file(DATABASE, FILE_MODE)?);
        self.root.sync().map_err(CatalogError::Files)
    }

    /// The catalog's directory.
    pub(super) fn root(&self) -> &Dir {
        &self.root
    }

    /// Where a name in the catalog's directory is; for messages.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// One of the catalog's directories.
    pub(super) fn dir(&self, name: &str) -> Result<Dir, CatalogError> {
        self.root.open_dir(name).map_err(CatalogError::Files)
    }

    /// Opens the lock file; on a file system for reading only it has to exist.
    pub(super) fn lock_file(&self) -> Result<File, CatalogError> {
        match self.lock_file_for_changes() {
            Err(CatalogError::Files(error)) if error.is_read_only() => {
                self.root.open_file(LOCK).map_err(CatalogError::Files)
            }
            opened => opened,
        }
    }

    /// Opens the lock file for one who is going to change something.
    pub(super) fn lock_file_for_changes(&self) -> Result<File, CatalogError> {
        (self.root.open_or_create_file(LOCK, FILE_MODE)).map_err(CatalogError::Files)
    }

    /// Opens an artifact for reading; `None` if its file is missing.
    pub(super) fn open_artifact(&self, id: &PackageId) -> Result<Option<File>, CatalogError> {
        match self.root.open_file(artifact_path(id)) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The length of what has the name of an artifact's file, in bytes; `None` if there is nothing.
    pub(super) fn artifact_length(&self, id: &PackageId) -> Result<Option<u64>, CatalogError> {
        match self.root.length_of(artifact_path(id)) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where an artifact's file is; for messages.
    pub(super) fn artifact_file(&self, id: &PackageId) -> PathBuf {
        self.root.path().join(artifact_path(id))
    }

    /// Whether there is anything that a database must have listed: artifacts or events.
    pub(super) fn has_content(&self) -> Result<bool, CatalogError> {
        let present = |name| Ok::<_, CatalogError>(self.root.kind_of(name)?.is_some());
        if present(ARTIFACTS)? && !self.dir(ARTIFACTS)?.entries()?.is_empty() {
            return Ok(true);
        }
        if !present(EVENTS)? {
            return Ok(false);
        }
        let file = self.root.open_file(EVENTS)?;
        Ok(regular_length(&file, &self.path(EVENTS))? > 0)
    }

    /// Refuses what others own or may write, and what is not the kind of file it should be.
    fn check(&self) -> Result<(), CatalogError> {
        self.root.expect_private()?;
        let directory = (EntryKind::Directory, "a directory");
        let file = (EntryKind::File, "a regular file");
        for (name, (kind, expected)) in [
            (ARTIFACTS, directory),
            (INCOMING, directory),
            (QUARANTINE, directory),
            (LOCK, file),
            (DATABASE, file),
            (EVENTS, file),
        ] {
            match self.root.kind_of(name)? {
                None => {}
                Some(found) if found == kind => self.root.expect_private_entry(name)?,
                Some(_) => {
                    let path = self.path(name);
                    return Err(CatalogError::WrongKind { path, expected });
                }
            }
        }
        Ok(())
    }
}

/// Where an artifact is kept, below the catalog's directory.
pub(super) fn artifact_path(id: &PackageId) -> PathBuf {
    let (shard, directory) = artifact_names(id);
    Path::new(ARTIFACTS)
        .join(shard)
        .join(directory)
        .join(PACKAGE)
}

/// The names of the two directories above an artifact's file.
pub(super) fn artifact_names(id: &PackageId) -> (String, String) {
    let directory = id.to_string();
    (directory.chars().take(2).collect(), directory)
}

/// Makes a directory unless it is there, on disk when this returns; tells whether it was made.
pub(super) fn ensure_dir(parent: &Dir, name: &str) -> Result<bool, CatalogError> {
    match parent.create_dir(name, DIRECTORY_MODE) {
        Ok(()) => {
            parent.sync()?;
            Ok(true)
        }
        Err(error) if error.is_exists() => Ok(false),
        Err(error) => Err(error.into()),
    }
}
