//! `power`: the power goes out at each changing call of a command, after it, and at any moment.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::invariants::examine;
use super::mount::{Flavour, Kind, Mounted};
use super::place::{PACKAGES, Place, copy, remove};
use super::points::{Row, Verdict, go_through};
use super::prepared::Prepared;
use super::random::Random;
use super::tracer::{self, Act, Ending};
use super::{Torture, kept, thin};
use crate::shell::Outcome;

/// When the power goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Just before a changing call.
    Call(usize),
    /// When the command has ended.
    End,
    /// So long after the start.
    Time(Duration),
}

/// A moment, and what is lost then.
type Cut = (Moment, Flavour);

/// Random instants of each command and file system.
const INSTANTS: usize = 20;

/// Cuts the power of one command on one file system.
pub fn run(torture: &Torture, prepared: &Prepared<'_>, kind: Kind) -> Outcome<Row> {
    let cuts = thin(
        cuts(prepared, torture.options.seed),
        torture.options.most(6),
    );
    let name = format!("{} ({})", prepared.subject.name, kind.name());
    let kept = kept("power", &name);
    let start = |directory: &Path| {
        let disk = Mounted::create(kind, directory)?;
        copy(&torture.world.packages(), &disk.at().join(PACKAGES))?;
        Ok(disk)
    };
    let work = |(moment, flavour): &Cut, directory: &Path, disk: &mut Mounted| {
        let place = prepared.place.copy_to(&disk.at().join("place"))?;
        // On the same file system, so that blocks are shared where that is possible.
        remove(&place.root().join(PACKAGES))?;
        symlink(disk.at().join(PACKAGES), place.root().join(PACKAGES))?;
        disk.sync()?;
        let Some((ending, told)) = cut(&place, prepared, directory, disk, *moment, *flavour)?
        else {
            return Ok((String::new(), Verdict::NotReached));
        };
        disk.restart()?;
        let broken = examine(
            &place,
            prepared,
            torture.world.trusted(),
            &ending,
            directory,
            torture.deep(),
        )?;
        Ok((
            format!("{told}, {flavour:?} kept"),
            Verdict::Reached(broken),
        ))
    };
    go_through("power", &name, &cuts, &torture.scratch, &kept, start, work)
}

fn cuts(prepared: &Prepared<'_>, seed: u64) -> Vec<Cut> {
    let calls = (1..=prepared.calls.len()).map(Moment::Call);
    let mut random = Random::new(seed);
    let instants = (0..INSTANTS).map(|_| {
        // Sometimes a little after the end.
        let thousandth = u32::try_from(random.below(1_100)).unwrap_or_default();
        Moment::Time(prepared.time * thousandth / 1_000)
    });
    let moments = calls
        .chain([Moment::End])
        .chain(instants.collect::<Vec<_>>());
    moments
        .flat_map(|moment| Flavour::ALL.map(|flavour| (moment, flavour)))
        .collect()
}

/// Runs the command and cuts the power; `None` if it never came so far.
fn cut(
    place: &Place,
    prepared: &Prepared<'_>,
    scratch: &Path,
    disk: &Mounted,
    moment: Moment,
    flavour: Flavour,
) -> Outcome<Option<(Ending, String)>> {
    let mut command = place.isi(&prepared.line);
    match moment {
        Moment::Call(number) => {
            let mut out = || disk.cut(flavour);
            let ending = tracer::run(&command, scratch, Act::Hold(number, &mut out))?;
            let target = ending.target.clone();
            Ok(target.map(|target| (ending, format!("call {number}, {target}"))))
        }
        Moment::End => {
            let ending = tracer::run(&command, scratch, Act::Watch)?;
            disk.cut(flavour)?;
            Ok(Some((ending, "after the end".to_owned())))
        }
        Moment::Time(time) => {
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            let mut child = command.spawn()?;
            std::thread::sleep(time);
            disk.cut(flavour)?;
            child.kill()?;
            let output = child.wait_with_output()?;
            let ending = Ending {
                code: output.status.code(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
                ..Ending::default()
            };
            Ok(Some((ending, format!("after {time:?}"))))
        }
    }
}
