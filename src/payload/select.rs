//! Which entries are unpacked, under which names, and which frames hold them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::entry::FileKind;
use super::stream;
use super::{EntryPath, FileTable, PayloadError, PayloadIndex};

/// What is to be done with each entry of a table.
#[derive(Debug)]
pub(super) struct Selection {
    /// For each entry whether it is wanted under its own name.
    wanted: Vec<bool>,
    /// Regular files that are written under another name: that of their first wanted hard link.
    renamed: BTreeMap<usize, EntryPath>,
    /// For each wanted hard link the name of the file it links to; none if it became the file.
    links: BTreeMap<usize, Option<EntryPath>>,
    whole: bool,
}

impl Selection {
    /// Everything.
    pub(super) fn whole(table: &FileTable) -> Self {
        let mut selection = Self {
            wanted: vec![true; table.entries().len()],
            renamed: BTreeMap::new(),
            links: BTreeMap::new(),
            whole: true,
        };
        selection.settle_links(table);
        selection
    }

    /// The entries at `paths`, what is below them, and the directories above them.
    ///
    /// A hard link to a file that is not among them becomes a copy of that file.
    pub(super) fn only(table: &FileTable, paths: &[PathBuf]) -> Result<Self, PayloadError> {
        let mut wanted = vec![false; table.entries().len()];
        for path in paths {
            let missing = || PayloadError::NotFound { path: path.clone() };
            let bytes = path.as_os_str().as_bytes();
            let number = table.find(bytes).ok_or_else(missing)?;
            // What is below an entry stands right behind it.
            let behind = table.entries().iter().zip(&mut wanted).skip(number);
            for (_, wanted) in behind.take_while(|(entry, _)| entry.path.is_within(bytes)) {
                *wanted = true;
            }
            let mut above = table.entries().get(number).and_then(|e| e.path.parent());
            while let Some(number) = above.and_then(|parent| table.find(parent)) {
                if let Some(wanted) = wanted.get_mut(number) {
                    *wanted = true;
                }
                above = table.entries().get(number).and_then(|e| e.path.parent());
            }
        }
        let mut selection = Self {
            wanted,
            renamed: BTreeMap::new(),
            links: BTreeMap::new(),
            whole: false,
        };
        selection.settle_links(table);
        Ok(selection)
    }

    /// Whether entry `number` is wanted under its own name.
    pub(super) fn wants(&self, number: usize) -> bool {
        self.wanted.get(number).copied().unwrap_or(false)
    }

    /// The name that the contents of regular file `number` are written to, if they are needed.
    pub(super) fn name<'a>(&'a self, table: &'a FileTable, number: usize) -> Option<&'a EntryPath> {
        if self.wants(number) {
            table.entries().get(number).map(|entry| &entry.path)
        } else {
            self.renamed.get(&number)
        }
    }

    /// The file that hard link `number` is to link to; none if it has become that file itself.
    pub(super) fn link_target(&self, number: usize) -> Option<&EntryPath> {
        self.links.get(&number).and_then(Option::as_ref)
    }

    /// Whether nothing is left out, so that every byte of the payload is read.
    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// The numbers of the frames that hold wanted contents, ascending.
    ///
    /// Directories and links are made from the table alone.
    pub(super) fn frames(&self, table: &FileTable, index: &PayloadIndex) -> Vec<usize> {
        if self.whole {
            return (0..index.frames().len()).collect();
        }
        let mut ends = Vec::with_capacity(index.frames().len());
        let mut end = 0;
        for frame in index.frames() {
            end += u64::from(frame.plain_size);
            ends.push(end);
        }
        let mut frames = BTreeSet::new();
        for (number, entry) in table.entries().iter().enumerate() {
            let is_file = matches!(entry.kind, FileKind::Regular { .. });
            if is_file && self.name(table, number).is_some() {
                let unit = stream::unit(table, number);
                let first = ends.partition_point(|end| *end <= unit.start);
                let last = ends.partition_point(|end| *end < unit.end);
                frames.extend(first..=last);
            }
        }
        frames.into_iter().collect()
    }

    fn settle_links(&mut self, table: &FileTable) {
        for (number, entry) in table.entries().iter().enumerate() {
            let FileKind::HardLink { target } = &entry.kind else {
                continue;
            };
            let Some(file) = table.find(target.as_bytes()) else {
                continue;
            };
            if !self.wants(number) {
                continue;
            }
            let name = if self.wants(file) {
                Some(target.clone())
            } else {
                self.renamed.get(&file).cloned()
            };
            if name.is_none() {
                self.renamed.insert(file, entry.path.clone());
            }
            self.links.insert(number, name);
        }
    }
}
