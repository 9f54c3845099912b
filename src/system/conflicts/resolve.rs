use std::path::Path;

use super::Conflicts;
use crate::digest::Sha256Digest;
use crate::fsio::{Dir, TreeCopy};
use crate::payload::EntryPath;
use crate::system::carry::{Put, base_of, put_text, remove};
use crate::system::merge::{Content, Rights, marker, read_node};
use crate::system::{CarryError, EnvName, System};

/// What somebody decided about a conflict.
#[derive(Debug, Clone, Copy)]
pub enum Choice<'a> {
    /// It stays as it is in the environment.
    Ours,
    /// It becomes what the image has, or goes where the image has nothing.
    Theirs,
    /// It becomes a file with this content, which was read from that path.
    Text {
        /// The content.
        text: &'a [u8],
        /// Where it came from, for messages.
        from: &'a Path,
    },
}

/// Decides about one conflict of an environment, and takes it off the list.
///
/// Whoever calls holds the lock of the system. Interrupted in between, the conflict is still listed and the
/// same decision can be made again.
pub fn resolve(
    system: &System,
    environment: &EnvName,
    path: &EntryPath,
    choice: Choice<'_>,
) -> Result<(), CarryError> {
    let mut conflicts = Conflicts::open(system, environment)?;
    if !conflicts
        .list()
        .iter()
        .any(|conflict| conflict.path == *path)
    {
        let (environment, path) = (Some(environment.clone()), path.clone());
        return Err(CarryError::NoConflict { environment, path });
    }
    let root = match system.storage().begun(environment)? {
        Some(root) => root,
        None => system.storage().open(environment)?,
    };
    let image = system.root().open_dir(base_of(environment))?;
    match choice {
        Choice::Ours => {}
        Choice::Theirs => take(&image, &root, path)?,
        Choice::Text { text, from } => {
            if let Some(line) = marker(text) {
                let path = from.to_owned();
                return Err(CarryError::Marker { path, line });
            }
            let rights = rights(&root, &image, path)?;
            let mtime = None;
            expect_place(&root, path)?;
            put_text(
                &root,
                path,
                Put {
                    text,
                    rights: &rights,
                    mtime,
                },
            )?;
        }
    }
    note(system, environment, &root, path)?;
    let text = conflicts.text_of(path);
    conflicts.remove(path);
    conflicts.store(system)?;
    if !conflicts.list().is_empty() && system.root().kind_of(&text)?.is_some() {
        system.root().remove_file(&text)?;
    }
    Ok(())
}

/// Puts what the image has in its place.
fn take(image: &Dir, root: &Dir, path: &EntryPath) -> Result<(), CarryError> {
    let there = match image.kind_of(path) {
        Ok(there) => there,
        Err(error) if error.is_not_below_directory() => None,
        Err(error) => return Err(error.into()),
    };
    if there.is_none() {
        return remove(root, path);
    }
    expect_place(root, path)?;
    remove(root, path)?;
    let mut copy = TreeCopy::new(image, root);
    let mut waiting = vec![path.clone()];
    while let Some(next) = waiting.pop() {
        copy.name(&next)?;
        if image.kind_of(&next)? == Some(crate::fsio::EntryKind::Directory) {
            for entry in image.open_dir(&next)?.entries()? {
                use std::os::unix::ffi::OsStrExt as _;
                waiting.push(crate::system::carry::join(
                    Some(&next),
                    entry.name.as_bytes(),
                )?);
            }
        }
    }
    copy.finish()?;
    root.sync_file_system()?;
    Ok(())
}

/// Refuses what has no directory to be put into.
fn expect_place(root: &Dir, path: &EntryPath) -> Result<(), CarryError> {
    let Some(parent) = path.parent().and_then(|parent| EntryPath::new(parent).ok()) else {
        return Ok(());
    };
    match root.kind_of(&parent) {
        Ok(Some(crate::fsio::EntryKind::Directory)) => Ok(()),
        Err(error) if !error.is_not_below_directory() => Err(error.into()),
        _ => Err(CarryError::NoPlace { path: path.clone() }),
    }
}

/// Who may do what with the new file: as with the one that is there, else as with the image's.
fn rights(root: &Dir, image: &Dir, path: &EntryPath) -> Result<Rights, CarryError> {
    for root in [root, image] {
        let there = root.kind_of(path);
        if !matches!(there, Ok(Some(crate::fsio::EntryKind::File))) {
            continue;
        }
        if let Some(node) = read_node(root, path)? {
            return Ok(node.rights);
        }
    }
    let (mode, uid, gid) = (0o600, 0, 0);
    let xattrs = Vec::new();
    Ok(Rights {
        mode,
        uid,
        gid,
        xattrs,
    })
}

/// Tells the record of the environment what is there now.
fn note(
    system: &System,
    environment: &EnvName,
    root: &Dir,
    path: &EntryPath,
) -> Result<(), CarryError> {
    let Some(mut record) = system.record(environment)? else {
        return Ok(());
    };
    let there = root.kind_of(path);
    let node = match there {
        Ok(Some(_)) => read_node(root, path)?,
        _ => None,
    };
    let digest = node.and_then(|node| match node.content {
        Content::File { sha256, .. } => Some(sha256),
        Content::Link(target) => {
            use std::os::unix::ffi::OsStrExt as _;
            Some(Sha256Digest::of(target.as_bytes()))
        }
        Content::Directory | Content::Special(..) => None,
    });
    record.carried.insert(path.clone(), digest);
    Ok(system.store_record(&record)?)
}
