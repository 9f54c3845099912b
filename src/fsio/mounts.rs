use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::error::errno;
use super::{Dir, FsError};

/// The kernel's list of what is mounted, as this process sees it.
const MOUNTS: &str = "/proc/self/mountinfo";

impl Dir {
    /// Where something is mounted on this directory or below it, as far as this process can see.
    pub fn mounted_below(&self) -> Result<Vec<PathBuf>, FsError> {
        let path = self.real_path()?;
        let text = std::fs::read(MOUNTS).map_err(FsError::system("read", MOUNTS))?;
        Ok(mounted_below(&text, &path))
    }

    /// Where this directory itself is mounted, as far as this process can see.
    pub fn mounted_at(&self) -> Result<Vec<PathBuf>, FsError> {
        let path = self.real_path()?;
        let text = std::fs::read(MOUNTS).map_err(FsError::system("read", MOUNTS))?;
        let mut found = Vec::new();
        for place in mounted_of(&text, path.file_name().unwrap_or_default()) {
            // What cannot be looked at, or is hidden by another mount, is not reached there either.
            if self.is_at(&place).unwrap_or(false) {
                found.push(place);
            }
        }
        Ok(found)
    }

    /// Shows this directory at `place`, an empty directory, until somebody unmounts it there.
    pub fn bind_to(&self, place: &Path) -> Result<(), FsError> {
        let target = Self::open(place)?;
        if !target.entries()?.is_empty() {
            return Err(FsError::NotEmpty {
                path: place.to_owned(),
            });
        }
        let handle = |dir: &Self| format!("/proc/self/fd/{}", dir.as_fd().as_raw_fd());
        rustix::mount::mount_bind(handle(self), handle(&target)).map_err(errno("mount on", place))
    }
}

/// The mount points of a list as in proc(5) that are `path` or below it.
fn mounted_below(list: &[u8], path: &Path) -> Vec<PathBuf> {
    let places = mounts(list).map(|(_, place)| place);
    places
        .filter(|place| place.starts_with(path) && place != Path::new("/"))
        .collect()
}

/// The mount points of a list as in proc(5) at which a directory of this name is.
fn mounted_of(list: &[u8], name: &OsStr) -> Vec<PathBuf> {
    let named = mounts(list).filter(|(root, _)| root.file_name() == Some(name));
    named.map(|(_, place)| place).collect()
}

/// For each mount of such a list, the directory of its file system that it shows, and where.
fn mounts(list: &[u8]) -> impl Iterator<Item = (PathBuf, PathBuf)> {
    let lines = list.split(|&byte| byte == b'\n');
    lines.filter_map(|line| {
        let mut fields = line.split(|&byte| byte == b' ').skip(3);
        let mut path = || Some(PathBuf::from(OsString::from_vec(unescaped(fields.next()?))));
        Some((path()?, path()?))
    })
}

/// The kernel writes space, tab, line feed and backslash as a backslash and three octal digits.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| first == b'\\');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(code.unwrap_or(first));
        rest = code.and_then(|_| after.get(3..)).unwrap_or(after);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_told_by_their_path() {
        let list = b"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            23 22 0:5 / /t/a\\040b rw shared:2 - proc proc rw\n\
            24 22 0:5 / /t/a\\040b/proc rw - proc proc rw\n\
            25 22 0:5 / /t/a rw - proc proc rw\n\
            26 22 8:1 /env/nine /mnt rw - ext4 /dev/sda1 rw\n\n";
        assert_eq!(mounted_of(list, OsStr::new("nine")), [Path::new("/mnt")]);
        assert_eq!(
            mounted_below(list, Path::new("/t/a b")),
            [Path::new("/t/a b"), Path::new("/t/a b/proc")]
        );
        assert!(mounted_below(list, Path::new("/t/c")).is_empty());
        assert_eq!(unescaped(b"a\\134b\\9\\"), b"a\\b\\9\\");
    }

    #[test]
    fn nothing_is_mounted_in_a_new_directory() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        assert!(dir.mounted_below().unwrap().is_empty());
    }
}
