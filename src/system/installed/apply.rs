use std::path::Path;

use super::finding::Present;
use super::{Action, Expected, FixPlan, InstalledError, Step, WORK};
use crate::fsio::{Dir, set_file_attributes, sync};
use crate::payload::{FileEntry, FileKind, Members, expect_space};
use crate::progress::Progress;

/// Name of what is being made.
const NEW: &str = "new";

/// Nobody else may look at what is not finished.
const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// Does what `plan` says below `root`, and tells each step when it is done; gives how many there were.
///
/// Contents come from `members`, the payload that the table is of. Each file is made aside, synced and
/// renamed to its name, so that an interruption leaves the old one or the new one. There is room for all
/// that will be written, or nothing is begun.
pub fn apply(
    root: &Dir,
    expected: &Expected<'_>,
    members: &mut Members<'_>,
    plan: &FixPlan,
    progress: &dyn Progress,
    told: &mut dyn FnMut(&Step),
) -> Result<u64, InstalledError> {
    if plan.steps.is_empty() {
        return Ok(0);
    }
    expect_space(root, plan.bytes)?;
    progress.begin("repair", plan.bytes);
    clear(root)?;
    root.create_dir(WORK, PRIVATE_DIRECTORY)?;
    let fixer = Fixer {
        root,
        work: root.open_dir_within(WORK)?,
        expected,
        progress,
    };
    let mut done = 0;
    for step in &plan.steps {
        if progress.cancelled() {
            return Err(InstalledError::Cancelled);
        }
        fixer.step(step, members)?;
        done += 1;
        told(step);
    }
    // Attributes and removals are in no file that was synced.
    root.sync_file_system()?;
    clear(root)?;
    root.sync()?;
    Ok(done)
}

/// Removes what is being made, of this repair or of one before.
fn clear(root: &Dir) -> Result<(), InstalledError> {
    match root.remove_tree(WORK) {
        Err(error) if error.is_not_found() => Ok(()),
        result => Ok(result?),
    }
}

struct Fixer<'a> {
    root: &'a Dir,
    work: Dir,
    expected: &'a Expected<'a>,
    progress: &'a dyn Progress,
}

impl Fixer<'_> {
    fn step(&self, step: &Step, members: &mut Members<'_>) -> Result<(), InstalledError> {
        let number = step.number.unwrap_or(usize::MAX);
        let entry = self.expected.table.entries().get(number);
        match (step.action, entry) {
            (Action::Remove, _) => self.remove(step),
            (Action::MakeDirectory, Some(entry)) => self.make_directory(step, entry),
            (Action::WriteFile, Some(entry)) => self.write_file(number, step, entry, members),
            (Action::MakeLink | Action::MakeNode | Action::LinkFile, Some(entry)) => {
                self.make(step, entry)
            }
            (Action::SetAttributes, Some(entry)) => self.set_attributes(step, entry),
            // What was left was removed before anything was begun.
            (Action::Clear, _) | (_, None) => Ok(()),
        }
    }

    fn write_file(
        &self,
        number: usize,
        step: &Step,
        entry: &FileEntry,
        members: &mut Members<'_>,
    ) -> Result<(), InstalledError> {
        let path = entry.path.as_path();
        let file = self.work.create_file(NEW, PRIVATE_FILE)?;
        members.write(number, &file, path, self.progress)?;
        let xattrs = self.expected.restored.xattrs(entry);
        let attributes = self.expected.restored.attributes(entry, &xattrs);
        set_file_attributes(&file, path, &attributes)?;
        sync(&file, path)?;
        self.put(step, entry)
    }

    /// Makes what has no contents.
    fn make(&self, step: &Step, entry: &FileEntry) -> Result<(), InstalledError> {
        let xattrs = self.expected.restored.xattrs(entry);
        let attributes = self.expected.restored.attributes(entry, &xattrs);
        match &entry.kind {
            FileKind::Symlink { target } => {
                self.work.create_symlink(target, NEW)?;
                self.work.set_link_attributes(NEW, &attributes)?;
            }
            FileKind::HardLink { target } => {
                self.root
                    .create_hard_link(target, Path::new(WORK).join(NEW))?;
            }
            FileKind::Fifo => {
                self.work.create_fifo(NEW, PRIVATE_FILE)?;
                self.work.set_attributes(NEW, &attributes)?;
            }
            FileKind::CharacterDevice(number) | FileKind::BlockDevice(number) => {
                let block = matches!(entry.kind, FileKind::BlockDevice(_));
                let number = (number.major, number.minor);
                self.work.create_device(NEW, block, PRIVATE_FILE, number)?;
                self.work.set_attributes(NEW, &attributes)?;
            }
            FileKind::Regular { .. } | FileKind::Directory => return Ok(()),
        }
        self.put(step, entry)
    }

    /// Gives what was made its name, in place of what has it now.
    fn put(&self, step: &Step, entry: &FileEntry) -> Result<(), InstalledError> {
        if let Present::Directory { .. } = step.present {
            // Empty when it was looked at; if it is no more, this fails and nothing is lost.
            self.root.remove_dir(&entry.path)?;
        }
        self.work.rename(NEW, self.root, &entry.path)?;
        // Two names of one file are left as they are by a rename.
        match self.work.remove_file(NEW) {
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => {}
        }
        self.sync_parent(entry)
    }

    fn make_directory(&self, step: &Step, entry: &FileEntry) -> Result<(), InstalledError> {
        if step.present != Present::Nothing {
            self.root.remove_file(&entry.path)?;
        }
        self.root.create_dir(&entry.path, PRIVATE_DIRECTORY)?;
        self.sync_parent(entry)
    }

    fn set_attributes(&self, step: &Step, entry: &FileEntry) -> Result<(), InstalledError> {
        let xattrs = self.expected.restored.xattrs(entry);
        let mut attributes = self.expected.restored.attributes(entry, &xattrs);
        for name in &step.surplus {
            self.root.remove_xattr(&entry.path, name)?;
        }
        match entry.kind {
            FileKind::Symlink { .. } => self.root.set_link_attributes(&entry.path, &attributes)?,
            FileKind::Regular { .. } => self.root.set_attributes(&entry.path, &attributes)?,
            _ => {
                // Of what has no contents the time is not compared either.
                attributes.mtime = None;
                self.root.set_attributes(&entry.path, &attributes)?;
            }
        }
        Ok(())
    }

    fn remove(&self, step: &Step) -> Result<(), InstalledError> {
        let removed = match step.present {
            Present::Directory { .. } => self.root.remove_dir(&step.path),
            _ => self.root.remove_file(&step.path),
        };
        match removed {
            // As good as removed.
            Err(error) if error.is_not_found() => Ok(()),
            result => Ok(result?),
        }
    }

    fn sync_parent(&self, entry: &FileEntry) -> Result<(), InstalledError> {
        match entry.path.as_path().parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                Ok(self.root.open_dir_within(parent)?.sync()?)
            }
            _ => Ok(self.root.sync()?),
        }
    }
}
