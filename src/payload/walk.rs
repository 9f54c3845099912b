//! Lists a tree: everything about its files but their contents.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::convert::wide;
use super::entry::{DeviceNumber, FileEntry, FileKind, Mtime, Xattr};
use super::limits::MAX_ENTRIES;
use super::mtree::Mtree;
use super::name::escaped;
use super::options::{Owners, TreeOptions, XattrSelection};
use super::{EntryPath, PayloadError};
use crate::digest::Sha256Digest;
use crate::fsio::{Dir, NodeKind, Status};
use crate::progress::Progress;

/// A file as it was when the tree was listed.
#[derive(Debug)]
pub(super) struct Found {
    pub entry: FileEntry,
    /// Nothing for an entry that the tree does not have.
    pub status: Option<Status>,
}

/// All entries below `source`, in the order of their paths, digests yet unknown.
pub(super) fn list(
    source: &Dir,
    options: &TreeOptions,
    progress: &dyn Progress,
) -> Result<Vec<Found>, PayloadError> {
    let mut found = Vec::new();
    let mut directories = vec![None];
    while let Some(directory) = directories.pop() {
        if progress.cancelled() {
            return Err(PayloadError::Cancelled);
        }
        list_directory(source, directory.as_ref(), options, &mut found)?;
        for entry in found.iter().rev().map_while(|found| {
            let parent = found.entry.path.parent();
            let here = directory.as_ref().map(EntryPath::as_bytes);
            (parent == here).then_some(&found.entry)
        }) {
            if entry.kind == FileKind::Directory {
                directories.push(Some(entry.path.clone()));
            }
        }
        if wide(found.len()) > MAX_ENTRIES {
            let (what, limit) = ("entries in the tree".to_owned(), MAX_ENTRIES);
            let found = wide(found.len());
            return Err(PayloadError::TooLarge { what, limit, found });
        }
    }
    found.sort_by(|one, other| one.entry.path.cmp(&other.entry.path));
    override_attributes(&mut found, options)?;
    join_hard_links(&mut found, &options.overrides);
    Ok(found)
}

/// Lets the specification have its say, and adds what only it has.
fn override_attributes(found: &mut Vec<Found>, options: &TreeOptions) -> Result<(), PayloadError> {
    for Found { entry, .. } in &mut *found {
        if let Some(facts) = options.overrides.facts(&entry.path) {
            facts.apply(entry)?;
            entry.mtime = clamp((entry.mtime.seconds, entry.mtime.nanoseconds), options);
        }
    }
    let has = |path: &EntryPath| {
        let place = found.binary_search_by(|found| found.entry.path.cmp(path));
        place.is_ok()
    };
    let mut added = options.overrides.added(has)?;
    if added.is_empty() {
        return Ok(());
    }
    for entry in &mut added {
        entry.mtime = clamp((entry.mtime.seconds, entry.mtime.nanoseconds), options);
    }
    let status = None;
    found.extend(added.into_iter().map(|entry| Found { entry, status }));
    found.sort_by(|one, other| one.entry.path.cmp(&other.entry.path));
    Ok(())
}

fn list_directory(
    source: &Dir,
    directory: Option<&EntryPath>,
    options: &TreeOptions,
    found: &mut Vec<Found>,
) -> Result<(), PayloadError> {
    let opened = directory.map(|path| source.open_dir(path)).transpose()?;
    let here = opened.as_ref().unwrap_or(source);
    for name in here.entries()? {
        let path = join(directory, &name.name)?;
        let status = here.status_of(&name.name)?;
        let name = Path::new(&name.name);
        let kind = kind(here, name, &status)?;
        let (uid, gid) = match options.owners {
            Owners::AsFound => (status.uid, status.gid),
            Owners::Fixed { uid, gid } => (uid, gid),
        };
        let entry = FileEntry {
            path,
            kind,
            mode: status.mode,
            uid,
            gid,
            mtime: clamp(status.mtime, options),
            xattrs: xattrs(here, name, options.xattrs)?,
        };
        let status = Some(status);
        found.push(Found { entry, status });
    }
    Ok(())
}

fn join(directory: Option<&EntryPath>, name: &OsStr) -> Result<EntryPath, PayloadError> {
    let mut path = Vec::new();
    if let Some(directory) = directory {
        path.extend_from_slice(directory.as_bytes());
        path.push(b'/');
    }
    path.extend_from_slice(name.as_bytes());
    EntryPath::new(&path).map_err(|rule| PayloadError::Name {
        of: "tree",
        offset: 0,
        field: "path",
        name: escaped(&path),
        rule,
    })
}

fn kind(here: &Dir, name: &Path, status: &Status) -> Result<FileKind, PayloadError> {
    let (major, minor) = status.represents;
    let number = DeviceNumber { major, minor };
    let unfit = |found| {
        let path = here.path().join(name);
        Err(PayloadError::Kind { path, found })
    };
    Ok(match status.kind {
        NodeKind::File => FileKind::Regular {
            size: status.size,
            sha256: Sha256Digest::from_bytes([0; Sha256Digest::LENGTH]),
        },
        NodeKind::Directory => FileKind::Directory,
        NodeKind::SymbolicLink => {
            let target = here.read_link(name)?;
            FileKind::Symlink { target }
        }
        NodeKind::Fifo => FileKind::Fifo,
        NodeKind::CharacterDevice => FileKind::CharacterDevice(number),
        NodeKind::BlockDevice => FileKind::BlockDevice(number),
        NodeKind::Socket => return unfit("a socket"),
        NodeKind::Unknown => return unfit("of a kind unknown to this program"),
    })
}

/// No later than the clock given, and without the fraction of a second unless it is wanted.
fn clamp((seconds, nanoseconds): (i64, u32), options: &TreeOptions) -> Mtime {
    let found = Mtime {
        seconds,
        nanoseconds: if options.nanoseconds { nanoseconds } else { 0 },
    };
    let latest = options.clock.map(|clock| Mtime {
        seconds: clock.as_second(),
        nanoseconds: 0,
    });
    latest.map_or(found, |latest| found.min(latest))
}

fn xattrs(here: &Dir, name: &Path, selection: XattrSelection) -> Result<Vec<Xattr>, PayloadError> {
    if selection == XattrSelection::None {
        return Ok(Vec::new());
    }
    let wanted = |name: &OsStr| {
        let name = name.as_bytes();
        let portable = name.starts_with(b"user.") || name == b"security.capability";
        selection == XattrSelection::All || portable
    };
    let found = here.xattrs(name)?.into_iter();
    Ok(found
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| Xattr { name, value })
        .collect())
}

/// Turns the second and every further name of a file into a hard link to the first.
///
/// It is one file, so what was said of the first name counts for the others, unless something is said
/// of them as well.
fn join_hard_links(found: &mut [Found], overrides: &Mtree) {
    let mut first: HashMap<_, FileEntry> = HashMap::new();
    for number in 0..found.len() {
        let Some(Found { entry, status }) = found.get_mut(number) else {
            return;
        };
        let Some(status) = status else { continue };
        if status.kind != NodeKind::File || status.links < 2 {
            continue;
        }
        match first.get(&(status.device, status.inode)) {
            None => {
                first.insert((status.device, status.inode), entry.clone());
            }
            Some(file) => {
                entry.kind = FileKind::HardLink {
                    target: file.path.clone(),
                };
                if overrides.facts(&entry.path).is_none() {
                    (entry.mode, entry.uid, entry.gid) = (file.mode, file.uid, file.gid);
                    entry.mtime = file.mtime;
                }
                entry.xattrs.clear();
            }
        }
    }
}
