//! A real directory tree to work on, taken from what every Debian machine with a compiler has.

use std::path::{Path, PathBuf};

use crate::shell::{self, Outcome, failure};

/// Where real files are found, best first; each is there on some machines only.
const PLACES: [&str; 6] = [
    "/usr/include",
    "/usr/share/doc",
    "/usr/share/perl",
    "/usr/lib/python3",
    "/usr/share/zoneinfo",
    "/usr/share/man",
];

/// A tree on disk and what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Regular files.
    pub files: u64,
    /// Symbolic links.
    pub links: u64,
    /// Directories.
    pub directories: u64,
    /// Bytes in all regular files.
    pub bytes: u64,
}

/// Copies real files into `target` until there are at least `wanted`.
///
/// Links, modes and times come along; the sources of the crates we build on fill up what the system
/// does not have.
pub fn gather(target: &Path, wanted: u64) -> Outcome<Tree> {
    std::fs::create_dir_all(target)?;
    let mut tree = measure(target)?;
    for place in PLACES.map(PathBuf::from).into_iter().chain(crate_sources()) {
        if tree.files >= wanted {
            break;
        }
        if place.is_dir() {
            let relative = place.strip_prefix("/").unwrap_or(&place);
            let mut copy = shell::command("cp");
            copy.args(["-a", "--parents"]).arg(relative).arg(target);
            copy.current_dir("/");
            shell::run(&mut copy)?;
            tree = measure(target)?;
        }
    }
    if tree.files < wanted {
        return failure(format!(
            "found {} real files on this machine, and {wanted} are needed",
            tree.files
        ));
    }
    Ok(tree)
}

/// Where cargo keeps the sources of crates.
fn crate_sources() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    Some(home.join("registry/src"))
}

/// Counts what is below `directory`.
pub fn measure(directory: &Path) -> Outcome<Tree> {
    let mut tree = Tree::default();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            let below = measure(&entry.path())?;
            tree.files += below.files;
            tree.links += below.links;
            tree.directories += below.directories + 1;
            tree.bytes += below.bytes;
        } else if metadata.is_symlink() {
            tree.links += 1;
        } else {
            tree.files += 1;
            tree.bytes += metadata.len();
        }
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_links_and_bytes_are_counted() -> Outcome {
        let directory = std::env::temp_dir().join(format!("xtask-tree-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("a/b"))?;
        std::fs::write(directory.join("a/b/c"), "12345")?;
        std::os::unix::fs::symlink("b/c", directory.join("a/d"))?;
        let tree = measure(&directory)?;
        std::fs::remove_dir_all(&directory)?;
        let expected = Tree {
            files: 1,
            links: 1,
            directories: 2,
            bytes: 5,
        };
        assert_eq!(tree, expected);
        Ok(())
    }
}
