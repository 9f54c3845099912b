//! Upgrades under torture: whatever happens to them, the old system or the new one boots, and all of it.
//!
//! A black box, as for the catalog: the real program runs, and the files that it leaves are compared with
//! those of a run that nobody disturbed.

mod boot;
mod fault;
mod images;
mod invariants;
mod kill;
mod power;
mod prepared;
mod selection;
mod site;
mod state;
mod subjects;
mod tree;

use std::path::Path;

use super::mount::{Kind, Mounted};
use super::points::Row;
use super::{Torture, place};
use crate::shell::{self, Outcome};
pub use boot::missing as no_starts;
use prepared::Prepared;
use subjects::{SUBJECTS, Subject};

/// Tortures every command that changes a system and was asked for.
pub fn run(torture: &Torture, power: bool) -> Outcome<Vec<Row>> {
    let wanted = |subject: &&Subject| {
        torture.options.wants_command(subject.name) && (subject.central || !torture.options.short)
    };
    let subjects: Vec<&Subject> = SUBJECTS.iter().filter(wanted).collect();
    let packages = torture.scratch.join("images");
    if !subjects.is_empty() {
        std::fs::create_dir_all(&packages)?;
        images::create(&torture.world, &packages)?;
    }
    let mut rows = Vec::new();
    for subject in subjects {
        rows.extend(
            torture_command(torture, subject, &packages, power).unwrap_or_else(|error| {
                println!("BROKEN {}: {error}", subject.name);
                vec![Row::failed("command", subject.name)]
            }),
        );
    }
    Ok(rows)
}

/// Whether environments can be subvolumes here.
fn subvolumes() -> bool {
    Mounted::missing().is_none() && shell::installed("mkfs.btrfs")
}

/// The kill sweep once more, where environments are subvolumes.
fn on_subvolumes(torture: &Torture, subject: &Subject, packages: &Path) -> Outcome<Row> {
    let directory = torture.scratch.join("disk");
    place::remove(&directory)?;
    std::fs::create_dir(&directory)?;
    let disk = Mounted::create(Kind::Btrfs, &directory)?;
    let root = disk.at().join("prepared");
    std::fs::create_dir(&root)?;
    let prepared = Prepared::new(subject, &torture.world.trust(), packages, &root)?;
    kill::run(
        torture,
        &prepared,
        &format!("{} (btrfs)", subject.name),
        disk.at(),
    )
}

/// All that is done to one command.
fn torture_command(
    torture: &Torture,
    subject: &Subject,
    packages: &Path,
    power: bool,
) -> Outcome<Vec<Row>> {
    let root = torture.scratch.join("prepared");
    place::remove(&root)?;
    std::fs::create_dir(&root)?;
    let prepared = Prepared::new(subject, &torture.world.trust(), packages, &root)?;
    let wants = |part| torture.options.wants(part);
    let mut rows = Vec::new();
    if wants("kill") {
        rows.push(kill::run(
            torture,
            &prepared,
            subject.name,
            &torture.scratch,
        )?);
        if subject.central && !torture.options.short && subvolumes() {
            rows.push(on_subvolumes(torture, subject, packages)?);
        }
    }
    if wants("fault") {
        rows.push(fault::run(torture, &prepared)?);
    }
    if wants("power") && power && subject.central {
        for kind in Kind::ALL {
            rows.push(power::run(torture, &prepared, kind)?);
        }
    }
    Ok(rows)
}
