//! What a machine boots from: a directory of the host, or a btrfs in a file.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::image::{run, text};
use crate::uml::installed;

/// Bytes of the btrfs, which has holes.
const SIZE: u64 = 512 << 20;

/// How a medium keeps environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Directories; the machine sees them through hostfs.
    Dir,
    /// Subvolumes.
    Btrfs,
}

impl Kind {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Dir, Self::Btrfs];

    /// Its name on the command line of `isi`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dir => "dir",
            Self::Btrfs => "btrfs",
        }
    }
}

/// A medium; it holds `system`, `catalog` and `trust`, as a home of `isi` does.
#[derive(Debug)]
pub(crate) struct Medium {
    kind: Kind,
    home: TempDir,
    mounted: bool,
}

impl Medium {
    /// A new one that nobody boots from yet, or why there can be none.
    pub(crate) fn new(kind: Kind) -> Result<Self, String> {
        let home = tempfile::tempdir().unwrap();
        let mut medium = Self {
            kind,
            home,
            mounted: false,
        };
        fs::create_dir(medium.top()).unwrap();
        if kind == Kind::Btrfs {
            if !installed("mkfs.btrfs") {
                return Err("mkfs.btrfs is not there (Debian: btrfs-progs)".to_owned());
            }
            File::create(medium.image()).unwrap().set_len(SIZE).unwrap();
            run("mkfs.btrfs", &["-q", text(&medium.image())]);
            medium.mount()?;
        }
        fs::set_permissions(medium.top(), Permissions::from_mode(0o755)).unwrap();
        Ok(medium)
    }

    /// Where it is while the machine is off.
    pub(crate) fn top(&self) -> PathBuf {
        self.home.path().join("top")
    }

    /// Room beside it.
    pub(crate) fn beside(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What the kernel has to be told to take the directory `root` of this medium as its root.
    pub(crate) fn boot_words(&self, root: &Path) -> Vec<String> {
        let top = self.top();
        match self.kind {
            Kind::Dir => vec![
                "root=/dev/root".to_owned(),
                "rootfstype=hostfs".to_owned(),
                format!("rootflags={}", root.display()),
                format!("test.top={}", top.display()),
            ],
            Kind::Btrfs => vec![
                format!("ubd0={}", self.image().display()),
                "root=/dev/ubda".to_owned(),
                "rootfstype=btrfs".to_owned(),
                format!(
                    "rootflags=subvol={}",
                    root.strip_prefix(top).unwrap().display()
                ),
                "test.top=/dev/ubda".to_owned(),
            ],
        }
    }

    /// Does `work` while the medium belongs to the machine and nobody else.
    pub(crate) fn lend<T>(&mut self, work: impl FnOnce(&Self) -> T) -> T {
        self.unmount();
        let done = work(self);
        if self.kind == Kind::Btrfs {
            self.mount().unwrap();
        }
        done
    }

    fn image(&self) -> PathBuf {
        self.home.path().join("btrfs.image")
    }

    fn mount(&mut self) -> Result<(), String> {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "btrfs", "-o", "loop"])
            .args([self.image(), self.top()])
            .stderr(Stdio::null());
        let status = mount.status().map_err(|error| error.to_string())?;
        self.mounted = status.success();
        if self.mounted {
            Ok(())
        } else {
            Err(format!("a btrfs in a file cannot be mounted: {status}"))
        }
    }

    /// Unmounts it as soon as nobody has anything of it open any more.
    ///
    /// What this process had open, a process that another test is just starting has open for a moment. The
    /// machine must not get it before.
    fn unmount(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.mounted {
            let umount = Command::new("umount").arg(self.top()).output().unwrap();
            self.mounted = !umount.status.success();
            if self.mounted {
                assert!(Instant::now() < deadline, "it stays busy: {umount:?}");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

impl Drop for Medium {
    fn drop(&mut self) {
        if self.mounted {
            let umount = Command::new("umount")
                .arg("--lazy")
                .arg(self.top())
                .status();
            drop(umount);
        }
    }
}
