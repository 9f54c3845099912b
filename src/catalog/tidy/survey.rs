use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{CleanSets, Discard};
use crate::catalog::layout::{ARTIFACTS, INCOMING, Layout, PACKAGE, artifact_names};
use crate::catalog::{Catalog, CatalogError};
use crate::digest::{PackageId, Sha256Digest};
use crate::fsio::{Dir, EntryKind, FsError, Lock, LockKind};
use crate::progress::{Progress, Silent};

/// Something that seems to be in nobody's list, and where it is.
#[derive(Debug)]
pub(super) enum Candidate {
    /// A directory with an artifact's name and nothing else than its file in it.
    Orphan(PackageId),
    /// An empty directory for artifacts.
    EmptyShard(String),
    /// A row whose file is missing.
    Dangling(PackageId),
    /// A name in the directory of what is on its way in.
    Leftover(PathBuf),
}

/// What a walk through the catalog's directory found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) candidates: Vec<Candidate>,
    /// Names that this program does not give, below the catalog's directory.
    pub(super) foreign: Vec<String>,
}

/// Looks at everything without holding the catalog still: each candidate has to be looked at again.
pub(super) fn survey(
    catalog: &mut Catalog,
    sets: CleanSets,
    progress: &dyn Progress,
) -> Result<Survey, CatalogError> {
    let mut survey = Survey::default();
    let present = names(&catalog.layout, &mut survey, progress)?;
    // Read after the names: what is entered meanwhile is in this list.
    let listed: BTreeSet<PackageId> = catalog.ids()?.into_iter().map(|(id, _)| id).collect();
    if sets.orphans {
        let orphans = present.difference(&listed).copied();
        survey.candidates.extend(orphans.map(Candidate::Orphan));
    } else {
        let other = |one: &Candidate| !matches!(one, Candidate::EmptyShard(_));
        survey.candidates.retain(other);
    }
    if sets.dangling {
        for id in &listed {
            if progress.cancelled() {
                return Err(CatalogError::Cancelled);
            }
            if catalog.layout.artifact_length(id)?.is_none() {
                survey.candidates.push(Candidate::Dangling(*id));
            }
        }
    }
    if sets.leftovers {
        for entry in catalog.layout.dir(INCOMING)?.entries()? {
            let name = PathBuf::from(entry.name);
            survey.candidates.push(Candidate::Leftover(name));
        }
    }
    Ok(survey)
}

/// The artifacts that there are directories of; notes empty ones above them, and what has no business here.
fn names(
    layout: &Layout,
    survey: &mut Survey,
    progress: &dyn Progress,
) -> Result<BTreeSet<PackageId>, CatalogError> {
    let mut present = BTreeSet::new();
    let artifacts = layout.dir(ARTIFACTS)?;
    for shard in artifacts.entries()? {
        if progress.cancelled() {
            return Err(CatalogError::Cancelled);
        }
        let path = Path::new(ARTIFACTS).join(&shard.name);
        let name = shard.name.to_str().filter(|name| is_shard(name));
        let (Some(name), EntryKind::Directory) = (name, shard.kind) else {
            survey.foreign.push(shown(&path));
            continue;
        };
        let directory = match artifacts.open_dir(name) {
            Ok(directory) => directory,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error.into()),
        };
        let entries = directory.entries()?;
        if entries.is_empty() {
            survey
                .candidates
                .push(Candidate::EmptyShard(name.to_owned()));
        }
        for entry in entries {
            let path = path.join(&entry.name);
            let id = id_of(&entry.name).filter(|id| artifact_names(id).0 == name);
            match (id, entry.kind) {
                (Some(id), EntryKind::Directory) => {
                    if foreign_in(&directory, &path, survey)? {
                        present.insert(id);
                    }
                }
                _ => survey.foreign.push(shown(&path)),
            }
        }
    }
    Ok(present)
}

