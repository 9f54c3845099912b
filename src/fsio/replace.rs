use std::ffi::{OsStr, OsString};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Dir, FsError, Lock, LockKind, sync};
use crate::progress::Silent;

/// How long others that replace links in the same directory are waited for; each needs two calls of the system.
const OTHERS: Duration = Duration::from_secs(10);

impl Dir {
    /// Gives the file `name` this content in one step that is on disk when this returns.
    ///
    /// It is written as `.<name>.new` beside its place, which an interrupted call may leave behind and the
    /// next one removes. So there may be one caller at a time for one name.
    pub fn replace_file(
        &self,
        name: impl AsRef<Path>,
        content: &[u8],
        mode: u32,
    ) -> Result<(), FsError> {
        let name = name.as_ref();
        let temporary = beside(name);
        self.remove_if_there(&temporary)?;
        let path = self.path().join(&temporary);
        let file = self.create_file(&temporary, mode)?;
        file.write_all_at(content, 0)
            .map_err(FsError::system("write", &path))?;
        sync(&file, &path)?;
        self.rename(&temporary, self, name)?;
        self.open_parent_of(name)?.sync()
    }

    /// Makes `name` a symbolic link to `target` in one step that is on disk when this returns.
    ///
    /// Several may do so at once: each waits for the others, and the last one wins. An interrupted call
    /// may leave `.<name>.new` behind, which the next one removes.
    pub fn replace_symlink(&self, target: &OsStr, name: impl AsRef<Path>) -> Result<(), FsError> {
        let name = name.as_ref();
        let temporary = beside(name);
        let parent = self.open_parent_of(name)?;
        // Who got no lock in that time goes on: what was in the way hangs, and a machine has to start.
        let lock = parent.reopen()?.into();
        let alone = Lock::acquire(lock, parent.path(), LockKind::Exclusive, OTHERS, &Silent)?;
        self.remove_if_there(&temporary)?;
        self.create_symlink(target, &temporary)?;
        self.rename(&temporary, self, name)?;
        // A disk that takes its time keeps nobody else.
        drop(alone);
        parent.sync()
    }

    /// Removes a file or link; tells whether there was one.
    pub fn remove_if_there(&self, name: impl AsRef<Path>) -> Result<bool, FsError> {
        match self.remove_file(name) {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The directory that holds `name`.
    fn open_parent_of(&self, name: &Path) -> Result<Self, FsError> {
        match name.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.open_dir(parent),
            _ => self.reopen(),
        }
    }
}

/// The hidden name in the same directory that something has until it is complete.
fn beside(name: &Path) -> PathBuf {
    let mut hidden = OsString::from(".");
    hidden.push(name.file_name().unwrap_or_default());
    hidden.push(".new");
    name.with_file_name(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_replaced_whole_and_what_was_interrupted_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        dir.create_dir("sub", 0o700).unwrap();
        std::fs::write(home.path().join("sub/.file.new"), "interrupted and longer").unwrap();
        for content in ["long content", "short"] {
            dir.replace_file("sub/file", content.as_bytes(), 0o600)
                .unwrap();
            let found = dir.read_bounded("sub/file", 100).unwrap();
            assert_eq!(found, content.as_bytes());
        }
        assert_eq!(dir.open_dir("sub").unwrap().entries().unwrap().len(), 1);
        assert!(dir.remove_if_there("sub/file").unwrap());
        assert!(!dir.remove_if_there("sub/file").unwrap());
    }

    #[test]
    fn a_link_is_replaced_by_many_at_once() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let dir = &dir;
                scope.spawn(move || {
                    let target = OsString::from(format!("target-{writer}"));
                    for _ in 0..50 {
                        dir.replace_symlink(&target, "link").unwrap();
                    }
                });
            }
        });
        let target = dir.read_link("link").unwrap().into_string().unwrap();
        assert!(target.starts_with("target-"), "{target}");
        assert_eq!(dir.entries().unwrap().len(), 1);
    }
}
