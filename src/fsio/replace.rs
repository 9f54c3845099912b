use std::ffi::{OsStr, OsString};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::{Dir, FsError, sync};

/// How often a link is made anew while somebody else replaces it, too.
const ATTEMPTS: u32 = 32;

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
        self.sync_parent_of(name)
    }

    /// Makes `name` a symbolic link to `target` in one step that is on disk when this returns.
    ///
    /// Several may do so at once: the last one wins.
    pub fn replace_symlink(&self, target: &OsStr, name: impl AsRef<Path>) -> Result<(), FsError> {
        let name = name.as_ref();
        let temporary = beside(name);
        let mut attempt = 0;
        loop {
            self.remove_if_there(&temporary)?;
            let made = self.create_symlink(target, &temporary);
            match made.and_then(|()| self.rename(&temporary, self, name)) {
                Ok(()) => return self.sync_parent_of(name),
                // Another one made or renamed the same link between two of our steps.
                Err(error) if attempt < ATTEMPTS && (error.is_exists() || error.is_not_found()) => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes a file or link; tells whether there was one.
    pub fn remove_if_there(&self, name: impl AsRef<Path>) -> Result<bool, FsError> {
        match self.remove_file(name) {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn sync_parent_of(&self, name: &Path) -> Result<(), FsError> {
        match name.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.open_dir(parent)?.sync(),
            _ => self.sync(),
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
