//! A thread of this process with a root of its own.

use std::os::fd::{AsFd, AsRawFd as _};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::UnshareFlags;

use super::error::errno;
use super::{Dir, EntryKind, FsError};

/// Devices that every program may expect, and none that leads to hardware.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// Makes `root` the root of the calling thread, with `/proc` and `/dev` of its own where it has the
/// directories for them; the rest of the process and the system see nothing of it.
///
/// There is no way back: call it in a thread that ends afterwards.
pub(super) fn enter(root: &Dir) -> Result<(), FsError> {
    unshare(root.path())?;
    // What is mounted here stays here, and what the system unmounts meanwhile is not kept busy by this thread.
    let detached = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", detached).map_err(errno("detach the mounts of", "/"))?;
    let root = reopen(root)?;
    mount_proc(&root)?;
    mount_devices(&root)?;
    rustix::process::fchdir(&root).map_err(errno("enter", root.path()))?;
    rustix::process::chroot(".").map_err(errno("enter", root.path()))?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    Ok(())
}

#[allow(
    deprecated,
    reason = "its successor is unsafe because of CLONE_FILES, which is not among these flags"
)]
fn unshare(root: &Path) -> Result<(), FsError> {
    rustix::thread::unshare(UnshareFlags::FS | UnshareFlags::NEWNS)
        .map_err(errno("make a root of", root))
}

/// The same directory as the new mounts show it: a handle from before leads around them.
fn reopen(root: &Dir) -> Result<Dir, FsError> {
    let path = root.real_path()?;
    if root.is_at(&path)? {
        return Dir::open(&path);
    }
    let moved = std::io::Error::other("it was moved or covered meanwhile");
    Err(FsError::system("enter", path)(moved))
}

fn mount_proc(root: &Dir) -> Result<(), FsError> {
    const NAME: &str = "proc";
    let path = root.path().join(NAME);
    // Without it nothing can be run: a program is started by its place in /proc, and the interpreter of a
    // script opens it there.
    if root.kind_of(NAME)? != Some(EntryKind::Directory) {
        let root = root.path().to_owned();
        return Err(FsError::NoProc { root });
    }
    let place = root.open_dir(NAME)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount(NAME, by_handle(&place), NAME, flags, None).map_err(errno("mount", path))
}

fn mount_devices(root: &Dir) -> Result<(), FsError> {
    const NAME: &str = "dev";
    if root.kind_of(NAME)? != Some(EntryKind::Directory) {
        return Ok(());
    }
    let place = root.open_dir(NAME)?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    let options = c"mode=0755,size=1m";
    rustix::mount::mount("tmpfs", by_handle(&place), "tmpfs", flags, Some(options))
        .map_err(errno("mount", root.path().join(NAME)))?;
    // Opened once more: what is there now is the new file system.
    let place = root.open_dir(NAME)?;
    let host = Dir::open(Path::new("/dev"))?;
    for name in DEVICES {
        let path = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let device = host.open_below(Path::new(name), path, Mode::empty(), "open")?;
        let stat = rustix::fs::fstat(&device).map_err(errno("examine", host.path().join(name)))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice {
            continue;
        }
        let file = place.create_file(name, 0o666)?;
        rustix::mount::mount_bind(by_handle(&device), by_handle(&file))
            .map_err(errno("mount", place.path().join(name)))?;
    }
    Ok(())
}

/// A path for calls that take nothing else, which leads to an open file whatever its name is now.
fn by_handle(handle: &impl AsFd) -> String {
    format!("/proc/self/fd/{}", handle.as_fd().as_raw_fd())
}
