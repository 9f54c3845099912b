use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, Stat};

use super::FsError;
use super::error::errno;
use super::lookup::DIRECTORY;
use super::open::{expect_regular, read_file_bounded};

/// An open directory; every name is looked up below it and never through a symbolic link.
///
/// Names are relative paths of plain components. `..`, absolute paths, empty names and NUL are refused
/// as [`FsError::UnsafeName`].
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    /// For messages only; nothing is ever looked up by it.
    path: PathBuf,
}

impl Dir {
    /// Opens the directory at `path`, following symbolic links: the path is the caller's own.
    pub fn open(path: &Path) -> Result<Self, FsError> {
        let fd = rustix::fs::openat(CWD, path, DIRECTORY, Mode::empty())
            .map_err(errno("open directory", path))?;
        Ok(Self {
            fd,
            path: path.to_owned(),
        })
    }

    /// As [`Dir::open`], making the directory and its missing parents first.
    pub fn open_or_create(path: &Path, mode: u32) -> Result<Self, FsError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(mode);
        builder
            .create(path)
            .map_err(FsError::system("create directory", path))?;
        Self::open(path)
    }

    /// Another handle to the same directory.
    pub fn try_clone(&self) -> Result<Self, FsError> {
        let fd = self.fd.try_clone();
        Ok(Self {
            fd: fd.map_err(FsError::system("open directory", &self.path))?,
            path: self.path.clone(),
        })
    }

    /// The same directory opened once more: a lock on it is another one than on this handle.
    pub(super) fn reopen(&self) -> Result<Self, FsError> {
        let fd = rustix::fs::openat(&self.fd, ".", DIRECTORY, Mode::empty())
            .map_err(errno("open directory", &self.path))?;
        Ok(Self::of_descriptor(fd, self.path.clone()))
    }

    /// Where the directory was when it was opened; for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Permissions, owner and times of the directory itself.
    pub fn stat(&self) -> Result<Stat, FsError> {
        rustix::fs::fstat(&self.fd).map_err(errno("examine", &self.path))
    }

    /// Whether this is the directory that is at `path` now.
    pub fn is_at(&self, path: &Path) -> Result<bool, FsError> {
        let (ours, theirs) = (self.stat()?, Self::open(path)?.stat()?);
        Ok((ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino))
    }

    /// Where the directory is now, without symbolic links; for programs that take nothing but a path.
    ///
    /// Somebody may move the directory afterwards: compare what was opened with this handle.
    pub fn real_path(&self) -> Result<PathBuf, FsError> {
        let entry = format!("/proc/self/fd/{}", self.fd.as_raw_fd());
        rustix::fs::readlinkat(CWD, &entry, Vec::new())
            .map(|path| PathBuf::from(OsStr::from_bytes(path.to_bytes())))
            .map_err(errno("find the path of", &self.path))
    }

    /// Bytes that an ordinary user may still write to this file system.
    pub fn free_space(&self) -> Result<u64, FsError> {
        rustix::fs::fstatvfs(&self.fd)
            .map(|space| space.f_bavail.saturating_mul(space.f_frsize))
            .map_err(errno("measure the free space at", &self.path))
    }

    /// Whether this directory and that one are on one file system, by the number that it has.
    pub fn is_with(&self, other: &Self) -> Result<bool, FsError> {
        Ok(self.stat()?.st_dev == other.stat()?.st_dev)
    }

    /// Files and directories that may still be made on this file system; none where it has no such bound.
    pub fn free_files(&self) -> Result<Option<u64>, FsError> {
        rustix::fs::fstatvfs(&self.fd)
            .map(|space| (space.f_files > 0).then_some(space.f_favail))
            .map_err(errno("measure the free space at", &self.path))
    }

    /// Opens a directory below this one.
    pub fn open_dir(&self, name: impl AsRef<Path>) -> Result<Self, FsError> {
        let name = name.as_ref();
        let fd = self.open_below(name, DIRECTORY, Mode::empty(), "open directory")?;
        Ok(Self {
            fd,
            path: self.path.join(name),
        })
    }

    /// As [`Dir::open_dir`], but fails where another file system is mounted on the way or there.
    ///
    /// See [`FsError::is_mount_point`].
    pub fn open_dir_within(&self, name: impl AsRef<Path>) -> Result<Self, FsError> {
        let name = name.as_ref();
        let fd = self.open_within(name)?;
        Ok(Self {
            fd,
            path: self.path.join(name),
        })
    }

    /// Opens a regular file below this directory for reading.
    pub fn open_file(&self, name: impl AsRef<Path>) -> Result<File, FsError> {
        let name = name.as_ref();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = self.open_below(name, flags, Mode::empty(), "open")?;
        expect_regular(&fd, &self.path.join(name))?;
        Ok(fd.into())
    }

    /// Reads a whole regular file of at most `limit` bytes below this directory.
    pub fn read_bounded(&self, name: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, FsError> {
        let name = name.as_ref();
        read_file_bounded(self.open_file(name)?, &self.path.join(name), limit)
    }

    /// Creates a new regular file for reading and writing; fails if the name exists.
    pub fn create_file(&self, name: impl AsRef<Path>, mode: u32) -> Result<File, FsError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(mode);
        self.open_below(name.as_ref(), flags, mode, "create")
            .map(File::from)
    }

    /// Opens a regular file for reading and writing, creating it if it is missing.
    pub fn open_or_create_file(&self, name: impl AsRef<Path>, mode: u32) -> Result<File, FsError> {
        let name = name.as_ref();
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = self.open_below(name, flags, Mode::from_raw_mode(mode), "open")?;
        expect_regular(&fd, &self.path.join(name))?;
        Ok(fd.into())
    }

    /// Creates one directory; fails if the name exists.
    pub fn create_dir(&self, name: impl AsRef<Path>, mode: u32) -> Result<(), FsError> {
        let (parent, last) = self.parent_of(name.as_ref())?;
        rustix::fs::mkdirat(parent.fd(self), &last, Mode::from_raw_mode(mode))
            .map_err(errno("create directory", self.path.join(name.as_ref())))
    }

    /// Creates a symbolic link whose text is `target`, unread and unfollowed.
    pub fn create_symlink(&self, target: &OsStr, name: impl AsRef<Path>) -> Result<(), FsError> {
        let (parent, last) = self.parent_of(name.as_ref())?;
        rustix::fs::symlinkat(target, parent.fd(self), &last)
            .map_err(errno("create symbolic link", self.path.join(name.as_ref())))
    }

    /// Gives the regular file `existing` a second name; both are looked up below this directory.
    pub fn create_hard_link(
        &self,
        existing: impl AsRef<Path>,
        name: impl AsRef<Path>,
    ) -> Result<(), FsError> {
        let (from, from_name) = self.parent_of(existing.as_ref())?;
        let (to, to_name) = self.parent_of(name.as_ref())?;
        let flags = AtFlags::empty();
        rustix::fs::linkat(from.fd(self), &from_name, to.fd(self), &to_name, flags)
            .map_err(errno("create hard link", self.path.join(name.as_ref())))
    }

    /// Moves `name` to `new_name` below `target`; fails if that name exists.
    pub fn rename_new(
        &self,
        name: impl AsRef<Path>,
        target: &Self,
        new_name: impl AsRef<Path>,
    ) -> Result<(), FsError> {
        self.rename_with(
            name.as_ref(),
            target,
            new_name.as_ref(),
            RenameFlags::NOREPLACE,
        )
    }

    /// Moves `name` to `new_name` below `target`, replacing what is there in one step.
    pub fn rename(
        &self,
        name: impl AsRef<Path>,
        target: &Self,
        new_name: impl AsRef<Path>,
    ) -> Result<(), FsError> {
        self.rename_with(
            name.as_ref(),
            target,
            new_name.as_ref(),
            RenameFlags::empty(),
        )
    }

    /// Removes a file, link or special file.
    pub fn remove_file(&self, name: impl AsRef<Path>) -> Result<(), FsError> {
        self.unlink(name.as_ref(), AtFlags::empty())
    }

    /// Removes an empty directory.
    pub fn remove_dir(&self, name: impl AsRef<Path>) -> Result<(), FsError> {
        self.unlink(name.as_ref(), AtFlags::REMOVEDIR)
    }

    /// Waits until the names in this directory are on disk.
    pub fn sync(&self) -> Result<(), FsError> {
        rustix::fs::fsync(&self.fd).map_err(errno("sync", &self.path))
    }

    /// A directory that was opened otherwise; `path` is for messages.
    pub(super) fn of_descriptor(fd: OwnedFd, path: PathBuf) -> Self {
        Self { fd, path }
    }

    fn rename_with(
        &self,
        name: &Path,
        target: &Self,
        new_name: &Path,
        flags: RenameFlags,
    ) -> Result<(), FsError> {
        let (from, from_name) = self.parent_of(name)?;
        let (to, to_name) = target.parent_of(new_name)?;
        rustix::fs::renameat_with(from.fd(self), &from_name, to.fd(target), &to_name, flags)
            .map_err(errno("rename to", target.path.join(new_name)))
    }

    fn unlink(&self, name: &Path, flags: AtFlags) -> Result<(), FsError> {
        let (parent, last) = self.parent_of(name)?;
        rustix::fs::unlinkat(parent.fd(self), &last, flags)
            .map_err(errno("remove", self.path.join(name)))
    }
}

