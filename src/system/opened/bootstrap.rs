use std::path::Path;

use super::{System, ensure_dir, write};
use crate::fsio::Dir;
use crate::system::layout::{self, DIRECTORIES, ENVIRONMENTS, LOADER, STATE};
use crate::system::loader::Loader;
use crate::system::{State, StorageKind, SystemError, TargetId};

impl System {
    /// Makes a system of an empty directory, or of one that does not exist, and opens it.
    ///
    /// Its state is written last: until then it is an empty directory with a few names in it, and the next
    /// attempt goes on.
    pub fn bootstrap(
        root: &Path,
        storage: Option<StorageKind>,
        target: TargetId,
    ) -> Result<Self, SystemError> {
        let dir = Dir::open_or_create(root, 0o755)?;
        dir.expect_private()?;
        expect_empty(&dir)?;
        for (name, mode) in DIRECTORIES {
            ensure_dir(&dir, name, mode)?;
        }
        drop(Loader::open_or_create(dir.open_dir(LOADER)?)?);
        let environments = dir.open_dir(ENVIRONMENTS)?;
        let best = StorageKind::best_for(&environments)?;
        let kind = storage.unwrap_or(best);
        if kind == StorageKind::Btrfs && best != kind {
            return Err(SystemError::NotBtrfs {
                path: environments.path().to_owned(),
            });
        }
        write(&dir, Path::new(STATE), &State::new(target, kind))?;
        Self::open(root)
    }
}

fn expect_empty(dir: &Dir) -> Result<(), SystemError> {
    let entries = dir.entries()?.into_iter();
    let mut names = entries.map(|entry| entry.name.to_string_lossy().into_owned());
    match names.find(|name| !layout::may_be_there_before(name)) {
        None => Ok(()),
        Some(found) => Err(SystemError::NotEmpty {
            root: dir.path().to_owned(),
            found,
        }),
    }
}
