//! Puts entries below a directory: what both ways of unpacking have in common.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use super::entry::{FileEntry, FileKind};
use super::options::UnpackOptions;
use super::parents::Parents;
use super::{EntryPath, PayloadError};
use crate::fsio::{Attributes, Dir, set_file_attributes};
use crate::progress::Progress;

/// Permissions of a directory until everything in it is in place.
const PRIVATE_DIRECTORY: u32 = 0o700;

/// Permissions of a file until it is complete.
pub(super) const PRIVATE_FILE: u32 = 0o600;

/// Creates a directory that will get its attributes from [`finish`].
pub(super) fn create_directory(
    parents: &mut Parents<'_>,
    path: &EntryPath,
) -> Result<(), PayloadError> {
    let (parent, name) = parents.enter(path)?;
    Ok(parent.create_dir(name, PRIVATE_DIRECTORY)?)
}

/// Sets the attributes of a file once its contents are written.
pub(super) fn finish_file(
    file: &File,
    path: &EntryPath,
    entry: &FileEntry,
    options: &UnpackOptions,
) -> Result<(), PayloadError> {
    let xattrs = xattrs(entry, options);
    let attributes = attributes(entry, options, &xattrs);
    Ok(set_file_attributes(file, path.as_path(), &attributes)?)
}

/// Everything but directories and files, and then the attributes of directories.
///
/// `entries` stand in tree order; a hard link comes with the name it links to. Symbolic links come
/// into being when no file will be created any more, so nothing can be created through one.
pub(super) fn finish<'a>(
    target: &Dir,
    entries: &[(&'a FileEntry, Option<&'a EntryPath>)],
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<(), PayloadError> {
    let mut parents = Parents::of(target);
    for (entry, link_target) in entries {
        if progress.cancelled() {
            return Err(PayloadError::Cancelled);
        }
        let xattrs = xattrs(entry, options);
        let attributes = attributes(entry, options, &xattrs);
        match &entry.kind {
            FileKind::Regular { .. } | FileKind::Directory => {}
            FileKind::HardLink { .. } => {
                if let Some(existing) = link_target {
                    target.create_hard_link(existing, &entry.path)?;
                }
            }
            FileKind::Symlink { target: text } => {
                let (parent, name) = parents.enter(&entry.path)?;
                parent.create_symlink(text, name)?;
                parent.set_link_attributes(name, &attributes)?;
            }
            FileKind::Fifo => {
                let (parent, name) = parents.enter(&entry.path)?;
                parent.create_fifo(name, PRIVATE_FILE)?;
                parent.set_attributes(name, &attributes)?;
            }
            FileKind::CharacterDevice(number) | FileKind::BlockDevice(number) => {
                let block = matches!(entry.kind, FileKind::BlockDevice(_));
                let number = (number.major, number.minor);
                let (parent, name) = parents.enter(&entry.path)?;
                parent.create_device(name, block, PRIVATE_FILE, number)?;
                parent.set_attributes(name, &attributes)?;
            }
        }
    }
    // Children before parents: creating and changing them touches the parent's time.
    for (entry, _) in entries.iter().rev() {
        if entry.kind == FileKind::Directory {
            let xattrs = xattrs(entry, options);
            let attributes = attributes(entry, options, &xattrs);
            let (parent, name) = parents.enter(&entry.path)?;
            parent.open_dir(name)?.set_own_attributes(&attributes)?;
        }
    }
    Ok(())
}

/// Refuses a target that holds something.
pub(super) fn check_empty(target: &Dir) -> Result<(), PayloadError> {
    if target.entries()?.is_empty() {
        return Ok(());
    }
    let path = target.path().to_owned();
    Err(PayloadError::NotEmpty { path })
}

/// Removes everything below `target` after a failure; `directories` in tree order.
///
/// Directories may have got their modes already: they are opened up again first. What cannot be
/// removed stays; the failure that led here is the one to report.
pub(super) fn clear<'a>(target: &Dir, directories: impl Iterator<Item = &'a EntryPath>) {
    let open = Attributes {
        mode: Some(PRIVATE_DIRECTORY),
        ..Attributes::default()
    };
    for path in directories {
        // One that is not there any more is as good as removed.
        target.set_attributes(path, &open).unwrap_or_default();
    }
    for entry in target.entries().unwrap_or_default() {
        let name = Path::new(&entry.name);
        let removed = match entry.kind {
            crate::fsio::EntryKind::Directory => target.remove_tree(name),
            _ => target.remove_file(name),
        };
        if removed.is_err() {
            tracing::warn!(path = %target.path().join(name).display(), "left behind");
        }
    }
}

type Pairs<'a> = Vec<(&'a OsStr, &'a [u8])>;

fn xattrs<'a>(entry: &'a FileEntry, options: &UnpackOptions) -> Pairs<'a> {
    if !options.xattrs {
        return Vec::new();
    }
    let pairs = entry.xattrs.iter();
    pairs
        .map(|xattr| (xattr.name.as_os_str(), xattr.value.as_slice()))
        .collect()
}

fn attributes<'a>(
    entry: &FileEntry,
    options: &UnpackOptions,
    xattrs: &'a [(&'a OsStr, &'a [u8])],
) -> Attributes<'a> {
    let mask = if options.special_bits { 0o7777 } else { 0o777 };
    Attributes {
        owner: options.owners.then_some((entry.uid, entry.gid)),
        mode: Some(entry.mode & mask),
        xattrs,
        mtime: Some((entry.mtime.seconds, entry.mtime.nanoseconds)),
    }
}
