use std::collections::BTreeSet;

use super::survey::Survey;
use super::{CarryError, merged};
use crate::fsio::{Dir, NodeKind};
use crate::payload::{EntryPath, FileEntry, FileKind, FileTable};
use crate::progress::Progress;

/// The files of the old image that have its size and time and yet other contents.
///
/// Somebody changed them and took care that it does not show. Only what the new image does not have is read:
/// what it has replaces them anyway.
pub(super) fn altered(
    old: &Dir,
    survey: &Survey,
    previous: Option<&FileTable>,
    image: &FileTable,
    progress: &dyn Progress,
) -> Result<BTreeSet<EntryPath>, CarryError> {
    let mut altered = BTreeSet::new();
    let Some(previous) = previous else {
        return Ok(altered);
    };
    for (path, found) in survey {
        let status = &found.status;
        if status.kind != NodeKind::File || image.find(path.as_bytes()).is_some() {
            continue;
        }
        let Some(entry) = file_of(previous, path) else {
            continue;
        };
        let FileKind::Regular { size, sha256 } = &entry.kind else {
            continue;
        };
        if status.size != *size || status.mtime != (entry.mtime.seconds, entry.mtime.nanoseconds) {
            continue;
        }
        if progress.cancelled() {
            return Err(CarryError::Cancelled);
        }
        if merged::digest_at(old, path)? != Some(*sha256) {
            altered.insert(path.clone());
        }
    }
    Ok(altered)
}

/// The file that a path names, by whichever of its names it is described.
fn file_of<'a>(table: &'a FileTable, path: &EntryPath) -> Option<&'a FileEntry> {
    let entry = |path: &EntryPath| {
        let number = table.find(path.as_bytes())?;
        table.entries().get(number)
    };
    match &entry(path)?.kind {
        FileKind::HardLink { target } => entry(target),
        _ => entry(path),
    }
}
