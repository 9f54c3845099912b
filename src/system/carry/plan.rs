//! Which paths of the old system come over, outside of what is merged: a pure decision.

use std::collections::BTreeSet;

use super::survey::{Found, Survey, is_in_volatile};
use crate::fsio::{NodeKind, Status};
use crate::payload::{EntryPath, FileEntry, FileKind, FileTable, in_blocks};
use crate::system::Lists;

/// Symbolic links that are shorter are kept in the inode.
const SHORT_LINK: u64 = 60;

/// What happens to the new environment besides the merge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Plan {
    /// Taken from the old environment as it is, whatever the image has there; in the order of a walk.
    pub(super) kept: Vec<EntryPath>,
    /// Of those, what the image has as well: it was skipped.
    pub(super) skipped: BTreeSet<EntryPath>,
    /// Removed from the new environment: skipped, and not in the old one.
    pub(super) absent: Vec<EntryPath>,
    /// Left behind because the new system has no use for it.
    pub(super) obsolete: Vec<EntryPath>,
    /// Left behind because the image has something else in the place of a directory above it.
    pub(super) displaced: Vec<EntryPath>,
    /// Bytes of content that are kept.
    pub(super) bytes: u64,
    /// The room that this takes.
    pub(super) room: Room,
}

/// Room on a disk, in bytes of whole blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Room {
    /// Contents of files, without holes; none of it where copies share blocks with their originals.
    pub(super) contents: u64,
    /// Directories, and links that are too long for their inodes.
    pub(super) names: u64,
}

/// The facts that a plan rests on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// The old environment.
    pub(super) old: &'a Survey,
    /// The new image.
    pub(super) image: &'a FileTable,
    /// The old image, if it is known and was not made from the old environment.
    pub(super) previous: Option<&'a FileTable>,
    /// What looks as the old image had it, and is not.
    pub(super) altered: &'a BTreeSet<EntryPath>,
    pub(super) lists: &'a Lists,
    /// The directories that are merged instead.
    pub(super) merged: &'a [EntryPath],
}

/// Decides for every path of the old environment and of the image.
pub(super) fn plan(facts: Facts<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut wanted: BTreeSet<&EntryPath> = BTreeSet::new();
    for (path, found) in facts.old {
        if facts.is_wanted(path, found) {
            wanted.insert(path);
        }
    }
    plan.obsolete = facts.obsolete(&wanted);
    plan.displaced = facts.displaced(&mut wanted);
    facts.add_parents(&mut wanted);
    let in_image = |path: &EntryPath| facts.image.find(path.as_bytes()).is_some();
    let mut seen = BTreeSet::new();
    for path in wanted {
        if let Some(found) = facts.old.get(path) {
            plan.room.add(&found.status, &mut seen);
            let is_file = found.status.kind == NodeKind::File;
            plan.bytes += if is_file { found.status.size } else { 0 };
        }
        if in_image(path) {
            plan.skipped.insert(path.clone());
        }
        plan.kept.push(path.clone());
    }
    let entries = facts.image.entries().iter();
    let gone = entries.filter(|entry| {
        let path = entry.path.as_bytes();
        // Nobody looked what the old environment has in there.
        facts.lists.skip.matches(path)
            && !facts.old.contains_key(&entry.path)
            && !is_in_volatile(path)
    });
    plan.absent = gone.map(|entry| entry.path.clone()).collect();
    plan
}

impl Room {
    /// Adds one path; a file that has several names is counted once.
    fn add(&mut self, status: &Status, seen: &mut BTreeSet<((u32, u32), u64)>) {
        let is_new = status.links < 2 || seen.insert((status.device, status.inode));
        match status.kind {
            NodeKind::File if is_new => {
                let length = in_blocks(status.size).min(in_blocks(status.allocated));
                self.contents = self.contents.saturating_add(length);
            }
            NodeKind::Directory => self.names = self.names.saturating_add(in_blocks(1)),
            NodeKind::SymbolicLink if status.size >= SHORT_LINK => {
                self.names = self.names.saturating_add(in_blocks(status.size));
            }
            _ => {}
        }
    }
}