/// Notes what is in an artifact's directory and is not its file; tells whether there was nothing such.
fn foreign_in(shard: &Dir, path: &Path, survey: &mut Survey) -> Result<bool, CatalogError> {
    let name = path.file_name().unwrap_or_default();
    let directory = match shard.open_dir(name) {
        Ok(directory) => directory,
        Err(error) if error.is_not_found() => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let before = survey.foreign.len();
    for entry in directory.entries()? {
        if entry.name != PACKAGE || entry.kind != EntryKind::File {
            survey.foreign.push(shown(&path.join(entry.name)));
        }
    }
    Ok(survey.foreign.len() == before)
}

impl Candidate {
    /// What is to be discarded, if this is still so while the catalog is held still.
    pub(super) fn confirmed(&self, catalog: &mut Catalog) -> Result<Option<Discard>, CatalogError> {
        match self {
            Self::Orphan(id) => {
                let (shard, name) = artifact_names(id);
                let path = Path::new(ARTIFACTS).join(shard).join(name);
                let there = catalog.layout.root().kind_of(&path)?.is_some();
                if !there || catalog.find(id)?.is_some() {
                    return Ok(None);
                }
                let bytes = length_below(catalog.layout.root(), &path)?;
                let path = shown(&path);
                Ok(Some(Discard::Orphan { path, bytes }))
            }
            Self::EmptyShard(name) => {
                let path = Path::new(ARTIFACTS).join(name);
                let empty = match catalog.layout.root().open_dir(&path) {
                    Ok(directory) => directory.entries()?.is_empty(),
                    Err(error) if error.is_not_found() => false,
                    Err(error) => return Err(error.into()),
                };
                let (path, bytes) = (shown(&path), 0);
                Ok(empty.then_some(Discard::Orphan { path, bytes }))
            }
            Self::Dangling(id) => {
                let Some(artifact) = catalog.find(id)? else {
                    return Ok(None);
                };
                let gone = catalog.layout.artifact_length(id)?.is_none();
                let needed = !catalog.references(id)?.is_empty();
                Ok((gone && !needed).then_some(Discard::Dangling {
                    id: *id,
                    name: artifact.name,
                    version: artifact.version,
                }))
            }
            Self::Leftover(name) => {
                let incoming = catalog.layout.dir(INCOMING)?;
                if incoming.kind_of(name)?.is_none() || is_in_work(&incoming, name)? {
                    return Ok(None);
                }
                let bytes = length_below(&incoming, name)?;
                let path = shown(&Path::new(INCOMING).join(name));
                Ok(Some(Discard::Leftover { path, bytes }))
            }
        }
    }
}

/// Whether an import that lives has this entry.
fn is_in_work(incoming: &Dir, name: &Path) -> Result<bool, CatalogError> {
    let path = name.join(PACKAGE);
    if incoming.kind_of(name)? != Some(EntryKind::Directory)
        || incoming.kind_of(&path)? != Some(EntryKind::File)
    {
        // No import makes this: nobody has it locked.
        return Ok(false);
    }
    let file = match incoming.open_file(&path) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let (path, kind) = (incoming.path().join(path), LockKind::Exclusive);
    let free = Lock::acquire(file, &path, kind, Duration::ZERO, &Silent)?;
    Ok(free.is_none())
}

/// The length of all files at and below a name, in bytes.
fn length_below(parent: &Dir, name: &Path) -> Result<u64, FsError> {
    match parent.kind_of(name)? {
        Some(EntryKind::Directory) => {}
        Some(EntryKind::File) => return parent.length_of(name),
        _ => return Ok(0),
    }
    let directory = parent.open_dir(name)?;
    let mut sum = 0_u64;
    for entry in directory.entries()? {
        sum = sum.saturating_add(length_below(&directory, Path::new(&entry.name))?);
    }
    Ok(sum)
}

fn is_shard(name: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.len() == 2 && name.bytes().all(digit)
}

fn id_of(name: &OsStr) -> Option<PackageId> {
    let digest: Sha256Digest = name.to_str()?.parse().ok()?;
    Some(PackageId::new(digest))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