impl From<Dir> for File {
    /// The directory as an open file, for locks.
    fn from(dir: Dir) -> Self {
        dir.fd.into()
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_path_follows_links_and_moves() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        std::os::unix::fs::symlink(root.join("real"), root.join("link")).unwrap();
        let dir = Dir::open(&root.join("link")).unwrap();
        assert_eq!(dir.real_path().unwrap(), root.join("real"));
        std::fs::rename(root.join("real"), root.join("moved")).unwrap();
        assert_eq!(dir.real_path().unwrap(), root.join("moved"));
        assert!(dir.is_at(&root.join("moved")).unwrap());
        assert!(!dir.is_at(&root).unwrap());
        assert!(dir.free_space().unwrap() > 0);
    }

    #[test]
    fn trees_are_made_listed_and_removed() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open_or_create(&home.path().join("a/b"), 0o700).unwrap();
        dir.create_dir("c", 0o700).unwrap();
        dir.create_file("c/file", 0o600).unwrap();
        dir.create_hard_link("c/file", "again").unwrap();
        assert!(dir.rename_new("again", &dir, "c/file").is_err());
        dir.rename("again", &dir, "c/third").unwrap();
        let names: Vec<_> = dir.open_dir("c").unwrap().entries().unwrap();
        assert_eq!(
            names
                .iter()
                .map(|e| e.name.to_str().unwrap())
                .collect::<Vec<_>>(),
            ["file", "third"]
        );
        dir.remove_tree("c").unwrap();
        assert_eq!(dir.entries().unwrap(), []);
    }
}
