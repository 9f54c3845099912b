//! File systems that a test mounts.

use std::path::Path;
use std::process::Command;

/// Something mounted, until this goes.
pub(crate) struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // Another test may be starting a process, which has for a moment open what this one has.
        let mut umount = Command::new("umount");
        umount.arg("--lazy").arg(self.0).status().unwrap();
    }
}

/// A file system in memory over a directory; says so where there can be none.
pub(crate) fn mount_over<'a>(at: &'a Path, options: &str) -> Option<Mounted<'a>> {
    mount(at, &["-t", "tmpfs", "-o", options, "isi-test"])
}

/// A directory over itself, which others get to know the mounts of if theirs follow it.
pub(crate) fn share(at: &Path) -> Option<Mounted<'_>> {
    let mounted = mount(at, &["--bind", at.to_str().unwrap()])?;
    let mut share = Command::new("mount");
    let shared = share.arg("--make-shared").arg(at).status().unwrap();
    assert!(shared.success());
    Some(mounted)
}

fn mount<'a>(at: &'a Path, arguments: &[&str]) -> Option<Mounted<'a>> {
    let mounted = Command::new("mount").args(arguments).arg(at).output();
    if mounted.is_ok_and(|output| output.status.success()) {
        return Some(Mounted(at));
    }
    eprintln!("skipped: it needs a file system of its own, and none could be mounted");
    None
}
