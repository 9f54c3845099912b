//! Looks at every file in the directories of the artifacts and of the quarantine, and changes nothing.

use std::path::{Path, PathBuf};

use super::action::Cause;
use super::half::Half;
use super::judge::{Judge, examine_all};
use super::records::Records;
use crate::catalog::layout::{ARTIFACTS, Layout, PACKAGE, artifact_path};
use crate::catalog::quarantine::{Entries, entries, package_path};
use crate::catalog::{CatalogError, Context, State};
use crate::digest::{Hasher, PackageId};
use crate::fsio::{Dir, EntryKind, FsError, NodeKind, Status};
use crate::trust::TrustStore;

/// Most names in a path below the directory of the artifacts; what is deeper is one thing to a repair.
const MAX_DEPTH: usize = 8;

/// The permission bit without which even the owner of a file cannot read it.
const OWNER_READS: u32 = 0o400;

/// What a walk through the catalog found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Everything that is no directory, or too deep.
    pub(super) files: Vec<Found>,
    /// Directories that have to go when nothing is left in them: all but the ones of the layout that
    /// may be empty, and those of files in an artifact's place.
    pub(super) directories: Vec<PathBuf>,
    /// Entries of the quarantine without content.
    pub(super) empty_entries: Vec<String>,
    /// A number that no entry of the quarantine has yet.
    pub(super) next_entry: u64,
    /// How many bytes the files have.
    pub(super) bytes: u64,
    /// The mirror of the event log, if it contradicts a sound database, and how.
    pub(super) mirror: Option<(Identity, Cause)>,
}

/// Where a file is; of most files the path follows from an ID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In the place of this artifact.
    Home(PackageId),
    /// Anywhere else below the directory of the artifacts.
    Elsewhere(Box<Path>),
    /// In this entry of the quarantine.
    Quarantine(Box<str>),
}

/// One file; all of them are held at once, so this has to stay small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) identity: Identity,
    /// Permission bits, set-user-ID, set-group-ID and sticky.
    pub(super) mode: u32,
    pub(super) finding: Finding,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// A package whose bytes are what its ID names, or which somebody trusted vouches for.
    Package(Judged),
    /// No package, or a damaged one.
    Rejected(Box<Cause>),
    /// Reading failed, so nothing is known.
    Unreadable(Box<Cause>),
}

/// A package with the ID that its bytes have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) id: PackageId,
    /// Sound, or what became of its trust.
    pub(super) state: State,
    pub(super) cause: Option<Box<Cause>>,
    pub(super) facts: Half,
    pub(super) software: Half,
    pub(super) manifest: Half,
}

/// Which file it was: the same file with the same content has the same.
///
/// A digest of its device, inode, size and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity(Half);

impl Place {
    /// Which one a path below the directory of the artifacts is.
    pub(super) fn of(path: &Path) -> Self {
        claimed(path).map_or_else(|| Self::Elsewhere(path.into()), Self::Home)
    }

    /// The path below the catalog's directory.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Home(id) => artifact_path(id),
            Self::Elsewhere(path) => path.to_path_buf(),
            Self::Quarantine(entry) => package_path(entry),
        }
    }

    /// The artifact whose place it is.
    pub(super) fn claimed(&self) -> Option<PackageId> {
        match self {
            Self::Home(id) => Some(*id),
            Self::Elsewhere(_) | Self::Quarantine(_) => None,
        }
    }
}

impl Found {
    pub(super) fn is_in_quarantine(&self) -> bool {
        matches!(self.place, Place::Quarantine(_))
    }

    /// Whether it has the place of this artifact.
    pub(super) fn is_home_of(&self, id: &PackageId) -> bool {
        self.place == Place::Home(*id)
    }

    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self.finding, Finding::Unreadable(_))
    }

    /// The artifact in its place that not even its owner may read; what it is shows once that is put
    /// right.
    pub(super) fn shut(&self) -> Option<PackageId> {
        let shut = self.is_unreadable() && self.mode & OWNER_READS == 0;
        self.place.claimed().filter(|_| shut)
    }

    pub(super) fn judged(&self) -> Option<&Judged> {
        match &self.finding {
            Finding::Package(judged) => Some(judged),
            _ => None,
        }
    }
}

