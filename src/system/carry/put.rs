//! Puts single things below a root: each is looked up there, and never through a link.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::CarryError;
use crate::fsio::{
    Attributes, Dir, EntryKind, FsError, NodeKind, Status, set_file_attributes, sync,
};
use crate::payload::EntryPath;
use crate::system::merge::Rights;

/// Content that is put somewhere, and what goes with it.
#[derive(Debug, Clone, Copy)]
pub(in crate::system) struct Put<'a> {
    pub(in crate::system) text: &'a [u8],
    pub(in crate::system) rights: &'a Rights,
    pub(in crate::system) mtime: Option<(i64, u32)>,
}

/// Puts a file somewhere in one step, in the place of a file or link or of nothing.
pub(in crate::system) fn put_text(
    root: &Dir,
    path: &EntryPath,
    put: Put<'_>,
) -> Result<(), CarryError> {
    let new = beside(path.as_path());
    root.remove_if_there(&new)?;
    let shown = root.path().join(&new);
    let file = root.create_file(&new, 0o600)?;
    let written = file.write_all_at(put.text, 0);
    written.map_err(FsError::system("write", &shown))?;
    let xattrs = borrowed(&put.rights.xattrs);
    set_file_attributes(&file, &shown, &attributes(put.rights, &xattrs, put.mtime))?;
    sync(&file, &shown)?;
    drop(file);
    if root.kind_of(path)? == Some(EntryKind::Directory) {
        root.remove_tree(path)?;
    }
    root.rename(&new, root, path)?;
    Ok(())
}

/// Gives what is there these rights; a symbolic link has none but its owner.
pub(super) fn set_rights(
    root: &Dir,
    path: &EntryPath,
    rights: &Rights,
    mtime: Option<(i64, u32)>,
) -> Result<(), CarryError> {
    let xattrs = borrowed(&rights.xattrs);
    let attributes = attributes(rights, &xattrs, mtime);
    if root.kind_of(path)? == Some(EntryKind::SymbolicLink) {
        root.set_link_attributes(path, &attributes)?;
    } else {
        root.set_attributes(path, &attributes)?;
    }
    Ok(())
}

/// Removes what is there, and all below it; nothing is wrong if nothing is there.
pub(in crate::system) fn remove(root: &Dir, path: &EntryPath) -> Result<(), CarryError> {
    match root.kind_of(path) {
        Ok(None) => {}
        Ok(Some(EntryKind::Directory)) => root.remove_tree(path)?,
        Ok(Some(_)) => root.remove_file(path)?,
        Err(error) if error.is_not_below_directory() => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Removes what is in the way of what has this status; a directory does not stand in the way of another.
pub(super) fn clear_way(root: &Dir, path: &EntryPath, status: &Status) -> Result<(), CarryError> {
    let both =
        status.kind == NodeKind::Directory && root.kind_of(path)? == Some(EntryKind::Directory);
    if both { Ok(()) } else { remove(root, path) }
}

/// The times of directories that things are put into, which that must not change.
#[derive(Debug)]
pub(super) struct Times(BTreeMap<EntryPath, (i64, u32)>);

impl Times {
    /// Notes the times of the directories above `paths`.
    pub(super) fn before<'a>(
        root: &Dir,
        paths: impl Iterator<Item = &'a EntryPath>,
    ) -> Result<Self, CarryError> {
        let mut times = BTreeMap::new();
        let parents = paths.filter_map(|path| EntryPath::new(path.parent()?).ok());
        for parent in parents.collect::<BTreeSet<_>>() {
            // What is not there yet gets its time when it is made.
            if root
                .kind_of(&parent)
                .is_ok_and(|kind| kind == Some(EntryKind::Directory))
            {
                let status = root.status_of(&parent)?;
                times.insert(parent, status.mtime);
            }
        }
        Ok(Self(times))
    }

    /// Sets them again, but those of `others`.
    pub(super) fn restore(
        &self,
        root: &Dir,
        others: &BTreeSet<&EntryPath>,
    ) -> Result<(), CarryError> {
        let own = self.0.iter().rev();
        for (path, mtime) in own.filter(|(path, _)| !others.contains(path)) {
            let attributes = Attributes {
                mtime: Some(*mtime),
                ..Attributes::default()
            };
            if root.kind_of(path)? == Some(EntryKind::Directory) {
                root.set_attributes(path, &attributes)?;
            }
        }
        Ok(())
    }
}

fn attributes<'a>(
    rights: &Rights,
    xattrs: &'a [(&'a OsStr, &'a [u8])],
    mtime: Option<(i64, u32)>,
) -> Attributes<'a> {
    Attributes {
        owner: Some((rights.uid, rights.gid)),
        mode: Some(rights.mode),
        xattrs,
        mtime,
    }
}

fn borrowed(xattrs: &[(OsString, Vec<u8>)]) -> Vec<(&OsStr, &[u8])> {
    let pairs = xattrs.iter();
    pairs
        .map(|(name, value)| (name.as_os_str(), value.as_slice()))
        .collect()
}

/// The hidden name in the same directory that something has until it is complete; short enough always.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(".isi-carry.new")
}
