//! How a name is found: below an open directory, and never through a symbolic link.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::error::errno;
use super::{Dir, FsError};

/// How a directory is opened.
pub(super) const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Names are looked up below the handle, and never through a symbolic link.
const RESOLVE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);

impl Dir {
    /// Opens what is below this directory; `operation` is for messages.
    pub(super) fn open_below(
        &self,
        name: &Path,
        flags: OFlags,
        mode: Mode,
        operation: &'static str,
    ) -> Result<OwnedFd, FsError> {
        self.open_as(name, flags, mode, RESOLVE, operation)
    }

    /// Opens a directory below this one, unless another file system is mounted on the way or there.
    pub(super) fn open_within(&self, name: &Path) -> Result<OwnedFd, FsError> {
        let resolve = RESOLVE | ResolveFlags::NO_XDEV;
        self.open_as(name, DIRECTORY, Mode::empty(), resolve, "open directory")
    }

    fn open_as(
        &self,
        name: &Path,
        flags: OFlags,
        mode: Mode,
        resolve: ResolveFlags,
        operation: &'static str,
    ) -> Result<OwnedFd, FsError> {
        self.check(name)?;
        rustix::fs::openat2(self, name, flags, mode, resolve).map_err(|error| {
            let path = self.path().join(name);
            if error == rustix::io::Errno::LOOP {
                FsError::SymbolicLink { path }
            } else {
                errno(operation, path)(error)
            }
        })
    }

    /// The directory that holds the last component of `name`, and that component.
    pub(super) fn parent_of(&self, name: &Path) -> Result<(Parent, PathBuf), FsError> {
        self.check(name)?;
        let last = name.file_name().map(PathBuf::from).unwrap_or_default();
        match name.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                let path = OFlags::PATH | DIRECTORY;
                let fd = self.open_below(parent, path, Mode::empty(), "open directory")?;
                Ok((Parent::Below(fd), last))
            }
            _ => Ok((Parent::This, last)),
        }
    }

    fn check(&self, name: &Path) -> Result<(), FsError> {
        let plain = name
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let bytes = name.as_os_str().as_bytes();
        if plain && !bytes.is_empty() && !bytes.contains(&0) {
            Ok(())
        } else {
            let (directory, name) = (self.path().to_owned(), name.to_owned());
            Err(FsError::UnsafeName { directory, name })
        }
    }
}

/// Where a last component is looked up.
pub(super) enum Parent {
    This,
    Below(OwnedFd),
}

impl Parent {
    pub(super) fn fd<'a>(&'a self, this: &'a Dir) -> BorrowedFd<'a> {
        match self {
            Self::This => this.as_fd(),
            Self::Below(fd) => fd.as_fd(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::FileType;

    use super::super::EntryKind;
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        for name in ["", "..", "../x", "/etc/passwd", "a/../b", ".", "a\0b"] {
            let error = dir.create_file(name, 0o600).unwrap_err();
            assert_eq!(error.code(), "E_UNSAFE_PATH", "{name:?}");
        }
    }

    #[test]
    fn c09_a_symbolic_link_is_never_followed() {
        let home = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), b"s").unwrap();
        let dir = Dir::open(home.path()).unwrap();
        dir.create_symlink(outside.path().as_os_str(), "link")
            .unwrap();
        dir.create_symlink(outside.path().join("secret").as_os_str(), "file")
            .unwrap();
        let refused = |error: FsError| assert_eq!(error.code(), "E_UNSAFE_PATH");
        refused(dir.open_dir("link").unwrap_err());
        refused(dir.open_file("file").unwrap_err());
        refused(dir.create_file("link/new", 0o600).unwrap_err());
        refused(dir.open_or_create_file("file", 0o600).unwrap_err());
        assert!(dir.create_dir("link/new", 0o700).is_err());
        assert!(dir.remove_file("link/secret").is_err());
        assert!(dir.create_hard_link("link/secret", "hard").is_err());
        assert!(outside.path().join("secret").exists());
        assert_eq!(dir.kind_of("link").unwrap(), Some(EntryKind::SymbolicLink));
        assert_eq!(dir.kind_of("nothing").unwrap(), None);
    }

    #[test]
    fn c13_a_fifo_is_refused_without_waiting() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        let (kind, mode) = (FileType::Fifo, Mode::from_raw_mode(0o600));
        rustix::fs::mknodat(&dir, "fifo", kind, mode, 0).unwrap();
        assert_eq!(dir.open_file("fifo").unwrap_err().code(), "E_NOT_REGULAR");
        let path = home.path().join("fifo");
        assert_eq!(
            super::super::open_regular(&path).unwrap_err().code(),
            "E_NOT_REGULAR"
        );
        let zero = Path::new("/dev/zero");
        assert_eq!(
            super::super::open_regular(zero).unwrap_err().code(),
            "E_NOT_REGULAR"
        );
        assert_eq!(
            super::super::open_regular(home.path()).unwrap_err().code(),
            "E_NOT_REGULAR"
        );
    }
}
