use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::CatalogError;
use super::layout::{ARTIFACTS, INCOMING, Layout, PACKAGE, artifact_names, ensure_dir};
use crate::digest::PackageId;
use crate::fsio::{Dir, EntryKind, FsError, Lock, LockKind, set_mode, sync};
use crate::progress::Silent;

/// Permissions of an artifact once its content is final.
pub(super) const ARTIFACT_MODE: u32 = 0o444;

/// A package on its way in: a directory of its own below `incoming`, gone when this is dropped.
///
/// Its file stays locked as long as this lives, so that whoever clears leftovers away can tell.
#[derive(Debug)]
pub(super) struct Staging {
    incoming: Dir,
    name: String,
    directory: Dir,
    file: File,
    /// Kept for whoever clears leftovers away; nobody else asks for it.
    lock: Option<Lock>,
    published: bool,
}

/// How an artifact's file got its name, so that it can be taken back.
#[derive(Debug)]
pub(super) struct Placed {
    artifacts: Dir,
    shard: String,
    directory: String,
    made_shard: bool,
    made_directory: bool,
}

impl Staging {
    /// Makes an empty file to copy into; the caller holds the catalog still meanwhile.
    pub(super) fn create(layout: &Layout) -> Result<Self, CatalogError> {
        let incoming = layout.dir(INCOMING)?;
        let name = new_directory(&incoming)?;
        let directory = incoming.open_dir(&name)?;
        let file = directory.create_file(PACKAGE, 0o600)?;
        let mut staging = Self {
            incoming,
            name,
            directory,
            file,
            lock: None,
            published: false,
        };
        let path = staging.path();
        let file = staging.file.try_clone();
        let file = file.map_err(FsError::system("open", &path))?;
        staging.lock = Lock::acquire(file, &path, LockKind::Exclusive, Duration::ZERO, &Silent)?;
        Ok(staging)
    }

    /// The file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Where the file is; for messages.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join(PACKAGE)
    }

    /// Makes the content final and waits until it is on disk.
    pub(super) fn seal(&self) -> Result<(), CatalogError> {
        set_mode(&self.file, ARTIFACT_MODE, &self.path())?;
        sync(&self.file, &self.path())?;
        Ok(self.directory.sync()?)
    }

    /// Gives the file its place among the artifacts, on disk when this returns.
    ///
    /// A file that is there already is replaced in one step; anything else there is refused.
    pub(super) fn publish(
        mut self,
        layout: &Layout,
        id: &PackageId,
    ) -> Result<Placed, CatalogError> {
        let artifacts = layout.dir(ARTIFACTS)?;
        let (shard, directory) = artifact_names(id);
        let made_shard = ensure_dir(&artifacts, &shard)?;
        let mut placed = Placed {
            artifacts,
            shard,
            directory,
            made_shard,
            made_directory: false,
        };
        match self.rename(&placed) {
            Ok(made_directory) => {
                placed.made_directory = made_directory;
                self.published = made_directory;
                Ok(placed)
            }
            Err(error) => {
                placed.take_back();
                Err(error)
            }
        }
    }

    /// Moves the whole directory if the artifact has none yet, else only the file.
    fn rename(&self, placed: &Placed) -> Result<bool, CatalogError> {
        let shard = placed.artifacts.open_dir(&placed.shard)?;
        let wrong = |path: &Path, expected| CatalogError::WrongKind {
            path: shard.path().join(path),
            expected,
        };
        let place = Path::new(&placed.directory);
        match shard.kind_of(place)? {
            None => {
                self.incoming.rename_new(&self.name, &shard, place)?;
                shard.sync()?;
                self.incoming.sync()?;
                Ok(true)
            }
            Some(EntryKind::Directory) => {
                let target = shard.open_dir(place)?;
                match target.kind_of(PACKAGE)? {
                    None | Some(EntryKind::File) => {}
                    Some(_) => return Err(wrong(&place.join(PACKAGE), "a regular file")),
                }
                self.directory.rename(PACKAGE, &target, PACKAGE)?;
                target.sync()?;
                Ok(false)
            }
            Some(_) => Err(wrong(place, "a directory")),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is a leftover that is recognised later.
            self.incoming.remove_tree(&self.name).unwrap_or_default();
        }
    }
}

