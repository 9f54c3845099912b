//! A directory with trust, packages and a catalog, in which `isi` runs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use super::world::World;
use crate::shell::{self, Outcome, failure};

/// Name of the catalog in a place.
const CATALOG: &str = "catalog";
/// Name of the directory that exports go to.
pub const EXPORTS: &str = "out";
/// Name of the link to the packages.
pub const PACKAGES: &str = "packages";

/// A directory with `trust`, `catalog`, `out`, and `packages`, which leads to the world's packages.
#[derive(Debug, Clone)]
pub struct Place {
    root: PathBuf,
}

impl Place {
    /// A new place at `root` that trusts whom the world trusts and finds its packages at `packages`.
    pub fn create(root: &Path, world: &World, packages: &Path) -> Outcome<Self> {
        remove(root)?;
        fs::create_dir_all(root)?;
        fs::set_permissions(root, Permissions::from_mode(0o700))?;
        copy(&world.trust(), &root.join("trust"))?;
        fs::create_dir(root.join(EXPORTS))?;
        symlink(packages, root.join(PACKAGES))?;
        let root = root.to_owned();
        Ok(Self { root })
    }

    /// A copy of this place at `root`.
    pub fn copy_to(&self, root: &Path) -> Outcome<Self> {
        remove(root)?;
        copy(&self.root, root)?;
        let root = root.to_owned();
        Ok(Self { root })
    }

    /// The place itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The catalog's directory.
    pub fn catalog(&self) -> PathBuf {
        self.root.join(CATALOG)
    }

    /// Where exports go.
    pub fn exports(&self) -> PathBuf {
        self.root.join(EXPORTS)
    }

    /// Where the catalog keeps the package with this ID.
    pub fn artifact(&self, id: &str) -> PathBuf {
        self.catalog().join(artifact_path(id))
    }

    /// `isi upgrade catalog` with the words of `line`.
    pub fn isi(&self, line: &str) -> Command {
        let mut command = Command::new(program("isi"));
        command
            .args(["--home", ".", "upgrade", CATALOG])
            .args(shell::words(line))
            .current_dir(&self.root)
            .env_remove("ISI_HOME")
            .env_remove("ISI_CONFIG")
            .env_remove("ISI_CATALOG")
            .env_remove("ISI_TRUST")
            .env_remove("ISI_LOCK_TIMEOUT")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    /// Runs [`isi`](Self::isi) to its end.
    pub fn run(&self, line: &str) -> Outcome<Output> {
        Ok(self.isi(line).output()?)
    }

    /// Runs [`isi`](Self::isi), which has to end with `code`.
    pub fn expect(&self, line: &str, code: i32) -> Outcome {
        let output = self.run(line)?;
        if output.status.code() == Some(code) {
            return Ok(());
        }
        failure(format!("{line}: {}", told(&output)))
    }
}

/// Exit status and error stream of a command that should have ended otherwise, on one line.
pub fn told(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    format!("{}: {}", output.status, text.trim().replace('\n', " | "))
}

/// The path of an artifact inside a catalog.
pub fn artifact_path(id: &str) -> PathBuf {
    let shard = id.get(..2).unwrap_or_default();
    ["artifacts", shard, id, "package.isi"].iter().collect()
}

/// Where our own programs are, if not where they are built for development.
static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();

/// Takes our own programs from `directory` from now on.
pub fn take_programs_from(directory: &Path) -> Outcome {
    let directory = directory.canonicalize()?;
    PROGRAMS
        .set(directory)
        .or_else(|_| failure("the programs are chosen already"))
}

/// One of our own programs.
pub fn program(name: &str) -> PathBuf {
    let built = || shell::root().join("target/debug");
    PROGRAMS.get_or_init(built).join(name)
}

/// Copies a tree: directories, files and links, with their permissions.
pub fn copy(from: &Path, to: &Path) -> Outcome {
    let kind = fs::symlink_metadata(from)?;
    if kind.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
    } else if kind.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        fs::set_permissions(to, kind.permissions())?;
    } else {
        fs::copy(from, to)?;
    }
    Ok(())
}

/// Removes whatever is there, if anything is.
pub fn remove(path: &Path) -> Outcome {
    match fs::symlink_metadata(path) {
        Ok(kind) if kind.is_dir() => Ok(fs::remove_dir_all(path)?),
        Ok(_) => Ok(fs::remove_file(path)?),
        Err(_) => Ok(()),
    }
}
