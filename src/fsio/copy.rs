use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::error::errno;
use super::{Dir, FsError};

/// Makes `to` share all of `from`'s blocks; `false` where the file system cannot.
pub fn clone_file(from: &File, to: &File, path: &Path) -> Result<bool, FsError> {
    match rustix::fs::ioctl_ficlone(to, from) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::XDEV | Errno::INVAL | Errno::NOTTY | Errno::NOSYS) => {
            Ok(false)
        }
        Err(error) => Err(errno("clone blocks into", path)(error)),
    }
}

impl Dir {
    /// Whether copies of files in this directory share blocks with their originals; tried with two empty files
    /// that have no name.
    pub fn shares_blocks(&self) -> Result<bool, FsError> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::TMPFILE;
        let nameless = || rustix::fs::openat(self.as_fd(), ".", flags, Mode::from_raw_mode(0o600));
        match (nameless(), nameless()) {
            (Ok(from), Ok(to)) => clone_file(&from.into(), &to.into(), self.path()),
            // Where that cannot be tried, blocks are not counted on.
            _ => Ok(false),
        }
    }
}

/// Gives `to` the permissions and owner of `from`; only the administrator can give files away.
pub fn copy_mode_and_owner(from: &File, to: &File, path: &Path) -> Result<(), FsError> {
    let wanted = rustix::fs::fstat(from).map_err(errno("examine", path))?;
    let found = rustix::fs::fstat(to).map_err(errno("examine", path))?;
    if (wanted.st_uid, wanted.st_gid) != (found.st_uid, found.st_gid) {
        let owner = Some(rustix::fs::Uid::from_raw(wanted.st_uid));
        let group = Some(rustix::fs::Gid::from_raw(wanted.st_gid));
        rustix::fs::fchown(to, owner, group).map_err(errno("set the owner of", path))?;
    }
    let mode = Mode::from_raw_mode(wanted.st_mode & 0o7777);
    rustix::fs::fchmod(to, mode).map_err(errno("set the permissions of", path))
}

/// Copies `length` bytes within the kernel where it can, else through a buffer.
///
/// `path` names the destination in errors. Neither file's own position moves.
pub fn copy_range(
    from: &File,
    from_offset: u64,
    to: &File,
    to_offset: u64,
    length: u64,
    path: &Path,
) -> Result<(), FsError> {
    let (mut source, mut target, mut remaining) = (from_offset, to_offset, length);
    while remaining > 0 {
        let step = usize::try_from(remaining).unwrap_or(usize::MAX);
        let copied =
            rustix::fs::copy_file_range(from, Some(&mut source), to, Some(&mut target), step);
        match copied {
            Ok(0) => {
                return Err(FsError::system("copy into", path)(
                    std::io::ErrorKind::UnexpectedEof.into(),
                ));
            }
            Ok(count) => remaining = remaining.saturating_sub(u64::try_from(count).unwrap_or(0)),
            Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => {
                return copy_through_buffer(from, source, to, target, remaining, path);
            }
            Err(error) => return Err(errno("copy into", path)(error)),
        }
    }
    Ok(())
}

fn copy_through_buffer(
    from: &File,
    mut source: u64,
    to: &File,
    mut target: u64,
    mut remaining: u64,
    path: &Path,
) -> Result<(), FsError> {
    use std::os::unix::fs::FileExt as _;
    let mut buffer = vec![0; 1 << 16];
    while remaining > 0 {
        let step = usize::try_from(remaining)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let part = buffer.get_mut(..step).unwrap_or_default();
        from.read_exact_at(part, source)
            .map_err(FsError::system("read for", path))?;
        to.write_all_at(part, target)
            .map_err(FsError::system("copy into", path))?;
        let step = u64::try_from(step).unwrap_or(0);
        (source, target, remaining) = (source + step, target + step, remaining - step);
    }
    Ok(())
}