impl Placed {
    /// Removes what publishing made, as far as that is possible.
    ///
    /// A file that replaced another stays: it has the right content for its name.
    pub(super) fn take_back(&self) {
        let Ok(shard) = self.artifacts.open_dir(&self.shard) else {
            return;
        };
        if self.made_directory {
            shard.remove_tree(&self.directory).unwrap_or_default();
        }
        if self.made_shard {
            self.artifacts.remove_dir(&self.shard).unwrap_or_default();
        }
    }
}

/// Makes a directory with a name that nobody else uses.
pub(super) fn new_directory(incoming: &Dir) -> Result<String, CatalogError> {
    let process = std::process::id();
    let mut count = 0_u32;
    loop {
        let name = format!("{process}-{count}");
        match incoming.create_dir(&name, 0o700) {
            Ok(()) => return Ok(name),
            Err(error) if error.is_exists() && count < u32::MAX => count += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;
    use std::io::Write as _;

    fn layout() -> (tempfile::TempDir, Layout) {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::open_or_create(home.path()).unwrap();
        (home, layout)
    }

    fn staged(layout: &Layout, content: &[u8]) -> (Staging, PackageId) {
        let mut staging = Staging::create(layout).unwrap();
        staging.file.write_all(content).unwrap();
        staging.seal().unwrap();
        (staging, PackageId::new(Sha256Digest::of(content)))
    }

    fn names(layout: &Layout, name: &str) -> usize {
        layout.dir(name).unwrap().entries().unwrap().len()
    }

    #[test]
    fn what_is_not_published_is_gone() {
        let (_home, layout) = layout();
        let (first, _) = staged(&layout, b"a");
        let (second, _) = staged(&layout, b"b");
        assert_eq!(names(&layout, INCOMING), 2);
        drop((first, second));
        assert_eq!(names(&layout, INCOMING), 0);
    }

    #[test]
    fn an_import_in_progress_keeps_its_file_locked() {
        let (_home, layout) = layout();
        let (staging, _) = staged(&layout, b"a");
        let free = |path: &Path| {
            let file = File::open(path).unwrap();
            let kind = LockKind::Exclusive;
            Lock::acquire(file, path, kind, Duration::ZERO, &Silent)
                .unwrap()
                .is_some()
        };
        assert!(!free(&staging.path()));
        // Killed: the file stays, the lock does not.
        let path = staging.path();
        std::fs::hard_link(&path, layout.path("kept")).unwrap();
        drop(staging);
        assert!(free(&layout.path("kept")));
    }

    #[test]
    fn publishing_can_be_taken_back() {
        let (_home, layout) = layout();
        let (staging, id) = staged(&layout, b"a");
        let placed = staging.publish(&layout, &id).unwrap();
        assert!(layout.open_artifact(&id).unwrap().is_some());
        assert_eq!(names(&layout, INCOMING), 0);
        placed.take_back();
        assert!(layout.open_artifact(&id).unwrap().is_none());
        assert_eq!(names(&layout, ARTIFACTS), 0);
    }

    #[test]
    fn a_file_under_the_name_is_replaced_and_nothing_else_is() {
        let (_home, layout) = layout();
        let (staging, id) = staged(&layout, b"a");
        staging.publish(&layout, &id).unwrap();
        let path = layout
            .path("")
            .join(super::super::layout::artifact_path(&id));
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, b"damaged").unwrap();
        let (staging, _) = staged(&layout, b"a");
        let placed = staging.publish(&layout, &id).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"a");
        assert_eq!(names(&layout, INCOMING), 0);
        placed.take_back();
        assert_eq!(std::fs::read(&path).unwrap(), b"a");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        let (staging, _) = staged(&layout, b"a");
        let error = staging.publish(&layout, &id).unwrap_err();
        assert_eq!(error.code(), "E_UNSAFE_PATH");
        assert_eq!(names(&layout, INCOMING), 0);
    }
}
