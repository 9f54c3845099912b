use std::path::Path;

use super::{FILE_MODE, System, ensure_dir};
use crate::fsio::{Dir, EntryKind, read_bounded};
use crate::system::layout::{self, DIRECTORIES, ENVIRONMENTS, LOADER, STATE, TRUST};
use crate::system::loader::Loader;
use crate::system::{State, StorageKind, SystemError, TargetId, json};
use crate::trust::TrustPaths;

/// Most bytes of a file of certificates, of a revocation list or of the identities.
const MAX_TRUST_FILE: u64 = 64 << 20;

impl System {
    /// As [`System::bootstrap_with_trust`], for a system that trusts what the host does.
    pub fn bootstrap(
        root: &Path,
        storage: Option<StorageKind>,
        target: TargetId,
    ) -> Result<Self, SystemError> {
        Self::bootstrap_with_trust(root, storage, target, None)
    }

    /// Makes a system of an empty directory, or of one that does not exist, and opens it.
    ///
    /// Its state is written last: until then it is an empty directory with a few names in it, and the next
    /// attempt goes on. What is trusted elsewhere is copied into it first, if it is given and the directory
    /// has nothing of the kind.
    pub fn bootstrap_with_trust(
        root: &Path,
        storage: Option<StorageKind>,
        target: TargetId,
        trust: Option<&TrustPaths>,
    ) -> Result<Self, SystemError> {
        let dir = Dir::open_or_create(root, 0o755)?;
        dir.expect_private()?;
        expect_empty(&dir)?;
        for (name, mode) in DIRECTORIES {
            ensure_dir(&dir, name, mode)?;
        }
        drop(Loader::open_or_create(dir.open_dir(LOADER)?)?);
        let environments = dir.open_dir(ENVIRONMENTS)?;
        let best = StorageKind::best_for(&environments)?;
        let kind = storage.unwrap_or(best);
        if kind == StorageKind::Btrfs && best != kind {
            return Err(SystemError::NotBtrfs {
                path: environments.path().to_owned(),
            });
        }
        if let Some(trust) = trust {
            adopt_trust(&dir, trust)?;
        }
        json::write(&dir, STATE, &State::new(target, kind), FILE_MODE)?;
        Self::open(root)
    }
}

/// Copies what is trusted, and gives it its name when all of it is there.
fn adopt_trust(root: &Dir, trust: &TrustPaths) -> Result<(), SystemError> {
    if root.kind_of(TRUST)?.is_some() {
        return Ok(());
    }
    let temporary = format!(".{TRUST}.new");
    if root.kind_of(&temporary)?.is_some() {
        root.remove_tree(&temporary)?;
    }
    root.create_dir(&temporary, 0o755)?;
    let copy = root.open_dir(&temporary)?;
    let identities = read_bounded(&trust.identities, MAX_TRUST_FILE)?;
    copy.replace_file("identities.toml", &identities, 0o644)?;
    let directories = [
        ("certs", Some(&trust.certs)),
        ("tsa-certs", trust.tsa_certs.as_ref()),
        ("crls", trust.crls.as_ref()),
    ];
    for (name, from) in directories {
        let Some(from) = from else { continue };
        copy.create_dir(name, 0o755)?;
        let (from, to) = (Dir::open(from)?, copy.open_dir(name)?);
        for entry in from.entries()? {
            // Links are how many directories of certificates are made; each is a file once more.
            if entry.kind != EntryKind::Directory {
                let bytes = read_bounded(&from.path().join(&entry.name), MAX_TRUST_FILE)?;
                to.replace_file(&entry.name, &bytes, 0o644)?;
            }
        }
    }
    copy.sync_file_system()?;
    root.rename_new(&temporary, root, TRUST)?;
    Ok(root.sync()?)
}

fn expect_empty(dir: &Dir) -> Result<(), SystemError> {
    let entries = dir.entries()?.into_iter();
    let mut names = entries.map(|entry| entry.name.to_string_lossy().into_owned());
    match names.find(|name| !layout::may_be_there_before(name)) {
        None => Ok(()),
        Some(found) => Err(SystemError::NotEmpty {
            root: dir.path().to_owned(),
            found,
        }),
    }
}
