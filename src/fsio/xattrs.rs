use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::error::errno;
use super::{Dir, FsError};

/// All extended attributes of an open file, in ascending order of their names; `path` is for messages.
///
/// None where the file system knows no extended attributes.
pub fn xattrs_of_file(file: &File, path: &Path) -> Result<Vec<(OsString, Vec<u8>)>, FsError> {
    let failed = |error| errno("read extended attributes of", path)(error);
    let names = list_xattrs(|room| rustix::fs::flistxattr(file, room)).map_err(failed)?;
    let read = |name: &OsStr| get_xattr(|room| rustix::fs::fgetxattr(file, name, room));
    with_values(names, read).map_err(failed)
}

impl Dir {
    /// All extended attributes of `name` itself, in ascending order of their names.
    ///
    /// None where the file system knows no extended attributes.
    pub fn xattrs(&self, name: impl AsRef<Path>) -> Result<Vec<(OsString, Vec<u8>)>, FsError> {
        let name = name.as_ref();
        let (parent, last) = self.parent_of(name)?;
        let place = below_descriptor(parent.fd(self), &last);
        read_xattrs(&place).map_err(errno("read extended attributes of", self.path().join(name)))
    }

    /// Takes the extended attribute `attribute` away from `name` itself; fine if it has none.
    pub fn remove_xattr(&self, name: impl AsRef<Path>, attribute: &OsStr) -> Result<(), FsError> {
        let name = name.as_ref();
        let (parent, last) = self.parent_of(name)?;
        let place = below_descriptor(parent.fd(self), &last);
        match rustix::fs::lremovexattr(&place, attribute) {
            Ok(()) | Err(Errno::NODATA) => Ok(()),
            Err(error) => {
                let path = self.path().join(name);
                Err(errno("remove an extended attribute of", path)(error))
            }
        }
    }

    /// All extended attributes of the directory itself, in ascending order of their names.
    pub fn own_xattrs(&self) -> Result<Vec<(OsString, Vec<u8>)>, FsError> {
        let descriptor = self.as_fd().as_raw_fd();
        // The final slash makes the kernel follow its own link to the directory.
        let place = PathBuf::from(format!("/proc/self/fd/{descriptor}/"));
        read_xattrs(&place).map_err(errno("read extended attributes of", self.path()))
    }
}

/// A path of the kernel's own for `name` in an open directory, for calls that take no handle.
pub(super) fn below_descriptor(directory: impl AsFd, name: &Path) -> PathBuf {
    let descriptor = directory.as_fd().as_raw_fd();
    Path::new(&format!("/proc/self/fd/{descriptor}")).join(name)
}

fn read_xattrs(place: &Path) -> Result<Vec<(OsString, Vec<u8>)>, Errno> {
    let names = list_xattrs(|room| rustix::fs::llistxattr(place, room))?;
    with_values(names, |name| {
        get_xattr(|room| rustix::fs::lgetxattr(place, name, room))
    })
}

type Room<'a> = rustix::buffer::SpareCapacity<'a, u8>;

fn list_xattrs(list: impl Fn(Room<'_>) -> Result<usize, Errno>) -> Result<Vec<OsString>, Errno> {
    let mut room = 1 << 10;
    loop {
        let mut names: Vec<u8> = Vec::with_capacity(room);
        match list(rustix::buffer::spare_capacity(&mut names)) {
            Ok(_) => {
                let names = names
                    .split(|&byte| byte == 0)
                    .filter(|name| !name.is_empty());
                return Ok(names
                    .map(|name| OsStr::from_bytes(name).to_owned())
                    .collect());
            }
            Err(Errno::RANGE) if room < XATTR_MAX => room = XATTR_MAX,
            Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
    }
}

fn get_xattr(get: impl Fn(Room<'_>) -> Result<usize, Errno>) -> Result<Option<Vec<u8>>, Errno> {
    let mut room = 1 << 10;
    loop {
        let mut value: Vec<u8> = Vec::with_capacity(room);
        match get(rustix::buffer::spare_capacity(&mut value)) {
            Ok(_) => return Ok(Some(value)),
            Err(Errno::RANGE) if room < XATTR_MAX => room = XATTR_MAX,
            Err(Errno::NODATA) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

fn with_values(
    names: Vec<OsString>,
    read: impl Fn(&OsStr) -> Result<Option<Vec<u8>>, Errno>,
) -> Result<Vec<(OsString, Vec<u8>)>, Errno> {
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        // One that vanished since the listing is not there.
        if let Some(value) = read(&name)? {
            found.push((name, value));
        }
    }
    found.sort();
    Ok(found)
}

/// Linux's `XATTR_LIST_MAX` and `XATTR_SIZE_MAX`: the most the kernel ever returns.
const XATTR_MAX: usize = 1 << 16;