impl Identity {
    /// Which file this is now.
    pub(super) fn of(status: &Status) -> Self {
        let mut hasher = Hasher::new();
        let (major, minor) = status.device;
        for number in [major, minor, status.mtime.1, status.ctime.1] {
            hasher.update(&number.to_le_bytes());
        }
        for number in [status.inode, status.size] {
            hasher.update(&number.to_le_bytes());
        }
        for seconds in [status.mtime.0, status.ctime.0] {
            hasher.update(&seconds.to_le_bytes());
        }
        Self(hasher.finish().into())
    }
}

/// Walks, then hashes and verifies on all cores.
pub(super) fn survey(
    layout: &Layout,
    walked: Walked,
    records: &Records,
    trust: &TrustStore,
    context: &Context<'_>,
) -> Result<Survey, CatalogError> {
    let judge = Judge {
        layout,
        records,
        trust,
        now: context.now,
    };
    let bytes = walked.names.iter().map(|name| name.size).sum();
    let files = examine_all(&judge, walked.names, context.progress)?;
    Ok(Survey {
        files,
        directories: walked.directories,
        empty_entries: walked.entries.empty,
        next_entry: walked.entries.next,
        bytes,
        mirror: walked.mirror,
    })
}

/// Names found, nothing read yet.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) names: Vec<Name>,
    directories: Vec<PathBuf>,
    entries: Entries,
    /// As in [`Survey`].
    pub(super) mirror: Option<(Identity, Cause)>,
}

/// A name of something that is no directory, or too deep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) place: Place,
    pub(super) identity: Identity,
    /// Length in bytes.
    pub(super) size: u64,
    pub(super) mode: u32,
    /// Whether it is a regular file.
    pub(super) regular: bool,
}

/// Lists what is there; the caller holds the catalog still, so that nothing is half done.
pub(super) fn walk(layout: &Layout) -> Result<Walked, CatalogError> {
    let mut walked = Walked::default();
    let root = layout.root();
    if root.kind_of(ARTIFACTS)?.is_some() {
        walked.descend(root, Path::new(ARTIFACTS), 1)?;
    }
    walked.entries = entries(root)?;
    for entry in &walked.entries.with_package {
        let name = name(root, Place::Quarantine(entry.as_str().into()))?;
        walked.names.extend(name.filter(|name| name.regular));
    }
    Ok(walked)
}

impl Walked {
    fn descend(&mut self, root: &Dir, path: &Path, depth: usize) -> Result<(), CatalogError> {
        for entry in root.open_dir(path)?.entries()? {
            let path = path.join(&entry.name);
            if entry.kind != EntryKind::Directory || depth >= MAX_DEPTH {
                self.names.extend(name(root, Place::of(&path))?);
                continue;
            }
            let before = self.names.len();
            let own = self.directories.len();
            if !is_shard(&path) {
                self.directories.push(path.clone());
            }
            self.descend(root, &path, depth.saturating_add(1))?;
            let home = claimed(&path.join(PACKAGE)).map(Place::Home);
            let within = self.names.get(before..).unwrap_or_default();
            if home.is_some_and(|home| within.iter().any(|name| name.place == home)) {
                self.directories.remove(own);
            }
        }
        Ok(())
    }
}

/// What has a name now; `None` if it went away meanwhile.
fn name(root: &Dir, place: Place) -> Result<Option<Name>, FsError> {
    let status = match root.status_of(place.path()) {
        Ok(status) => status,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(Name {
        place,
        identity: Identity::of(&status),
        size: status.size,
        mode: status.mode,
        regular: status.kind == NodeKind::File,
    }))
}

/// Whether a directory is one that holds the directories of artifacts and may be empty.
fn is_shard(path: &Path) -> bool {
    let mut names = path.iter().skip(1);
    let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let name = names.next().map(std::ffi::OsStr::as_encoded_bytes);
    names.next().is_none() && name.is_some_and(|name| name.len() == 2 && name.iter().all(is_hex))
}

/// The artifact whose place a path is.
fn claimed(path: &Path) -> Option<PackageId> {
    let directory = path.parent()?;
    let id: PackageId = directory.file_name()?.to_str()?.parse().ok()?;
    let home = artifact_path(&id);
    (home == path && path.ends_with(PACKAGE)).then_some(id)
}
