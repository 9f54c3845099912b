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

/// As [`gather`], and takes away again what is more than `wanted`, evenly.
pub fn gather_exactly(target: &Path, wanted: u64) -> Outcome {
    let tree = gather(target, wanted)?;
    let mut files = Vec::new();
    files_below(target, &mut files)?;
    files.sort();
    let (mut kept, mut seen) = (0, 0);
    for file in files {
        seen += 1;
        // As many of the first n as their share is.
        if kept * tree.files < seen * wanted && kept < wanted {
            kept += 1;
        } else {
            std::fs::remove_file(file)?;
        }
    }
    Ok(())
}

/// Where large real files are found.
const LARGE: [&str; 2] = ["/usr/bin", "/usr/lib"];

/// Most bytes of a file that fills up.
const LARGEST: u64 = 48 << 20;

/// Fills `target` with real programs and libraries, the largest first, until everything in the tree above
/// it has at least `wanted` bytes; `target` is three levels below the root of the tree.
pub fn fill(target: &Path, wanted: u64) -> Outcome<Tree> {
    let root = target.ancestors().nth(3).unwrap_or(target);
    let mut tree = measure(root)?;
    std::fs::create_dir_all(target)?;
    let mut files = Vec::new();
    for place in LARGE {
        files_below(Path::new(place), &mut files)?;
    }
    let mut sizes: Vec<(u64, PathBuf)> = Vec::new();
    for file in files {
        let size = std::fs::metadata(&file)?.len();
        if size <= LARGEST {
            sizes.push((size, file));
        }
    }
    sizes.sort();
    for (number, (size, file)) in sizes.into_iter().rev().enumerate() {
        if tree.bytes >= wanted {
            return Ok(tree);
        }
        std::fs::copy(&file, target.join(format!("{number:05}")))?;
        tree.bytes += size;
        tree.files += 1;
    }
    if tree.bytes >= wanted {
        return Ok(tree);
    }
    failure(format!(
        "found {} bytes of real files on this machine",
        tree.bytes
    ))
}

/// The regular files below `directory`; links and what may not be listed are left out.
fn files_below(directory: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files_below(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
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

    #[test]
    fn as_many_files_are_kept_as_were_wanted() -> Outcome {
        let directory = std::env::temp_dir().join(format!("xtask-exact-{}", std::process::id()));
        gather_exactly(&directory, 100)?;
        let tree = measure(&directory)?;
        std::fs::remove_dir_all(&directory)?;
        assert_eq!(tree.files, 100);
        Ok(())
    }
}
