use std::ffi::OsString;
use std::path::Path;

use super::{Dir, EntryKind, FsError};

/// Directories below each other that are held open while a tree is removed; deeper ones are moved up.
const OPEN_AT_ONCE: usize = 64;

impl Dir {
    /// Removes `name` and all below it, however deep; follows no link and leaves what is mounted there alone.
    ///
    /// Something mounted below is an error, and it and its parents stay.
    pub fn remove_tree(&self, name: impl AsRef<Path>) -> Result<(), FsError> {
        let name = name.as_ref();
        let top = self.open_dir_within(name)?;
        let mut moved = 0_u64;
        let mut waiting: Vec<OsString> = Vec::new();
        empty(&top, &top, 0, &mut moved, &mut waiting)?;
        while let Some(deep) = waiting.pop() {
            let tree = top.open_dir_within(&deep)?;
            empty(&tree, &top, 1, &mut moved, &mut waiting)?;
            top.remove_dir(&deep)?;
        }
        drop(top);
        self.remove_dir(name)
    }
}

/// Removes everything in `dir`; what is too deep is moved to `top` under a name put into `waiting`.
fn empty(
    dir: &Dir,
    top: &Dir,
    depth: usize,
    moved: &mut u64,
    waiting: &mut Vec<OsString>,
) -> Result<(), FsError> {
    for entry in dir.entries()? {
        if entry.kind != EntryKind::Directory {
            dir.remove_file(&entry.name)?;
            continue;
        }
        if depth < OPEN_AT_ONCE {
            let child = dir.open_dir_within(&entry.name)?;
            empty(&child, top, depth + 1, moved, waiting)?;
            dir.remove_dir(&entry.name)?;
            continue;
        }
        loop {
            let name = OsString::from(format!(".isi-remove-{moved}"));
            *moved += 1;
            match dir.rename_new(&entry.name, top, &name) {
                Ok(()) => {
                    waiting.push(name);
                    break;
                }
                Err(error) if error.is_exists() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_tree_deeper_than_files_may_be_open_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let root = Dir::open(home.path()).unwrap();
        root.create_dir("tree", 0o700).unwrap();
        let mut dir = root.open_dir("tree").unwrap();
        for _ in 0..3000 {
            dir.create_dir("d", 0o700).unwrap();
            dir = dir.open_dir("d").unwrap();
            // The path is for messages only, and would grow with each step.
            dir = Dir::of_descriptor(dir.as_fd().try_clone_to_owned().unwrap(), PathBuf::new());
        }
        dir.create_file("file", 0o600).unwrap();
        root.create_file("tree/.isi-remove-0", 0o600).unwrap();
        root.remove_tree("tree").unwrap();
        assert_eq!(root.entries().unwrap(), []);
    }

    #[test]
    fn c09_removal_follows_no_link() {
        let home = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("kept"), "").unwrap();
        std::fs::set_permissions(outside.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let root = Dir::open(home.path()).unwrap();
        root.create_dir("tree", 0o700).unwrap();
        root.create_symlink(outside.path().as_os_str(), "tree/link")
            .unwrap();
        root.remove_tree("tree").unwrap();
        assert!(outside.path().join("kept").exists());
        root.create_symlink(outside.path().as_os_str(), "tree")
            .unwrap();
        assert!(root.remove_tree("tree").is_err());
        assert!(outside.path().join("kept").exists());
    }
}
