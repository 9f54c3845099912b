use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, StatxAttributes, StatxFlags, Timespec, Timestamps,
    UTIME_OMIT, Uid, XattrFlags,
};

use super::error::errno;
use super::xattrs::below_descriptor;
use super::{Dir, FsError};

/// What a name in a directory is, kept apart as far as the system does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, not followed.
    SymbolicLink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// Something this program does not know.
    Unknown,
}

/// What the system knows about a file besides its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub kind: NodeKind,
    /// Permission bits, set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// Owning user.
    pub uid: u32,
    /// Owning group.
    pub gid: u32,
    /// Length of the contents in bytes.
    pub size: u64,
    /// Bytes on the disk: less than the length where there are holes.
    pub allocated: u64,
    /// Modification time: seconds and nanoseconds.
    pub mtime: (i64, u32),
    /// Time of the last change of contents or attributes: seconds and nanoseconds.
    pub ctime: (i64, u32),
    /// File system it is on: major and minor number.
    pub device: (u32, u32),
    /// Its number on that file system.
    pub inode: u64,
    /// How many names it has.
    pub links: u32,
    /// Which device a device node stands for: major and minor number.
    pub represents: (u32, u32),
    /// Whether another file system, or another part of one, is mounted here.
    pub mounted: bool,
}

impl Status {
    /// Whether nothing was done to the file between this and `later`.
    ///
    /// Which blocks a file has is no part of it: a file system gives them out when it writes them, which may
    /// be long after a program did, and counts those it finds the others by.
    pub fn is_unchanged(&self, later: &Self) -> bool {
        let later = Self {
            allocated: self.allocated,
            ..*later
        };
        *self == later
    }
}

/// What is noted about a file when it is written; `None` leaves things as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attributes<'a> {
    /// Owning user and group.
    pub owner: Option<(u32, u32)>,
    /// Permission bits, set-user-ID, set-group-ID and sticky.
    pub mode: Option<u32>,
    /// Names and values of extended attributes to set.
    pub xattrs: &'a [(&'a OsStr, &'a [u8])],
    /// Modification time: seconds and nanoseconds.
    pub mtime: Option<(i64, u32)>,
}

/// What the system knows about an open file; `path` is for messages.
pub fn status_of_file(file: &File, path: &Path) -> Result<Status, FsError> {
    rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
        .map(|found| status(&found))
        .map_err(errno("examine", path))
}

/// Sets attributes of an open file in an order that loses none; `path` is for messages.
pub fn set_file_attributes(
    file: &File,
    path: &Path,
    attributes: &Attributes<'_>,
) -> Result<(), FsError> {
    set_fd_attributes(file, path, attributes)
}

impl Dir {
    /// What the system knows about `name` itself; a symbolic link is not followed.
    pub fn status_of(&self, name: impl AsRef<Path>) -> Result<Status, FsError> {
        let name = name.as_ref();
        let (parent, last) = self.parent_of(name)?;
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        rustix::fs::statx(parent.fd(self), &last, flags, StatxFlags::BASIC_STATS)
            .map(|found| status(&found))
            .map_err(errno("examine", self.path().join(name)))
    }

    /// The text of the symbolic link `name`.
    pub fn read_link(&self, name: impl AsRef<Path>) -> Result<OsString, FsError> {
        let name = name.as_ref();
        let (parent, last) = self.parent_of(name)?;
        rustix::fs::readlinkat(parent.fd(self), &last, Vec::new())
            .map(|text| OsString::from_vec(text.into_bytes()))
            .map_err(errno("read symbolic link", self.path().join(name)))
    }

    /// Sets attributes of `name` itself, whatever it is but a symbolic link.
    pub fn set_attributes(
        &self,
        name: impl AsRef<Path>,
        attributes: &Attributes<'_>,
    ) -> Result<(), FsError> {
        let name = name.as_ref();
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self.open_below(name, flags, Mode::empty(), "open")?;
        let path = self.path().join(name);
        // A handle without access serves for nothing but naming the file itself.
        let place = PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()));
        if let Some((uid, gid)) = attributes.owner {
            rustix::fs::chown(&place, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
                .map_err(errno("set the owner of", &path))?;
        }
        if let Some(mode) = attributes.mode {
            rustix::fs::chmod(&place, Mode::from_raw_mode(mode))
                .map_err(errno("set the mode of", &path))?;
        }
        for (attribute, value) in attributes.xattrs {
            rustix::fs::setxattr(&place, *attribute, value, XattrFlags::empty())
                .map_err(errno("set an extended attribute of", &path))?;
        }
        if let Some(mtime) = attributes.mtime {
            let times = timestamps(mtime);
            rustix::fs::utimensat(rustix::fs::CWD, &place, &times, AtFlags::empty())
                .map_err(errno("set the time of", &path))?;
        }
        Ok(())
    }

    /// Sets owner and time of the symbolic link `name` itself; links have no other attributes.
    pub fn set_link_attributes(
        &self,
        name: impl AsRef<Path>,
        attributes: &Attributes<'_>,
    ) -> Result<(), FsError> {
        let name = name.as_ref();
        let (parent, last) = self.parent_of(name)?;
        let (parent, path) = (parent.fd(self), self.path().join(name));
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        if let Some((uid, gid)) = attributes.owner {
            rustix::fs::chownat(
                parent,
                &last,
                Some(Uid::from_raw(uid)),
                Some(Gid::from_raw(gid)),
                flags,
            )
            .map_err(errno("set the owner of", &path))?;
        }
        let place = below_descriptor(parent, &last);
        for (attribute, value) in attributes.xattrs {
            rustix::fs::lsetxattr(&place, *attribute, value, XattrFlags::empty())
                .map_err(errno("set an extended attribute of", &path))?;
        }
        if let Some(mtime) = attributes.mtime {
            rustix::fs::utimensat(parent, &last, &timestamps(mtime), flags)
                .map_err(errno("set the time of", &path))?;
        }
        Ok(())
    }

    /// What the system knows about the directory itself.
    pub fn own_status(&self) -> Result<Status, FsError> {
        rustix::fs::statx(self, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
            .map(|found| status(&found))
            .map_err(errno("examine", self.path()))
    }

    /// Sets attributes of the directory itself.
    pub fn set_own_attributes(&self, attributes: &Attributes<'_>) -> Result<(), FsError> {
        set_fd_attributes(self, self.path(), attributes)
    }

    /// Waits until everything on this directory's file system is on disk.
    pub fn sync_file_system(&self) -> Result<(), FsError> {
        rustix::fs::syncfs(self.as_fd()).map_err(errno("sync the file system of", self.path()))
    }
}

