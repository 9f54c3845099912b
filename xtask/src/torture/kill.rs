//! `kill`: SIGKILL at each changing call of a command.

use super::invariants::examine;
use super::points::{Row, Verdict, go_through};
use super::prepared::Prepared;
use super::tracer::{self, Act};
use super::{Torture, kept, thin};
use crate::shell::Outcome;

/// Kills one command at every call, or at some of them when there is little time.
pub fn run(torture: &Torture, prepared: &Prepared<'_>) -> Outcome<Row> {
    let points: Vec<usize> = (1..=prepared.calls.len()).collect();
    let points = thin(points, torture.options.most(20));
    let name = prepared.subject.name;
    let kept = kept("kill", name);
    go_through(
        "kill",
        name,
        &points,
        &torture.scratch,
        &kept,
        |_| Ok(()),
        |point, directory, ()| {
            let place = prepared.place.copy_to(&directory.join("place"))?;
            let ending = tracer::run(&place.isi(&prepared.line), directory, Act::Kill(*point))?;
            let told = match &ending.target {
                Some(target) => format!("call {point}, {target}"),
                None => return Ok((String::new(), Verdict::NotReached)),
            };
            let trusted = torture.world.trusted();
            let broken = examine(
                &place,
                prepared,
                trusted,
                &ending,
                directory,
                torture.deep(),
            )?;
            Ok((told, Verdict::Reached(broken)))
        },
    )
}
