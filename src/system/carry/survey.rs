use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use super::CarryError;
use crate::fsio::{Dir, NodeKind, Status};
use crate::payload::EntryPath;
use crate::payload::limits::MAX_ENTRIES;
use crate::progress::Progress;

/// Directories whose contents are made anew whenever a system starts.
pub const VOLATILE: [&str; 5] = ["dev", "proc", "run", "sys", "tmp"];

/// Everything below a root, by path.
pub(super) type Survey = BTreeMap<EntryPath, Found>;

/// Something in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) status: Status,
    /// Where a symbolic link leads.
    pub(super) target: Option<OsString>,
}

/// Lists an environment without reading contents, and without crossing mount points.
///
/// What is in `dev`, `proc`, `run`, `sys` and `tmp` is not looked at, nor are sockets.
pub(super) fn survey(root: &Dir, progress: &dyn Progress) -> Result<Survey, CarryError> {
    let mut survey = Survey::new();
    let file_system = root.own_status()?.device;
    let mut waiting: Vec<Option<EntryPath>> = vec![None];
    while let Some(directory) = waiting.pop() {
        if progress.cancelled() {
            return Err(CarryError::Cancelled);
        }
        let opened = directory.as_ref().map(|path| root.open_dir(path));
        let opened = opened.transpose()?;
        let here = opened.as_ref().unwrap_or(root);
        for entry in here.entries()? {
            let path = join(directory.as_ref(), entry.name.as_bytes())?;
            let status = here.status_of(&entry.name)?;
            let target = match status.kind {
                NodeKind::Socket | NodeKind::Unknown => continue,
                NodeKind::SymbolicLink => Some(here.read_link(&entry.name)?),
                _ => None,
            };
            let volatile = VOLATILE
                .iter()
                .any(|name| path.as_bytes() == name.as_bytes());
            // What is mounted there belongs to somebody else.
            let inside = status.kind == NodeKind::Directory && status.device == file_system;
            if inside && !volatile {
                waiting.push(Some(path.clone()));
            }
            survey.insert(path, Found { status, target });
        }
        let found = u64::try_from(survey.len()).unwrap_or(u64::MAX);
        if found > MAX_ENTRIES {
            let limit = MAX_ENTRIES;
            return Err(CarryError::TooMany { limit, found });
        }
    }
    Ok(survey)
}

/// Whether a path lies in a directory whose contents are not looked at.
pub(super) fn is_in_volatile(path: &[u8]) -> bool {
    let mut names = path.split(|byte| *byte == b'/');
    let first = names.next().unwrap_or_default();
    let volatile = VOLATILE.iter().any(|name| name.as_bytes() == first);
    volatile && names.next().is_some()
}

/// The path of a name in a directory.
pub(in crate::system) fn join(
    directory: Option<&EntryPath>,
    name: &[u8],
) -> Result<EntryPath, CarryError> {
    let parts = directory.map(EntryPath::as_bytes).into_iter();
    let bytes = parts.chain([name]).collect::<Vec<_>>().join(&b'/');
    EntryPath::new(&bytes).map_err(|rule| CarryError::Name {
        name: String::from_utf8_lossy(&bytes).escape_debug().to_string(),
        rule,
    })
}
