use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;

use super::CatalogError;
use super::layout::{FILE_MODE, QUARANTINE};
use super::staging::new_directory;
use crate::fsio::{Dir, FsError, sync};

/// Name of the file that says why something is in quarantine.
const REASON: &str = "reason.json";
/// Name of what is in quarantine, unless it is a package.
const CONTENT: &str = "content";

/// Why something was taken out of use.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct Reason<'a> {
    /// Version of this structure.
    pub(super) schema: u32,
    /// When.
    pub(super) time: Timestamp,
    /// Where it was, below the catalog's directory.
    pub(super) from: &'a Path,
    /// Stable code of what is wrong with it.
    pub(super) code: &'a str,
    /// One sentence about that.
    pub(super) detail: &'a str,
    /// What to do about it.
    pub(super) hint: &'a str,
}

/// Moves a file of the catalog's directory into quarantine, its reason first; on disk when this returns.
pub(super) fn set_aside(root: &Dir, name: &str, reason: &Reason<'_>) -> Result<(), CatalogError> {
    let quarantine = root.open_dir(QUARANTINE)?;
    let place = quarantine.open_dir(new_directory(&quarantine)?)?;
    let path = place.path().join(REASON);
    let mut file = place.create_file(REASON, FILE_MODE)?;
    let text = serde_json::to_vec_pretty(reason).unwrap_or_default();
    file.write_all(&text)
        .map_err(FsError::system("write to", &path))?;
    sync(&file, &path)?;
    place.sync()?;
    quarantine.sync()?;
    root.rename_new(name, &place, CONTENT)?;
    place.sync()?;
    Ok(root.sync()?)
}
