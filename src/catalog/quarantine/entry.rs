use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::CatalogError;
use crate::catalog::layout::{FILE_MODE, PACKAGE, QUARANTINE};
use crate::digest::PackageId;
use crate::fsio::{Dir, Entry, EntryKind, FsError, sync};

/// Name of the file that says why something is in quarantine.
pub(in crate::catalog) const REASON: &str = "reason.json";
/// Name of what is in quarantine, unless it may be a package.
pub(in crate::catalog) const CONTENT: &str = "content";
/// Version of the reason's form.
const SCHEMA: u32 = 1;
/// Longest reason in bytes; ours are far shorter.
const MAX_REASON: u64 = 64 << 10;

/// Why something was set aside; `format-spec/catalog.md` has the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Version of this structure.
    pub schema: u32,
    /// When.
    pub time: Timestamp,
    /// Where it was, below the catalog's directory; what is no text is replaced.
    pub from: String,
    /// The artifact whose place it had.
    #[serde(default)]
    pub id: Option<PackageId>,
    /// Stable code of what is wrong with it.
    pub code: String,
    /// One sentence about that.
    pub detail: String,
    /// What to do about it.
    #[serde(default)]
    pub hint: Option<String>,
}

/// What the directory of the quarantine holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::catalog) struct Entries {
    /// Entries that may hold a package.
    pub(in crate::catalog) with_package: Vec<String>,
    /// Entries that hold something else.
    pub(in crate::catalog) others: Vec<String>,
    /// Entries that hold nothing, or nothing but a reason.
    pub(in crate::catalog) empty: Vec<String>,
    /// A number that no entry has yet.
    pub(in crate::catalog) next: u64,
}

impl Reason {
    /// The reason for what was at `from`, below the catalog's directory.
    pub(in crate::catalog) fn new(
        time: Timestamp,
        from: &Path,
        id: Option<PackageId>,
        code: &str,
        detail: &str,
    ) -> Self {
        Self {
            schema: SCHEMA,
            time,
            from: from.to_string_lossy().into_owned(),
            id,
            code: code.to_owned(),
            detail: detail.to_owned(),
            hint: None,
        }
    }

    /// The same with advice.
    pub(in crate::catalog) fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// Lists the entries of the quarantine of the catalog directory `root`.
///
/// What is no directory with a name of its own was put there by somebody else and is not listed.
pub(in crate::catalog) fn entries(root: &Dir) -> Result<Entries, CatalogError> {
    let mut entries = Entries {
        next: 1,
        ..Entries::default()
    };
    if root.kind_of(QUARANTINE)?.is_none() {
        return Ok(entries);
    }
    let quarantine = root.open_dir(QUARANTINE)?;
    for found in quarantine.entries()? {
        let Some(name) = found.name.to_str() else {
            continue;
        };
        if let Ok(number) = name.parse::<u64>() {
            entries.next = entries.next.max(number.saturating_add(1));
        }
        if found.kind != EntryKind::Directory {
            continue;
        }
        let names = quarantine.open_dir(name)?.entries()?;
        let is = |wanted: &str| names.iter().any(|entry| entry.name == wanted);
        let kind = if is(PACKAGE) {
            &mut entries.with_package
        } else if names.iter().all(is_reason) {
            &mut entries.empty
        } else {
            &mut entries.others
        };
        kind.push(name.to_owned());
    }
    Ok(entries)
}

/// Where an entry's package is, below the catalog's directory.
pub(in crate::catalog) fn package_path(entry: &str) -> PathBuf {
    entry_path(entry).join(PACKAGE)
}

/// Where an entry is, below the catalog's directory.
pub(in crate::catalog) fn entry_path(entry: &str) -> PathBuf {
    Path::new(QUARANTINE).join(entry)
}

/// Reads an entry's reason; `None` if there is none that can be read.
pub(in crate::catalog) fn reason(root: &Dir, entry: &str) -> Option<Reason> {
    let text = root.read_bounded(entry_path(entry).join(REASON), MAX_REASON);
    serde_json::from_slice(&text.ok()?).ok()
}

/// Makes a new entry with its reason, on disk when this returns.
pub(in crate::catalog) fn create(
    root: &Dir,
    entry: &str,
    reason: &Reason,
) -> Result<Dir, CatalogError> {
    let quarantine = root.open_dir(QUARANTINE)?;
    quarantine.create_dir(entry, 0o700)?;
    let place = quarantine.open_dir(entry)?;
    let path = place.path().join(REASON);
    let mut file = place.create_file(REASON, FILE_MODE)?;
    let mut text = serde_json::to_vec_pretty(reason).unwrap_or_default();
    text.push(b'\n');
    file.write_all(&text)
        .map_err(FsError::system("write to", &path))?;
    sync(&file, &path)?;
    place.sync()?;
    quarantine.sync()?;
    Ok(place)
}

/// Moves `from`, below the catalog's directory, into a new entry; on disk when this returns.
///
/// The reason is there before the content, so that an entry without content is one that never came to
/// be, or whose content has gone back.
pub(in crate::catalog) fn set_aside(
    root: &Dir,
    from: &Path,
    entry: &str,
    content: &str,
    reason: &Reason,
) -> Result<(), CatalogError> {
    let place = create(root, entry, reason)?;
    if let Err(error) = root.rename_new(from, &place, content) {
        drop_empty(root, entry).unwrap_or_default();
        return Err(error.into());
    }
    place.sync()?;
    let parent = from
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    match parent {
        Some(parent) => root.open_dir(parent)?.sync()?,
        None => root.sync()?,
    }
    Ok(())
}

/// Removes an entry that holds nothing but its reason; one with content stays and is an error.
pub(in crate::catalog) fn drop_empty(root: &Dir, entry: &str) -> Result<(), CatalogError> {
    let quarantine = root.open_dir(QUARANTINE)?;
    let place = quarantine.open_dir(entry)?;
    let names = place.entries()?;
    if names.iter().all(is_reason) {
        for found in names {
            place.remove_file(&found.name)?;
        }
    }
    quarantine.remove_dir(entry)?;
    Ok(quarantine.sync()?)
}

fn is_reason(entry: &Entry) -> bool {
    entry.name == REASON && entry.kind == EntryKind::File
}
