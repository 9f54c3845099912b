//! `kill`: SIGKILL at each changing call of a command, the records of the journal among them.

use std::path::Path;
use std::sync::atomic::Ordering;

use super::invariants::examine;
use super::prepared::Prepared;
use crate::shell::Outcome;
use crate::torture::points::{Row, Verdict, go_through};
use crate::torture::tracer::{self, Act};
use crate::torture::{Torture, kept, thin};

/// Kills one command at every call, or at some of them when there is little time; works below `root`.
pub fn run(torture: &Torture, prepared: &Prepared<'_>, name: &str, root: &Path) -> Outcome<Row> {
    let points: Vec<usize> = (1..=prepared.calls.len()).collect();
    let points = thin(points, torture.options.most(8));
    // A handful of what survives is really started.
    let started = thin(points.clone(), torture.starts());
    go_through(
        "kill",
        name,
        &points,
        root,
        &kept("kill", name),
        |_| Ok(()),
        |point, directory, ()| {
            let site = prepared.site.copy_to(&directory.join("site"))?;
            let command = site.isi(prepared.subject.line);
            let ending = tracer::run(&command, directory, Act::Kill(*point))?;
            let Some(target) = &ending.target else {
                return Ok((String::new(), Verdict::NotReached));
            };
            let journal = usize::from(target.contains("journal.jsonl"));
            torture.journal.fetch_add(journal, Ordering::Relaxed);
            let told = format!("call {point}, {target}");
            let start = torture.starts() > 0 && started.contains(point);
            torture
                .started
                .fetch_add(usize::from(start), Ordering::Relaxed);
            let broken = examine(&site, prepared, &ending, directory, start)?;
            Ok((told, Verdict::Reached(broken)))
        },
    )
}
