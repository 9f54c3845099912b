//! A machine under torture: a home with trust, a catalog and a system, in which `isi` runs.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::shell::{self, Outcome, failure};
use crate::torture::place::{program, remove, told};

/// A directory with `trust`, `catalog` and `system`.
#[derive(Debug, Clone)]
pub struct Site {
    root: PathBuf,
}

impl Site {
    /// A new one at `root` that trusts what is in `trust`.
    pub fn create(root: &Path, trust: &Path) -> Outcome<Self> {
        remove(root)?;
        fs::create_dir_all(root)?;
        fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;
        copy(trust, &root.join("trust"))?;
        let root = root.to_owned();
        Ok(Self { root })
    }

    /// A copy of this one at `root`, with owners, times and links.
    pub fn copy_to(&self, root: &Path) -> Outcome<Self> {
        remove(root)?;
        copy(&self.root, root)?;
        let root = root.to_owned();
        Ok(Self { root })
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Where environments are.
    pub fn environments(&self) -> PathBuf {
        self.path("system/environments")
    }

    /// `isi upgrade` with the words of `line`; a word `booted=NAME` before them says what is running.
    pub fn isi(&self, line: &str) -> Command {
        let (booted, line) = match line.strip_prefix("booted=") {
            Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
            None => ("", line),
        };
        let mut command = Command::new(program("isi"));
        command
            .args(["--home", ".", "upgrade"])
            .args(shell::words(line))
            .current_dir(&self.root)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        for name in [
            "ISI_HOME",
            "ISI_CONFIG",
            "ISI_CATALOG",
            "ISI_TRUST",
            "ISI_SYSTEM",
            "ISI_BOOTED",
            "ISI_LOCK_TIMEOUT",
            "ISI_HOOK_TIMEOUT",
            "ISI_HEALTH_TIMEOUT",
        ] {
            command.env_remove(name);
        }
        if !booted.is_empty() {
            command.env("ISI_BOOTED", booted);
        }
        command
    }

    /// Runs [`isi`](Self::isi) to its end.
    pub fn run(&self, line: &str) -> Outcome<Output> {
        Ok(self.isi(line).output()?)
    }

    /// Runs [`isi`](Self::isi), which has to end with `code`, and gives what it printed.
    pub fn expect(&self, line: &str, code: i32) -> Outcome<String> {
        let output = self.run(line)?;
        if output.status.code() == Some(code) {
            return Ok(String::from_utf8(output.stdout)?);
        }
        failure(format!("{line}: {}", told(&output)))
    }
}

/// Inode number of the root of every subvolume of a btrfs.
const SUBVOLUME: u64 = 256;

/// Copies a tree with everything that a file system knows of it; environments that are subvolumes become
/// snapshots of them.
fn copy(from: &Path, to: &Path) -> Outcome {
    let environments = Path::new("system/environments");
    let mut subvolumes = Vec::new();
    for entry in fs::read_dir(from.join(environments)).into_iter().flatten() {
        let entry = entry?;
        if entry.metadata()?.is_dir() && entry.metadata()?.ino() == SUBVOLUME {
            subvolumes.push(environments.join(entry.file_name()));
        }
    }
    if subvolumes.is_empty() {
        let mut cp = shell::command("cp");
        return quietly(cp.args(["-a", "--reflink=auto"]).arg(from).arg(to));
    }
    fs::create_dir(to)?;
    let mut all = shell::command("tar");
    let archive = to.with_extension("tar");
    all.arg("-C")
        .arg(from)
        .args(["-c", "--numeric-owner", "-f"])
        .arg(&archive);
    for subvolume in &subvolumes {
        all.arg(format!("--exclude=./{}", subvolume.display()));
    }
    quietly(all.arg("."))?;
    quietly(
        shell::command("tar")
            .arg("-C")
            .arg(to)
            .args(["-x", "-p", "-f"])
            .arg(&archive),
    )?;
    fs::remove_file(archive)?;
    for subvolume in &subvolumes {
        let mut snapshot = shell::command("btrfs");
        snapshot.args(["-q", "subvolume", "snapshot"]);
        quietly(snapshot.arg(from.join(subvolume)).arg(to.join(subvolume)))?;
    }
    Ok(())
}

/// Runs a command whose output nobody wants unless it fails.
fn quietly(command: &mut Command) -> Outcome {
    let output = command.output()?;
    if output.status.success() {
        Ok(())
    } else {
        failure(format!("{}: {}", shell::show(command), told(&output)))
    }
}
