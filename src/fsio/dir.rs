use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat};

use super::FsError;
use super::error::errno;
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

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name, one component.
    pub name: std::ffi::OsString,
    /// What the name itself is; symbolic links are not followed.
    pub kind: EntryKind,
}

/// What a name in a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, not followed.
    SymbolicLink,
    /// A FIFO, socket or device.
    Other,
}

/// Which file a name stands for; another file under the same name has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Names are looked up below the handle, and never through a symbolic link.
const RESOLVE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);

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

    /// Refuses the directory if it is another user's or others may write to it.
    pub fn expect_private(&self) -> Result<(), FsError> {
        expect_private(&self.stat()?, &self.path)
    }

    /// As [`Dir::expect_private`], for a name in this directory; a link is not followed.
    pub fn expect_private_entry(&self, name: impl AsRef<Path>) -> Result<(), FsError> {
        let (parent, last) = self.parent_of(name.as_ref())?;
        let path = self.path.join(name.as_ref());
        let stat = rustix::fs::statat(parent.fd(self), &last, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(errno("examine", &path))?;
        expect_private(&stat, &path)
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
        let resolve = RESOLVE | ResolveFlags::NO_XDEV;
        let fd = self.open_as(name, DIRECTORY, Mode::empty(), resolve, "open directory")?;
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

    /// Removes `name` and all below it, without following links.
    pub fn remove_tree(&self, name: impl AsRef<Path>) -> Result<(), FsError> {
        let name = name.as_ref();
        let tree = self.open_dir(name)?;
        for entry in tree.entries()? {
            match entry.kind {
                EntryKind::Directory => tree.remove_tree(&entry.name)?,
                _ => tree.remove_file(&entry.name)?,
            }
        }
        self.remove_dir(name)
    }

    /// What `name` itself is, without following a link; `None` if there is nothing.
    pub fn kind_of(&self, name: impl AsRef<Path>) -> Result<Option<EntryKind>, FsError> {
        let name = name.as_ref();
        let stat = match self.parent_of(name) {
            Ok((parent, last)) => {
                rustix::fs::statat(parent.fd(self), &last, AtFlags::SYMLINK_NOFOLLOW)
            }
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        match stat {
            Ok(stat) => Ok(Some(kind(FileType::from_raw_mode(stat.st_mode)))),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(errno("examine", self.path.join(name))(error)),
        }
    }

    /// Which file `name` itself is, without following a link; `None` if there is nothing.
    pub fn identity_of(&self, name: impl AsRef<Path>) -> Result<Option<Identity>, FsError> {
        let (parent, last) = self.parent_of(name.as_ref())?;
        match rustix::fs::statat(parent.fd(self), &last, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Identity {
                device: stat.st_dev,
                inode: stat.st_ino,
            })),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(errno("examine", self.path.join(name.as_ref()))(error)),
        }
    }

    /// The length of `name` itself in bytes, without following a link.
    pub fn length_of(&self, name: impl AsRef<Path>) -> Result<u64, FsError> {
        let (parent, last) = self.parent_of(name.as_ref())?;
        let stat = rustix::fs::statat(parent.fd(self), &last, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(errno("examine", self.path.join(name.as_ref())))?;
        Ok(u64::try_from(stat.st_size).unwrap_or(0))
    }

    /// All names in this directory, sorted by their bytes.
    pub fn entries(&self) -> Result<Vec<Entry>, FsError> {
        let directory = rustix::fs::Dir::read_from(&self.fd).map_err(errno("list", &self.path))?;
        let mut entries = Vec::new();
        for entry in directory {
            let entry = entry.map_err(errno("list", &self.path))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                let kind = match entry.file_type() {
                    FileType::Unknown => self.kind_of(name)?.unwrap_or(EntryKind::Other),
                    known => kind(known),
                };
                entries.push(Entry {
                    name: name.to_owned(),
                    kind,
                });
            }
        }
        entries.sort();
        Ok(entries)
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

    pub(super) fn open_below(
        &self,
        name: &Path,
        flags: OFlags,
        mode: Mode,
        operation: &'static str,
    ) -> Result<OwnedFd, FsError> {
        self.open_as(name, flags, mode, RESOLVE, operation)
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
        rustix::fs::openat2(&self.fd, name, flags, mode, resolve).map_err(|error| {
            let path = self.path.join(name);
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
            let (directory, name) = (self.path.clone(), name.to_owned());
            Err(FsError::UnsafeName { directory, name })
        }
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

/// Where a last component is looked up.
pub(super) enum Parent {
    This,
    Below(OwnedFd),
}

impl Parent {
    pub(super) fn fd<'a>(&'a self, this: &'a Dir) -> BorrowedFd<'a> {
        match self {
            Self::This => this.fd.as_fd(),
            Self::Below(fd) => fd.as_fd(),
        }
    }
}

fn expect_private(stat: &Stat, path: &Path) -> Result<(), FsError> {
    let path = path.to_owned();
    let (owner, user) = (stat.st_uid, rustix::process::geteuid().as_raw());
    if owner != user {
        return Err(FsError::NotOwned { path, owner, user });
    }
    let mode = stat.st_mode & 0o7777;
    if mode & 0o022 == 0 {
        Ok(())
    } else {
        Err(FsError::WritableByOthers { path, mode })
    }
}

fn kind(file_type: FileType) -> EntryKind {
    match file_type {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::SymbolicLink,
        _ => EntryKind::Other,
    }
}

#[cfg(test)]
mod tests {
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
    fn what_others_may_write_is_not_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        dir.create_file("file", 0o600).unwrap();
        dir.expect_private().unwrap();
        for (mode, code) in [
            (0o644, None),
            (0o620, Some("E_WRITABLE_BY_OTHERS")),
            (0o602, Some("E_WRITABLE_BY_OTHERS")),
        ] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(home.path().join("file"), permissions).unwrap();
            let refused = dir.expect_private_entry("file").err();
            assert_eq!(refused.as_ref().map(FsError::code), code, "{mode:o}");
            let hint = refused.and_then(|error| error.hint());
            assert_eq!(
                hint.is_some_and(|hint| hint.contains("chmod go-w /")),
                code.is_some()
            );
        }
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(home.path().join("file"), Some(1), None).unwrap();
            let refused = dir.expect_private_entry("file").unwrap_err();
            assert_eq!(refused.code(), "E_NOT_OWNER");
        }
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
