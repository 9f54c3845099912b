//! Finds what is in the directories of an image and not in its table.

use super::InstalledError;
use super::attributes::difference;
use super::entry::{Comparer, kind_name};
use super::finding::{Aspect, Class, Finding, Present};
use crate::fsio::{Dir, EntryKind, FsError, NodeKind};
use crate::payload::EntryPath;

impl Comparer<'_> {
    /// Adds what is extra in `dir`, the directory of the image at `path` or its root.
    pub(super) fn extra(
        &self,
        path: Option<&EntryPath>,
        dir: &Dir,
        findings: &mut Vec<Finding>,
    ) -> Result<(), InstalledError> {
        for entry in dir.entries()? {
            let Some(path) = below(path, &entry.name) else {
                continue;
            };
            let is_known = self.expected.table.find(path.as_bytes()).is_some();
            // What fsck needs is nobody's; what a repair left is found by itself.
            let at_root = path.parent().is_none();
            let is_ours = entry.name == super::WORK || entry.name == "lost+found";
            if !(is_known || at_root && is_ours) {
                self.one(&path, dir, entry.kind, findings)?;
            }
        }
        Ok(())
    }

    fn one(
        &self,
        path: &EntryPath,
        dir: &Dir,
        kind: EntryKind,
        findings: &mut Vec<Finding>,
    ) -> Result<(), InstalledError> {
        if self.progress.cancelled() {
            return Err(InstalledError::Cancelled);
        }
        let name = path.as_path().file_name().unwrap_or_default().to_owned();
        let status = match dir.status_of(&name) {
            Err(error) if error.is_not_found() => return Ok(()),
            status => status?,
        };
        let mut class = if self.expected.local.carried.contains_key(path) {
            Class::Carried
        } else {
            Class::Extra
        };
        let mut aspect = (Aspect::Extra, kind_name(status.kind).to_owned());
        if status.mounted {
            class = Class::Hidden;
            aspect = (Aspect::Mounted, String::new());
        }
        findings.push(Finding {
            path: path.clone(),
            class,
            differences: vec![difference(aspect.0, String::new(), aspect.1)],
            number: None,
            present: match status.kind {
                NodeKind::Directory => Present::Directory { full: true },
                _ => Present::Other,
            },
            surplus: Vec::new(),
        });
        if kind == EntryKind::Directory && !status.mounted {
            match dir.open_dir_within(&name) {
                Ok(below) => self.extra(Some(path), &below, findings)?,
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn is_gone(error: &FsError) -> bool {
    error.is_not_found() || error.is_not_a_directory() || error.is_mount_point()
}

/// The path of `name` in the directory at `path`; none if it is deeper than any path of ours.
fn below(path: Option<&EntryPath>, name: &std::ffi::OsStr) -> Option<EntryPath> {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = match path {
        Some(path) => [path.as_bytes(), b"/", name.as_bytes()].concat(),
        None => name.as_bytes().to_vec(),
    };
    EntryPath::new(&bytes).ok()
}
