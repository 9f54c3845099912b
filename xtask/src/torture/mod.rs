//! `cargo xtask torture`: what catalog and upgrades promise, while they are killed, starved, cut off and
//! damaged.
//!
//! A black box: the real programs run, and what they leave is looked at with `sqlite3` and `sha256sum`,
//! never with the library under test. Parts that cannot run on a machine say so.

mod calls;
mod damage;
mod fault;
mod invariants;
mod kill;
mod mount;
mod options;
mod place;
mod points;
mod power;
mod prepared;
mod random;
mod state;
mod subjects;
mod table;
pub mod tracer;
mod upgrade;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::results::Results;
use crate::shell::{self, Outcome, cargo, failure, show_time};
use crate::system;
use mount::{Kind, Mounted};
use options::Options;
use points::Row;
use prepared::Prepared;
pub use state::walk;
use subjects::{SUBJECTS, Subject};
use world::World;

/// Runs all parts, or the one that was asked for, and prints the table.
pub fn run(arguments: &[String]) -> Outcome<ExitCode> {
    let options = Options::parse(arguments)?;
    system::ready_to_check()?;
    let results = torture(options)?;
    println!("{}", results.line());
    Ok(if results.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The short version, for `cargo xtask test`: each row of the table counts as one test.
pub fn short() -> Outcome<Results> {
    torture(Options {
        short: true,
        ..Options::default()
    })
}

/// What all parts share.
struct Torture {
    options: Options,
    world: World,
    /// Where everything happens: in memory, where the machine has a file system there.
    scratch: PathBuf,
    /// Points looked at so far.
    looks: AtomicUsize,
    /// Points at which an upgrade's journal is written.
    journal: AtomicUsize,
    /// Systems that were really started.
    started: AtomicUsize,
}

impl Torture {
    /// How many of the systems that survive a command are really started.
    fn starts(&self) -> usize {
        match (upgrade::no_starts(), self.options.short) {
            (Some(_), _) => 0,
            (None, true) => 1,
            (None, false) => 4,
        }
    }

    /// Whether a point gets a deep look: all of them, or some when there is little time.
    fn deep(&self) -> bool {
        const SOME: usize = 4;
        let number = self.looks.fetch_add(1, Ordering::Relaxed);
        !self.options.short || number.is_multiple_of(SOME)
    }
}

/// Where a place in which something broke is kept.
fn kept(part: &str, name: &str) -> PathBuf {
    let name = name.replace([' ', ','], "-");
    shell::root()
        .join("target/torture")
        .join(format!("{part}-{name}"))
}

fn torture(options: Options) -> Outcome<Results> {
    match &options.programs {
        Some(directory) => place::take_programs_from(directory)?,
        None => shell::run(&mut cargo(["build", "--quiet", "--bins"]))?,
    }
    let scratch = Scratch::new("torture")?;
    let start = Instant::now();
    let torture = Torture {
        world: World::create(&scratch.0.join("world"))?,
        scratch: scratch.0.clone(),
        looks: AtomicUsize::new(0),
        journal: AtomicUsize::new(0),
        started: AtomicUsize::new(0),
        options,
    };
    let kept = shell::root().join("target/torture");
    place::remove(&kept)?;
    let (mut rows, mut skipped) = (Vec::new(), Vec::new());
    let no_power = Mounted::missing();
    if let Some(reason) = no_power.as_ref().filter(|_| torture.options.wants("power")) {
        skipped.push(format!("torture power: {reason}"));
    }
    let no_starts = upgrade::no_starts().filter(|_| torture.options.wants("kill"));
    skipped.extend(no_starts.map(|reason| format!("torture: starts of systems: {reason}")));
    for subject in SUBJECTS {
        if torture.options.wants_command(subject.name) {
            rows.extend(
                torture_command(&torture, subject, no_power.is_none()).unwrap_or_else(|error| {
                    println!("BROKEN {}: {error}", subject.name);
                    vec![Row::failed("command", subject.name)]
                }),
            );
        }
    }
    rows.extend(upgrade::run(&torture, no_power.is_none())?);
    if torture.options.wants("damage") && torture.options.wants_command("damage") {
        rows.push(damage::run(&torture).unwrap_or_else(|error| {
            println!("BROKEN damage: {error}");
            Row::failed("damage", "repair")
        }));
    }
    if rows.is_empty() && skipped.is_empty() {
        return failure(
            "nothing was tortured: no command has that name, or that part does not touch it",
        );
    }
    println!("\n{}", table::table(&rows));
    println!(
        "{} kills at records of a journal; {} systems that survived were started for real",
        torture.journal.load(Ordering::Relaxed),
        torture.started.load(Ordering::Relaxed)
    );
    println!(
        "{} with seed {}",
        show_time(start.elapsed()),
        torture.options.seed
    );
    Ok(results(&rows, skipped))
}

/// All that is done to one command.
fn torture_command(torture: &Torture, subject: &Subject, power: bool) -> Outcome<Vec<Row>> {
    let root = torture.scratch.join("prepared");
    place::remove(&root)?;
    std::fs::create_dir(&root)?;
    let prepared = Prepared::new(subject, &torture.world, &root)?;
    let wants = |part| torture.options.wants(part);
    let mut rows = Vec::new();
    if wants("kill") {
        rows.push(kill::run(torture, &prepared)?);
    }
    if wants("fault") {
        rows.push(fault::run(torture, &prepared)?);
    }
    if wants("power") && power {
        for kind in Kind::ALL {
            rows.push(power::run(torture, &prepared, kind)?);
        }
    }
    Ok(rows)
}

/// Each row is one test that passed or failed.
fn results(rows: &[Row], skipped: Vec<String>) -> Results {
    let count = |broken| rows.iter().filter(|row| (row.broken > 0) == broken).count();
    let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
    Results {
        passed: number(count(false)),
        failed: number(count(true)),
        skipped,
    }
}

/// At most `most` of `points`, spread evenly.
fn thin<P>(points: Vec<P>, most: usize) -> Vec<P> {
    let step = points.len().div_ceil(most.max(1)).max(1);
    points.into_iter().step_by(step).collect()
}

/// A directory in memory, if the machine has a file system there, that is removed when this is dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes it.
    pub fn new(task: &str) -> Outcome<Self> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let path = parent.join(format!("isi-{task}-{}", std::process::id()));
        place::remove(&path)?;
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = place::remove(&self.0) {
            eprintln!("could not remove {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_spread() {
        let points: Vec<u32> = (0..100).collect();
        assert_eq!(thin(points.clone(), 4), [0, 25, 50, 75]);
        assert_eq!(thin(points.clone(), usize::MAX).len(), 100);
        assert!(thin(points, 40).len() <= 40);
        assert!(thin(Vec::<u32>::new(), 4).is_empty());
    }
}
