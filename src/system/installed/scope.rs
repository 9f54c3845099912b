use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{FixPlan, InstalledError, Local};
use crate::payload::{EntryPath, FileKind, FileTable};

/// Which entries of a table are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Their numbers, ascending.
    pub(super) numbers: Vec<usize>,
    /// Whether something was left out.
    pub(super) filtered: bool,
}

impl Scope {
    /// All.
    pub fn whole(table: &FileTable) -> Self {
        Self {
            numbers: (0..table.entries().len()).collect(),
            filtered: false,
        }
    }

    /// What is at `paths` and below them; all if there are none.
    ///
    /// A path is one of the system, from its root, with or without the slash in front. All names of one file
    /// go together. A path that is not in the table is refused: nobody should take silence for soundness.
    pub fn only(table: &FileTable, paths: &[PathBuf]) -> Result<Self, InstalledError> {
        if paths.is_empty() {
            return Ok(Self::whole(table));
        }
        let mut numbers = BTreeSet::new();
        for given in paths {
            let Some(path) = entry_path(given)? else {
                numbers.extend(0..table.entries().len());
                continue;
            };
            let Some(number) = table.find(path.as_bytes()) else {
                let path = given.clone();
                return Err(InstalledError::NotInImage { path });
            };
            // What is below an entry stands right behind it.
            let behind = table.entries().iter().enumerate().skip(number);
            let within = behind.take_while(|(_, entry)| entry.path.is_within(path.as_bytes()));
            numbers.extend(within.map(|(number, _)| number));
        }
        add_other_names(table, &mut numbers);
        Ok(Self {
            numbers: numbers.into_iter().collect(),
            filtered: true,
        })
    }

    /// What `plan` was about, to be looked at again after it.
    pub fn of(plan: &FixPlan) -> Self {
        let numbers: BTreeSet<usize> = plan.steps.iter().filter_map(|step| step.number).collect();
        Self {
            numbers: numbers.into_iter().collect(),
            filtered: true,
        }
    }
}

/// Where files are looked for that are not in the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Extra {
    /// Nowhere.
    Nowhere,
    /// In the directories of the image that do not belong to the machine; the root is not one of them.
    #[default]
    Image,
    /// In these directories of the image and below them; without a path, everywhere.
    Below(Vec<Option<EntryPath>>),
}

impl Extra {
    /// In the directories at `paths`, named as those of [`Scope::only`] are.
    pub fn below(paths: &[PathBuf]) -> Result<Self, InstalledError> {
        let paths = paths.iter().map(|path| entry_path(path));
        Ok(Self::Below(paths.collect::<Result<_, _>>()?))
    }

    /// Whether the directory of the image at `path`, or its root, is looked through.
    pub(super) fn wants(&self, path: Option<&EntryPath>, local: &Local) -> bool {
        match (self, path) {
            (Self::Nowhere, _) | (Self::Image, None) => false,
            (Self::Image, Some(path)) => !local.covers(path),
            (Self::Below(trees), path) => trees.iter().any(|tree| match (tree, path) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(tree), Some(path)) => path.is_within(tree.as_bytes()),
            }),
        }
    }
}

/// The path of an entry as people write it; none for the root.
fn entry_path(given: &Path) -> Result<Option<EntryPath>, InstalledError> {
    let bytes = given.as_os_str().as_bytes();
    let start = bytes.iter().take_while(|byte| **byte == b'/').count();
    let bytes = bytes.get(start..).unwrap_or_default();
    let end = bytes.iter().rev().take_while(|byte| **byte == b'/').count();
    let bytes = bytes.get(..bytes.len() - end).unwrap_or_default();
    if bytes.is_empty() && start > 0 {
        return Ok(None);
    }
    EntryPath::new(bytes)
        .map(Some)
        .map_err(|source| InstalledError::Path {
            path: given.to_owned(),
            source,
        })
}

/// The numbers of the hard links to each regular file that has any.
pub(super) fn links(table: &FileTable) -> BTreeMap<usize, Vec<usize>> {
    let mut links: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, entry) in table.entries().iter().enumerate() {
        if let FileKind::HardLink { target } = &entry.kind
            && let Some(file) = table.find(target.as_bytes())
        {
            links.entry(file).or_default().push(number);
        }
    }
    links
}

/// All names of the files of which at least one name is selected.
fn add_other_names(table: &FileTable, numbers: &mut BTreeSet<usize>) {
    for (file, links) in links(table) {
        let names = || links.iter().copied().chain([file]);
        if names().any(|name| numbers.contains(&name)) {
            numbers.extend(names());
        }
    }
}
