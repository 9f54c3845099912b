use std::path::Path;

use crate::catalog::CatalogError;
use crate::catalog::layout::{ARTIFACTS, INCOMING, Layout, artifact_names};
use crate::digest::PackageId;
use crate::fsio::{Dir, EntryKind, FsError};

/// Removes what is under an artifact's name; the caller holds the exclusive lock and has dropped its row.
///
/// It leaves its place in one step that is on disk before the first byte goes: what a crash leaves is a
/// whole orphan or a leftover, never half an artifact.
pub(super) fn discard_artifact(layout: &Layout, id: &PackageId) -> Result<(), CatalogError> {
    let (shard_name, name) = artifact_names(id);
    let artifacts = layout.dir(ARTIFACTS)?;
    let shard = match artifacts.open_dir(&shard_name) {
        Ok(shard) => shard,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if shard.kind_of(&name)?.is_some() {
        let incoming = layout.dir(INCOMING)?;
        let trash = move_away(&shard, &name, &incoming)?;
        shard.sync()?;
        incoming.sync()?;
        discard(&incoming, &trash)?;
    }
    discard_empty(&artifacts, &shard_name)
}

/// Removes `name` from `directory`, whatever it is.
pub(super) fn discard(directory: &Dir, name: impl AsRef<Path>) -> Result<(), CatalogError> {
    match directory.kind_of(&name)? {
        None => {}
        Some(EntryKind::Directory) => directory.remove_tree(&name)?,
        Some(_) => directory.remove_file(&name)?,
    }
    Ok(directory.sync()?)
}

/// Removes a directory if nothing is in it.
pub(super) fn discard_empty(parent: &Dir, name: &str) -> Result<(), CatalogError> {
    match parent.remove_dir(name) {
        Err(error) if !is_in_use(&error) && !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}

fn is_in_use(error: &FsError) -> bool {
    matches!(error, FsError::System { source, .. }
        if source.kind() == std::io::ErrorKind::DirectoryNotEmpty)
}

/// Gives `name` a name in `incoming` that nothing else has.
fn move_away(shard: &Dir, name: &str, incoming: &Dir) -> Result<String, CatalogError> {
    let process = std::process::id();
    let mut count = 0_u32;
    loop {
        let trash = format!("trash-{process}-{count}");
        match shard.rename_new(name, incoming, &trash) {
            Ok(()) => return Ok(trash),
            Err(error) if error.is_exists() && count < u32::MAX => count += 1,
            Err(error) => return Err(error.into()),
        }
    }
}
