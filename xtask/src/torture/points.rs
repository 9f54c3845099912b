//! Goes through many points on all cores and collects what broke.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::invariants::Broken;
use crate::shell::Outcome;

/// What one point came to.
pub enum Verdict {
    /// Everything held, or these things did not.
    Reached(Vec<Broken>),
    /// The program ended before it came there.
    NotReached,
}

/// Of each row so many broken points are printed and kept; a broken product breaks at most of them.
const ENOUGH: usize = 5;

/// How often what happened in one row of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// `kill`, `fault`, ...
    pub part: &'static str,
    /// What was tortured.
    pub name: String,
    /// Points that were reached.
    pub points: usize,
    /// Points at which something broke.
    pub broken: usize,
    /// Points that were not reached.
    pub missed: usize,
}

impl Row {
    /// A row of something that could not even begin.
    pub fn failed(part: &'static str, name: &str) -> Self {
        Self {
            part,
            name: name.to_owned(),
            broken: 1,
            ..Self::default()
        }
    }
}

/// Runs `work` for each of `points` on all cores; each core has a directory of its own below `root`, and
/// what `start` makes there.
///
/// The first things that break are printed at once, and the directories they broke in kept under `kept`.
pub fn go_through<P: Sync, S>(
    part: &'static str,
    name: &str,
    points: &[P],
    root: &Path,
    kept: &Path,
    start: impl Fn(&Path) -> Outcome<S> + Sync,
    work: impl Fn(&P, &Path, &mut S) -> Outcome<(String, Verdict)> + Sync,
) -> Outcome<Row> {
    let next = AtomicUsize::new(0);
    let row = Mutex::new(Row {
        part,
        name: name.to_owned(),
        ..Row::default()
    });
    let worker = |worker: usize| -> Result<(), String> {
        let directory = root.join(format!("worker-{worker}"));
        let failed = |error: Box<dyn std::error::Error>| {
            // The others need not go on.
            next.store(points.len(), Ordering::Relaxed);
            format!("{part} {name}: {error}")
        };
        let mut started = std::fs::create_dir_all(&directory)
            .map_err(Into::into)
            .and_then(|()| start(&directory))
            .map_err(failed)?;
        while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (told, verdict) = work(point, &directory, &mut started).map_err(failed)?;
            let mut row = row.lock().map_err(|error| error.to_string())?;
            match verdict {
                Verdict::NotReached => row.missed += 1,
                Verdict::Reached(broken) => {
                    row.points += 1;
                    row.broken += usize::from(!broken.is_empty());
                    if !broken.is_empty() && row.broken <= ENOUGH {
                        for broken in &broken {
                            println!("BROKEN {part}: {name}: {told}: {broken}");
                        }
                        keep(&directory, &kept.join(row.broken.to_string()));
                    }
                }
            }
        }
        Ok(())
    };
    let run = &worker;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let outcomes: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|number| scope.spawn(move || run(number)))
            .collect();
        let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined
            .map(|outcome| outcome.unwrap_or_else(|_| Err("a worker panicked".to_owned())))
            .collect()
    });
    for outcome in outcomes {
        outcome.map_err(crate::shell::Failure)?;
    }
    Ok(row.into_inner().unwrap_or_default())
}

/// Keeps a copy of a place in which something broke.
fn keep(directory: &Path, to: &Path) {
    let copied = std::fs::create_dir_all(to.parent().unwrap_or(to))
        .map_err(Into::into)
        .and_then(|()| super::place::remove(to))
        .and_then(|()| super::place::copy(directory, to));
    match copied {
        Ok(()) => println!("  kept in {}", to.display()),
        Err(error) => println!("  could not be kept: {error}"),
    }
}
