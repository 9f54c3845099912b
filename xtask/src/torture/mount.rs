//! A file system in a file, whose power can be cut.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::shell::{self, Outcome, failure};

/// The file systems that catalogs and systems live on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// ext4.
    Ext4,
    /// xfs, with shared blocks.
    Xfs,
    /// btrfs, with subvolumes; its power cannot be cut.
    Btrfs,
}

impl Kind {
    /// Those whose power can be cut.
    pub const ALL: [Self; 2] = [Self::Ext4, Self::Xfs];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }

    /// Bytes of the image, which has holes; xfs refuses to be smaller than 300 MiB.
    const fn size(self) -> u64 {
        match self {
            Self::Ext4 => 96 << 20,
            Self::Xfs => 320 << 20,
            Self::Btrfs => 768 << 20,
        }
    }

    /// ext4 would otherwise write data early where programs forget to, and hide that they do.
    const fn options(self) -> &'static str {
        match self {
            Self::Ext4 => "loop,noauto_da_alloc",
            Self::Xfs | Self::Btrfs => "loop",
        }
    }
}

/// What a power cut leaves of what was not asked to be safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Nothing.
    Nothing,
    /// Names and sizes, but no content: the file system's log is written, data is not.
    Names,
}

impl Flavour {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Nothing, Self::Names];
}

/// A mounted file system; unmounted and removed when dropped.
#[derive(Debug)]
pub struct Mounted {
    kind: Kind,
    image: PathBuf,
    at: PathBuf,
}

impl Mounted {
    /// Why power cannot be cut here, if it cannot.
    pub fn missing() -> Option<String> {
        let program = ["mkfs.ext4", "mkfs.xfs", "xfs_io", "mount", "losetup"];
        if let Some(program) = program
            .into_iter()
            .find(|program| !shell::installed(program))
        {
            return Some(format!("{program} is not installed"));
        }
        if !nix::unistd::geteuid().is_root() {
            return Some("mounting takes root".to_owned());
        }
        let loops = shell::succeeds(shell::command("losetup").arg("--find"));
        (!loops).then(|| "there is no free loop device".to_owned())
    }

    /// Makes and mounts a file system below `directory`.
    pub fn create(kind: Kind, directory: &Path) -> Outcome<Self> {
        let image = directory.join(format!("{}.image", kind.name()));
        let at = directory.join(kind.name());
        File::create(&image)?.set_len(kind.size())?;
        super::place::remove(&at)?;
        fs::create_dir(&at)?;
        let mut make = shell::command(format!("mkfs.{}", kind.name()));
        match kind {
            Kind::Ext4 => make.args(["-q", "-F"]),
            Kind::Xfs | Kind::Btrfs => make.args(["-q", "-f"]),
        };
        quietly(make.arg(&image))?;
        let mounted = Self { kind, image, at };
        mounted.mount()?;
        Ok(mounted)
    }

    /// Where it is mounted.
    pub fn at(&self) -> &Path {
        &self.at
    }

    /// Waits until everything so far is on disk.
    pub fn sync(&self) -> Outcome {
        quietly(shell::command("sync").arg("-f").arg(&self.at))
    }

    /// Cuts the power: nothing more reaches the disk, and what is not safe is lost.
    pub fn cut(&self, flavour: Flavour) -> Outcome {
        let order = match flavour {
            Flavour::Nothing => "shutdown",
            Flavour::Names => "shutdown -f",
        };
        quietly(
            shell::command("xfs_io")
                .args(["-x", "-c", order])
                .arg(&self.at),
        )
    }

    /// Turns the power on again.
    pub fn restart(&self) -> Outcome {
        quietly(shell::command("umount").arg(&self.at))?;
        self.wait_until_gone()?;
        self.mount()
    }

    /// Waits until nobody has the file system mounted any more.
    ///
    /// Whatever got a mount namespace of its own meanwhile, such as a hook or a health check of the point that
    /// is looked at beside this one, took a copy of the mount along. Mounted again before that is gone, the
    /// file system would be the same one, without power.
    fn wait_until_gone(&self) -> Outcome {
        for _ in 0..6_000 {
            let device = shell::command("losetup")
                .arg("--associated")
                .arg(&self.image)
                .output()?;
            if device.stdout.is_empty() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        failure(format!("{} is still mounted somewhere", self.at.display()))
    }

    fn mount(&self) -> Outcome {
        let mut mount = shell::command("mount");
        mount.args(["-t", self.kind.name(), "-o", self.kind.options()]);
        quietly(mount.arg(&self.image).arg(&self.at))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let unmounted = quietly(shell::command("umount").arg("--lazy").arg(&self.at));
        if let Err(error) = unmounted.and_then(|()| super::place::remove(&self.image)) {
            eprintln!("{error}");
        }
    }
}

/// Runs a command whose output nobody wants unless it fails.
fn quietly(command: &mut std::process::Command) -> Outcome {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    failure(format!(
        "{}: {}",
        shell::show(command),
        super::place::told(&output)
    ))
}
