//! `power`: the power goes out at each changing call of a command, and after it.

use std::path::Path;

use super::invariants::examine;
use super::prepared::Prepared;
use crate::shell::Outcome;
use crate::torture::mount::{Flavour, Kind, Mounted};
use crate::torture::points::{Row, Verdict, go_through};
use crate::torture::tracer::{self, Act};
use crate::torture::{Torture, kept, thin};

/// Cuts the power of one command on one file system.
pub fn run(torture: &Torture, prepared: &Prepared<'_>, kind: Kind) -> Outcome<Row> {
    // One more than there are: when the command has ended.
    let calls = 1..=prepared.calls.len() + 1;
    let cuts = calls.flat_map(|call| Flavour::ALL.map(|flavour| (call, flavour)));
    let cuts = thin(cuts.collect(), torture.options.most(3));
    let name = format!("{} ({})", prepared.subject.name, kind.name());
    let start = |directory: &Path| Mounted::create(kind, directory);
    let work = |(call, flavour): &(usize, Flavour), directory: &Path, disk: &mut Mounted| {
        let site = prepared.site.copy_to(&disk.at().join("site"))?;
        disk.sync()?;
        let command = site.isi(prepared.subject.line);
        let ending = if *call > prepared.calls.len() {
            let ending = tracer::run(&command, directory, Act::Watch)?;
            disk.cut(*flavour)?;
            ending
        } else {
            let mut out = || disk.cut(*flavour);
            tracer::run(&command, directory, Act::Hold(*call, &mut out))?
        };
        let told = match &ending.target {
            Some(target) => format!("call {call}, {target}, {flavour:?} kept"),
            None if *call > prepared.calls.len() => format!("after the end, {flavour:?} kept"),
            None => return Ok((String::new(), Verdict::NotReached)),
        };
        disk.restart()?;
        let broken = examine(&site, prepared, &ending, directory, false)?;
        Ok((told, Verdict::Reached(broken)))
    };
    go_through(
        "power",
        &name,
        &cuts,
        &torture.scratch,
        &kept("power", &name),
        start,
        work,
    )
}