impl Facts<'_> {
    /// Whether something of the old environment comes over for its own sake.
    fn is_wanted(&self, path: &EntryPath, found: &Found) -> bool {
        if self.lists.skip.matches(path.as_bytes()) {
            return true;
        }
        let here = self.image.find(path.as_bytes()).is_some();
        !here && !self.is_merged(path) && !self.is_obsolete(path, found)
    }

    fn is_merged(&self, path: &EntryPath) -> bool {
        let mut merged = self.merged.iter();
        merged.any(|directory| path.is_within(directory.as_bytes()))
    }

    /// Listed, or of the old image and just as it was installed.
    fn is_obsolete(&self, path: &EntryPath, found: &Found) -> bool {
        let listed = &self.lists.obsolete;
        let listed = if found.status.kind == NodeKind::Directory {
            listed.directories().contains(path)
        } else {
            listed.files().contains(path)
        };
        let before = || {
            let number = self.previous?.find(path.as_bytes())?;
            self.previous?.entries().get(number)
        };
        let untouched = || before().is_some_and(|entry| self.is_untouched(entry, found));
        listed || (!self.altered.contains(path) && untouched())
    }

    fn is_untouched(&self, entry: &FileEntry, found: &Found) -> bool {
        let status = &found.status;
        let same_time = status.mtime == (entry.mtime.seconds, entry.mtime.nanoseconds);
        let device = |major, minor| status.represents == (major, minor);
        match &entry.kind {
            FileKind::Regular { size, .. } => {
                status.kind == NodeKind::File && status.size == *size && same_time
            }
            FileKind::HardLink { target } => {
                let file = self.previous.and_then(|table| {
                    let number = table.find(target.as_bytes())?;
                    table.entries().get(number)
                });
                file.is_some_and(|file| self.is_untouched(file, found))
            }
            FileKind::Directory => status.kind == NodeKind::Directory,
            FileKind::Symlink { target } => found.target.as_ref() == Some(target),
            FileKind::Fifo => status.kind == NodeKind::Fifo,
            FileKind::CharacterDevice(n) => {
                status.kind == NodeKind::CharacterDevice && device(n.major, n.minor)
            }
            FileKind::BlockDevice(n) => {
                status.kind == NodeKind::BlockDevice && device(n.major, n.minor)
            }
        }
    }

    /// What would come over if it were not obsolete; a directory only if nothing in it comes over.
    fn obsolete(&self, wanted: &BTreeSet<&EntryPath>) -> Vec<EntryPath> {
        let mut needed = BTreeSet::new();
        for path in wanted {
            for above in above(path) {
                needed.insert(above);
            }
        }
        let found = self.old.iter().filter(|(path, found)| {
            let here = self.image.find(path.as_bytes()).is_some();
            !here
                && !self.is_merged(path)
                && !wanted.contains(path)
                && !needed.contains(path.as_bytes())
                && self.is_obsolete(path, found)
        });
        found.map(|(path, _)| path.clone()).collect()
    }

    /// Takes out what has no directory to be put into, and tells what that was.
    fn displaced(&self, wanted: &mut BTreeSet<&EntryPath>) -> Vec<EntryPath> {
        let in_the_way = |path: &EntryPath| {
            above(path).any(|directory| {
                let number = self.image.find(directory);
                let entry = number.and_then(|number| self.image.entries().get(number));
                // A skipped directory of the old environment takes the place of what the image has.
                entry.is_some_and(|entry| {
                    entry.kind != FileKind::Directory && !self.lists.skip.matches(directory)
                })
            })
        };
        let mut displaced = Vec::new();
        wanted.retain(|path| {
            let fits = !in_the_way(path);
            if !fits {
                displaced.push((*path).clone());
            }
            fits
        });
        displaced
    }

    /// What is kept needs the directories above it, obsolete or not.
    fn add_parents<'a>(&'a self, wanted: &mut BTreeSet<&'a EntryPath>) {
        let mut missing = Vec::new();
        for path in &*wanted {
            for directory in above(path) {
                let there = self.image.find(directory).is_some();
                let known = EntryPath::new(directory).ok();
                let known = known.and_then(|known| self.old.get_key_value(&known));
                if let Some((known, _)) = known
                    && !there
                    && !wanted.contains(known)
                {
                    missing.push(known);
                }
            }
        }
        wanted.extend(missing);
    }
}

/// The directories above a path, nearest first.
fn above(path: &EntryPath) -> impl Iterator<Item = &[u8]> {
    let slashes = path.as_bytes().iter().enumerate().rev();
    let slashes = slashes.filter(|(_, byte)| **byte == b'/');
    slashes.filter_map(|(at, _)| path.as_bytes().get(..at))
}
