//! Looks elsewhere for artifacts that somebody needs and that are gone.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::action::{Action, Problem};
use crate::catalog::layout::artifact_path;
use crate::catalog::{Catalog, CatalogError, Context, ImportRequest, Source};
use crate::digest::{Hasher, PackageId};
use crate::fsio::{Dir, EntryKind, FsError, ReadAt as _, open_regular, regular_length};
use crate::trust::TrustStore;

/// Ending of the names of packages in a directory.
const SUFFIX: &str = "isi";
/// Bytes read at once.
const PIECE: usize = 1 << 20;

/// Finds packages that are missed in files and directories, each once; nothing is verified yet.
///
/// Of a directory every `*.isi` is looked at; in one that is a catalog, too, the places of those that
/// are missed. A package is known by the SHA-256 of its file and by nothing else. What cannot be read
/// where many are looked at is left out; a path that was named and cannot be read is an error.
pub fn search(
    from: &[PathBuf],
    problems: &[Problem],
    context: &Context<'_>,
) -> Result<Vec<Action>, CatalogError> {
    let missed = problems.iter().filter_map(missed_by);
    let mut missed: BTreeSet<PackageId> = missed.collect();
    let mut found = Vec::new();
    for path in from {
        for candidate in candidates(path, &missed)? {
            if missed.is_empty() {
                return Ok(found);
            }
            let named = candidate == *path;
            let id = open_regular(&candidate)
                .map_err(CatalogError::from)
                .and_then(|file| hash(&file, &candidate, context));
            match id {
                Ok(id) if missed.remove(&id) => found.push(Action::Fetch {
                    id,
                    from: candidate.into(),
                }),
                Ok(_) => {}
                Err(CatalogError::Files(_)) if !named => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// The artifact that a problem is about, if that is that it is gone.
pub fn missed_by(problem: &Problem) -> Option<PackageId> {
    match problem {
        Problem::Missing { id, .. } => Some(*id),
        Problem::Unreadable { .. } | Problem::Denied { .. } => None,
    }
}

impl Catalog {
    /// Imports a package that is missed from where it was found; verified as any other.
    ///
    /// Of one that is not signed, the reason on record counts once more.
    pub fn fetch(
        &mut self,
        id: &PackageId,
        from: &Path,
        trust: &TrustStore,
        context: &Context<'_>,
    ) -> Result<(), CatalogError> {
        let file = open_regular(from)?;
        if hash(&file, from, context)? != *id {
            let path = from.to_owned();
            return Err(CatalogError::Changed { path });
        }
        let reason = self.find(id)?.and_then(|known| known.unsigned_reason);
        let request = ImportRequest {
            label: from,
            trust,
            unsigned: reason.as_deref(),
        };
        self.import(Source::File(&file), &request, context)
            .map(drop)
    }
}

fn candidates(path: &Path, missed: &BTreeSet<PackageId>) -> Result<Vec<PathBuf>, CatalogError> {
    let directory = match Dir::open(path) {
        Ok(directory) => directory,
        // What is no directory is a package.
        Err(FsError::System { source, .. })
            if source.kind() == std::io::ErrorKind::NotADirectory =>
        {
            return Ok(vec![path.to_owned()]);
        }
        Err(error) => return Err(error.into()),
    };
    let mut found = BTreeSet::new();
    for id in missed {
        let place = artifact_path(id);
        if directory.kind_of(&place).ok().flatten() == Some(EntryKind::File) {
            found.insert(place);
        }
    }
    for entry in directory.entries()? {
        let name = PathBuf::from(entry.name);
        let suffix = name.extension();
        if entry.kind == EntryKind::File && suffix.is_some_and(|suffix| suffix == SUFFIX) {
            found.insert(name);
        }
    }
    Ok(found.into_iter().map(|name| path.join(name)).collect())
}

fn hash(file: &File, path: &Path, context: &Context<'_>) -> Result<PackageId, CatalogError> {
    let length = regular_length(file, path)?;
    context.progress.begin("look for missing packages", length);
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; PIECE];
    let mut offset = 0_u64;
    while offset < length {
        if context.progress.cancelled() {
            return Err(CatalogError::Cancelled);
        }
        let left = usize::try_from(length.saturating_sub(offset)).unwrap_or(PIECE);
        let piece = buffer.get_mut(..left.min(PIECE)).unwrap_or_default();
        file.read_exact_at(piece, offset)
            .map_err(FsError::system("read", path))?;
        hasher.update(piece);
        let count = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        context.progress.advance(count);
        offset = offset.saturating_add(count);
    }
    Ok(PackageId::new(hasher.finish()))
}
