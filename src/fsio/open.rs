use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, Stat};

use super::FsError;
use super::error::errno;

/// Opens a regular file for reading; never blocks on a FIFO, never opens a device for use.
///
/// Symbolic links are followed: the path is the caller's own. What is opened stays the same file
/// whatever happens to the path afterwards.
pub fn open_regular(path: &Path) -> Result<File, FsError> {
    open(path, OFlags::RDONLY)
}

/// As [`open_regular`], for reading and writing.
pub fn open_regular_for_update(path: &Path) -> Result<File, FsError> {
    open(path, OFlags::RDWR)
}

/// Where `path` leads once every symbolic link in it is followed.
pub fn real_path(path: &Path) -> Result<PathBuf, FsError> {
    std::fs::canonicalize(path).map_err(FsError::system("find", path))
}

/// Reads a whole regular file of at most `limit` bytes; the length is checked while reading.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    read_file_bounded(open_regular(path)?, path, limit)
}

/// Reads a whole open file of at most `limit` bytes from where it stands; `path` is for messages.
pub fn read_open(file: File, path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    read_file_bounded(file, path, limit)
}

/// Whether anything has this name, be it a link that leads nowhere; what cannot be looked at is an error.
pub fn is_there(path: &Path) -> Result<bool, FsError> {
    match rustix::fs::lstat(path).map_err(errno("examine", path)) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether this process may give files away and make device nodes.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The length of an open file in bytes; refuses everything but a regular file.
///
/// `path` names the file in errors.
pub fn regular_length(file: &File, path: &Path) -> Result<u64, FsError> {
    expect_regular(file, path)?;
    file.metadata()
        .map(|metadata| metadata.len())
        .map_err(FsError::system("examine", path))
}

/// Sets the permissions of an open file.
pub fn set_mode(file: &File, mode: u32, path: &Path) -> Result<(), FsError> {
    rustix::fs::fchmod(file, Mode::from_raw_mode(mode))
        .map_err(errno("set the permissions of", path))
}

/// Waits until an open file is on disk; after a failure its content is not to be relied on.
pub fn sync(file: &File, path: &Path) -> Result<(), FsError> {
    file.sync_all().map_err(FsError::system("sync", path))
}

/// As [`sync`], without what is not needed to read the content again, as its times.
pub fn sync_data(file: &File, path: &Path) -> Result<(), FsError> {
    file.sync_data().map_err(FsError::system("sync", path))
}

pub(super) fn read_file_bounded(file: File, path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(FsError::system("read", path))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(FsError::TooLarge {
            path: path.to_owned(),
            limit,
        })
    }
}

fn open(path: &Path, access: OFlags) -> Result<File, FsError> {
    let flags = access | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(|error| {
        // A directory refuses to be opened for writing before its type can be seen.
        if error == rustix::io::Errno::ISDIR {
            FsError::NotRegular {
                path: path.to_owned(),
                found: "a directory",
            }
        } else {
            errno("open", path)(error)
        }
    })?;
    expect_regular(&file, path)?;
    Ok(file.into())
}

pub(super) fn expect_regular(file: impl AsFd, path: &Path) -> Result<(), FsError> {
    let stat = rustix::fs::fstat(file).map_err(errno("examine", path))?;
    expect_regular_status(&stat, path)
}

/// Refuses what is no regular file by its status.
pub(super) fn expect_regular_status(stat: &Stat, path: &Path) -> Result<(), FsError> {
    let found = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Symlink => "a symbolic link",
        FileType::Directory => "a directory",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::BlockDevice => "a block device",
        FileType::CharacterDevice => "a character device",
        FileType::Unknown => "something else",
    };
    Err(FsError::NotRegular {
        path: path.to_owned(),
        found,
    })
}
