//! What comes over from one boot environment to the next one.
//!
//! Normative text: `format-spec/carrying-over.md`.
//!
//! # Threats met here
//!
//! - A list or an old environment leads out of the new root, by `..`, an absolute path or a link in the
//!   place of a directory: every name is looked up below the handle of its root, and no link is followed.
//! - Something is mounted in the old environment: it is not entered, neither to copy nor to remove.
//! - A file that is left alone has another name in the image: what is replaced gets a file of its own,
//!   so the other name keeps what the image gave it.
//! - A file is changed and given its old time: it is told by its contents, and not left behind as if the
//!   image had it so.
//! - Nobody notices that something was left behind: what could not be merged or placed is a conflict,
//!   which is listed until somebody decides.

mod altered;
mod error;
mod merged;
mod plan;
mod put;
mod survey;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use error::CarryError;
pub(in crate::system) use put::{Put, put_text, remove};
pub use survey::VOLATILE;
pub(in crate::system) use survey::join;

use super::conflicts::{Conflict, Conflicts};
use super::{EnvName, Lists, System, layout};
use crate::digest::Sha256Digest;
use crate::fsio::{Dir, NodeKind, TreeCopy};
use crate::payload::{EntryPath, FileKind, FileTable};
use crate::progress::Progress;
use altered::altered;
use plan::{Facts, Plan, plan};
use survey::survey;

/// The directories that are merged.
const MERGED: [&str; 1] = ["etc"];

/// What is to be carried where.
#[derive(Debug, Clone, Copy)]
pub struct CarryRequest<'a> {
    /// The environment that things come from; none for the first one of a system.
    pub from: Option<&'a EnvName>,
    /// The environment that is being made.
    pub to: &'a EnvName,
    /// Its root, with the image unpacked in it.
    pub root: &'a Dir,
    /// What the image holds.
    pub image: &'a FileTable,
    /// What the image of the old environment held, if it came from a vendor and its package is there:
    /// what is just as it was installed then, and not in the new image, is left behind.
    pub previous: Option<&'a FileTable>,
    /// What is left alone, and what is not needed any more.
    pub lists: &'a Lists,
}

/// What was carried over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CarryReport {
    /// Files, directories and links that were taken over as they are.
    pub kept: u64,
    /// Bytes of content in them.
    pub bytes: u64,
    /// What was left behind because the new system has no use for it.
    pub obsolete: Vec<EntryPath>,
    /// What the image has and the new environment has otherwise: the SHA-256 of a file's content or of the
    /// text of a link, or nothing where there is something else or nothing at all.
    pub changed: BTreeMap<EntryPath, Option<Sha256Digest>>,
    /// What somebody has to decide.
    pub conflicts: Vec<Conflict>,
}

/// The room that would be taken by what is carried over from an environment, in bytes, besides what is merged.
///
/// Where copies share blocks with their originals, contents take none.
pub fn bytes_to_carry(
    system: &System,
    from: &EnvName,
    image: &FileTable,
    previous: Option<&FileTable>,
    lists: &Lists,
    progress: &dyn Progress,
) -> Result<u64, CarryError> {
    let from = system.storage().open(from)?;
    let old = survey(&from, progress)?;
    let merged = merged_directories();
    let facts = Facts {
        old: &old,
        image,
        previous,
        // No contents are read for a plan; what was changed so that it does not show is next to nothing.
        altered: &BTreeSet::new(),
        lists,
        merged: &merged,
    };
    needed(&plan(facts), &from)
}

/// Carries over what belongs to the machine and not to the image.
///
/// The root must be as the image was unpacked; whoever was interrupted begins with a new one. Leftovers of
/// an earlier attempt in the system's own directories are removed first.
pub fn carry(
    system: &System,
    request: &CarryRequest<'_>,
    progress: &dyn Progress,
) -> Result<CarryReport, CarryError> {
    discard(system, request.to)?;
    keep_base(system, request, progress)?;
    let mut report = CarryReport::default();
    let mut conflicts = Conflicts::new(request.to.clone(), request.from.cloned());
    if let Some(from) = request.from {
        let old = system.storage().open(from)?;
        let merged = merged_directories();
        let found = survey(&old, progress)?;
        let (image, previous) = (request.image, request.previous);
        let plan = plan(Facts {
            old: &found,
            image,
            previous,
            altered: &altered(&old, &found, previous, image, progress)?,
            lists: request.lists,
            merged: &merged,
        });
        expect_room(&plan, &old, request.root)?;
        apply(&plan, &old, request.root, progress, &mut report)?;
        let skipped = changes(&plan, request)?;
        report.changed.extend(skipped);
        for path in &plan.displaced {
            conflicts.add_displaced(path.clone());
        }
        report.obsolete = plan.obsolete;
        for directory in &merged {
            let merge = merged::Merge {
                system,
                from,
                request,
                old: &old,
                directory,
            };
            merge.run(&mut report, &mut conflicts, progress)?;
        }
    }
    conflicts.store(system)?;
    report.conflicts = conflicts.into_list();
    request.root.sync_file_system()?;
    system.root().sync_file_system()?;
    Ok(report)
}