/// Owner first, because it drops set-user-ID and capabilities; the time last.
fn set_fd_attributes(
    fd: impl AsFd,
    path: &Path,
    attributes: &Attributes<'_>,
) -> Result<(), FsError> {
    if let Some((uid, gid)) = attributes.owner {
        rustix::fs::fchown(&fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
            .map_err(errno("set the owner of", path))?;
    }
    if let Some(mode) = attributes.mode {
        rustix::fs::fchmod(&fd, Mode::from_raw_mode(mode))
            .map_err(errno("set the mode of", path))?;
    }
    for (name, value) in attributes.xattrs {
        rustix::fs::fsetxattr(&fd, *name, value, XattrFlags::empty())
            .map_err(errno("set an extended attribute of", path))?;
    }
    if let Some(mtime) = attributes.mtime {
        rustix::fs::futimens(&fd, &timestamps(mtime)).map_err(errno("set the time of", path))?;
    }
    Ok(())
}

fn status(found: &rustix::fs::Statx) -> Status {
    let mode = u32::from(found.stx_mode);
    Status {
        kind: match FileType::from_raw_mode(mode) {
            FileType::RegularFile => NodeKind::File,
            FileType::Directory => NodeKind::Directory,
            FileType::Symlink => NodeKind::SymbolicLink,
            FileType::Fifo => NodeKind::Fifo,
            FileType::Socket => NodeKind::Socket,
            FileType::CharacterDevice => NodeKind::CharacterDevice,
            FileType::BlockDevice => NodeKind::BlockDevice,
            FileType::Unknown => NodeKind::Unknown,
        },
        mode: mode & 0o7777,
        uid: found.stx_uid,
        gid: found.stx_gid,
        size: found.stx_size,
        allocated: found.stx_blocks.saturating_mul(512),
        mtime: (found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
        ctime: (found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
        device: (found.stx_dev_major, found.stx_dev_minor),
        inode: found.stx_ino,
        links: found.stx_nlink,
        represents: (found.stx_rdev_major, found.stx_rdev_minor),
        mounted: found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
    }
}

fn timestamps((seconds, nanoseconds): (i64, u32)) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: seconds,
            tv_nsec: nanoseconds.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_set_and_read_back() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        let file = dir.create_file("file", 0o600).unwrap();
        let attributes = Attributes {
            mode: Some(0o640),
            xattrs: &[(OsStr::new("user.note"), b"x\0y")],
            mtime: Some((1_000_000_000, 5)),
            owner: None,
        };
        set_file_attributes(&file, Path::new("file"), &attributes).unwrap();
        let status = dir.status_of("file").unwrap();
        assert_eq!(status, status_of_file(&file, Path::new("file")).unwrap());
        assert_eq!((status.kind, status.mode), (NodeKind::File, 0o640));
        assert_eq!(status.mtime, (1_000_000_000, 5));
        let xattrs = dir.xattrs("file").unwrap();
        assert_eq!(xattrs, [("user.note".into(), b"x\0y".to_vec())]);

        let mut later = status;
        later.allocated += 4096;
        assert!(status.is_unchanged(&later));
        later.ctime.0 += 1;
        assert!(!status.is_unchanged(&later));

        dir.create_fifo("fifo", 0o600).unwrap();
        let attributes = Attributes {
            xattrs: &[],
            ..attributes
        };
        dir.set_attributes("fifo", &attributes).unwrap();
        let status = dir.status_of("fifo").unwrap();
        assert_eq!((status.kind, status.mode), (NodeKind::Fifo, 0o640));
    }

    #[test]
    fn c09_attributes_of_a_link_stay_with_the_link() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        dir.create_file("file", 0o600).unwrap();
        dir.create_symlink(OsStr::new("file"), "link").unwrap();
        let before = dir.status_of("file").unwrap();
        let attributes = Attributes {
            mode: Some(0o777),
            mtime: Some((7, 0)),
            ..Attributes::default()
        };
        assert_eq!(
            dir.set_attributes("link", &attributes).unwrap_err().code(),
            "E_IO"
        );
        dir.set_link_attributes("link", &attributes).unwrap();
        assert_eq!(dir.status_of("link").unwrap().mtime, (7, 0));
        assert_eq!(dir.status_of("file").unwrap(), before);
        assert_eq!(dir.read_link("link").unwrap(), "file");
    }
}
