use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Dir, FsError};

/// A directory that appears under its name only when it is complete.
///
/// It is filled under a hidden name beside its place; dropping it without [`OutputDir::commit`]
/// removes it with all that is in it.
#[derive(Debug)]
pub struct OutputDir {
    dir: Dir,
    parent: Dir,
    path: PathBuf,
    name: OsString,
    temporary: OsString,
    committed: bool,
}

impl OutputDir {
    /// Starts a directory that will be named `path`; fails if that exists.
    pub fn create(path: &Path) -> Result<Self, FsError> {
        let exists = || FsError::Exists {
            path: path.to_owned(),
        };
        if path.symlink_metadata().is_ok() {
            return Err(exists());
        }
        let name = path.file_name().ok_or_else(exists)?.to_owned();
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => Dir::open(parent)?,
            _ => Dir::open(Path::new("."))?,
        };
        let temporary = hidden(&name);
        parent.create_dir(&temporary, 0o700)?;
        let dir = parent.open_dir(&temporary)?;
        Ok(Self {
            dir,
            parent,
            path: path.to_owned(),
            name,
            temporary,
            committed: false,
        })
    }

    /// The directory to fill.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Gives the directory permissions 0755 and its name; `sync` waits until that is on disk.
    pub fn commit(mut self, sync: bool) -> Result<Dir, FsError> {
        let attributes = super::Attributes {
            mode: Some(0o755),
            ..super::Attributes::default()
        };
        self.parent.set_attributes(&self.temporary, &attributes)?;
        if sync {
            self.dir.sync_file_system()?;
        }
        let renamed = self
            .parent
            .rename_new(&self.temporary, &self.parent, &self.name);
        renamed.map_err(|error| {
            if self.path.symlink_metadata().is_ok() {
                let path = self.path.clone();
                FsError::Exists { path }
            } else {
                error
            }
        })?;
        self.committed = true;
        if sync {
            self.parent.sync()?;
        }
        self.parent.open_dir(&self.name)
    }
}

impl Drop for OutputDir {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing can be done about a failure here; the name says whose leftover it is.
            self.parent.remove_tree(&self.temporary).unwrap_or_default();
        }
    }
}

/// A hidden name that no other process uses, short enough for any file system.
fn hidden(name: &std::ffi::OsStr) -> OsString {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let suffix = format!(".isi-tmp-{}-{count}", std::process::id());
    let mut hidden = OsString::from(".");
    if name.len() + suffix.len() < 255 {
        hidden.push(name);
    }
    hidden.push(suffix);
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let names = std::fs::read_dir(path).unwrap();
        names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn appears_when_complete_and_vanishes_otherwise() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new");
        let output = OutputDir::create(&path).unwrap();
        output.dir().create_file("file", 0o600).unwrap();
        output.dir().create_dir("sub", 0o700).unwrap();
        output.dir().create_file("sub/file", 0o600).unwrap();
        assert!(!path.exists());
        drop(output);
        assert_eq!(names(home.path()), [""; 0]);

        let output = OutputDir::create(&path).unwrap();
        output.dir().create_file("file", 0o600).unwrap();
        output.commit(true).unwrap();
        assert_eq!(names(home.path()), ["new"]);
        assert_eq!(names(&path), ["file"]);
    }

    #[test]
    fn replaces_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new");
        let late = OutputDir::create(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(OutputDir::create(&path).unwrap_err().code(), "E_EXISTS");
        assert_eq!(late.commit(false).unwrap_err().code(), "E_EXISTS");
        assert_eq!(names(home.path()), ["new"]);
    }
}