/// Removes what [`carry`] keeps of an environment beside it; does nothing if there is nothing.
fn discard(system: &System, name: &EnvName) -> Result<(), CarryError> {
    let root = system.root();
    let places = [layout::BASE, layout::CONFLICTS];
    for place in places {
        for name in [format!(".{name}.new"), name.as_str().to_owned()] {
            let path = Path::new(place).join(name);
            if root.kind_of(&path)?.is_some() {
                root.remove_tree(&path)?;
            }
        }
    }
    Ok(())
}

/// Where the image's own version of what is merged is kept.
pub(in crate::system) fn base_of(name: &EnvName) -> PathBuf {
    Path::new(layout::BASE).join(name.as_str())
}

fn merged_directories() -> Vec<EntryPath> {
    let names = MERGED.iter();
    names
        .filter_map(|name| EntryPath::new(name.as_bytes()).ok())
        .collect()
}

/// Notes what the image has, before anything of it is changed.
fn keep_base(
    system: &System,
    request: &CarryRequest<'_>,
    progress: &dyn Progress,
) -> Result<(), CarryError> {
    let root = system.root();
    let new = Path::new(layout::BASE).join(format!(".{}.new", request.to));
    root.create_dir(&new, 0o700)?;
    let base = root.open_dir(&new)?;
    for directory in MERGED {
        if request.root.kind_of(directory)? != Some(crate::fsio::EntryKind::Directory) {
            continue;
        }
        base.create_dir(directory, 0o700)?;
        let copied = request
            .root
            .open_dir(directory)?
            .copy_tree(&base.open_dir(directory)?, progress)?;
        if copied.cancelled {
            return Err(CarryError::Cancelled);
        }
    }
    base.sync_file_system()?;
    root.rename_new(&new, root, base_of(request.to))?;
    root.open_dir(layout::BASE)?.sync()?;
    Ok(())
}

/// The room that a plan takes, in bytes.
fn needed(plan: &Plan, old: &Dir) -> Result<u64, CarryError> {
    Ok(if old.shares_blocks()? {
        plan.room.names
    } else {
        plan.room.names.saturating_add(plan.room.contents)
    })
}

/// Refuses what does not fit, before the first byte of it is copied: since the plan was made, there may be more.
fn expect_room(plan: &Plan, old: &Dir, new: &Dir) -> Result<(), CarryError> {
    let (needed, free) = (needed(plan, old)?, new.free_space()?);
    if needed <= free {
        return Ok(());
    }
    Err(CarryError::NoSpace { needed, free })
}

/// Does what the plan says about everything that is not merged.
fn apply(
    plan: &Plan,
    old: &Dir,
    new: &Dir,
    progress: &dyn Progress,
    report: &mut CarryReport,
) -> Result<(), CarryError> {
    progress.begin("carry over", plan.bytes);
    // What is in a directory before the directory itself.
    for path in plan.absent.iter().rev() {
        remove(new, path)?;
    }
    let touched = put::Times::before(new, plan.kept.iter().chain(&plan.absent))?;
    let mut copy = TreeCopy::new(old, new);
    for path in &plan.kept {
        if progress.cancelled() {
            return Err(CarryError::Cancelled);
        }
        let status = old.status_of(path)?;
        put::clear_way(new, path, &status)?;
        copy.name(path)?;
        if status.kind == NodeKind::File {
            progress.advance(status.size);
        }
    }
    let copied = copy.finish()?;
    touched.restore(new, &plan.kept.iter().collect())?;
    (report.kept, report.bytes) = (copied.names, plan.bytes);
    Ok(())
}

/// What the image has and skipping changed.
fn changes(
    plan: &Plan,
    request: &CarryRequest<'_>,
) -> Result<Vec<(EntryPath, Option<Sha256Digest>)>, CarryError> {
    let mut changed = Vec::new();
    let paths: BTreeSet<_> = plan.skipped.iter().chain(&plan.absent).collect();
    for path in paths {
        let number = request.image.find(path.as_bytes());
        let entry = number.and_then(|number| request.image.entries().get(number));
        let is_directory = entry.is_some_and(|entry| entry.kind == FileKind::Directory);
        let digest = merged::digest_at(request.root, path)?;
        // A directory that is there on both sides is not worth a word.
        if !(is_directory && plan.skipped.contains(path) && digest.is_none()) {
            changed.push((path.clone(), digest));
        }
    }
    Ok(changed)
}
