//! `fault`: changing calls that fail, or write less than they were asked to.

use nix::errno::Errno;

use super::calls::Call;
use super::invariants::{Findings, Invariant, examine};
use super::points::{Row, Verdict, go_through};
use super::prepared::Prepared;
use super::tracer::{self, Act, Ending};
use super::{Torture, kept, thin};
use crate::shell::Outcome;

/// A way in which a call can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Error(Errno),
    Short,
}

const FAULTS: [Fault; 4] = [
    Fault::Error(Errno::EIO),
    Fault::Error(Errno::ENOSPC),
    Fault::Short,
    Fault::Error(Errno::EINTR),
];

impl Fault {
    /// Whether a call can fail like this.
    fn fits(self, call: &Call) -> bool {
        const WAITING: [&str; 6] = [
            "write",
            "pwrite64",
            "openat",
            "openat2",
            "ftruncate",
            "copy_file_range",
        ];
        match self {
            Self::Error(Errno::EINTR) => WAITING.contains(&call.name),
            Self::Error(_) => true,
            Self::Short => call.length.is_some(),
        }
    }
}

/// Lets every call of one command fail in every way, or some of them when there is little time.
pub fn run(torture: &Torture, prepared: &Prepared<'_>) -> Outcome<Row> {
    let calls = prepared.calls.iter().enumerate();
    let points = calls.flat_map(|(index, call)| {
        let fitting = FAULTS.into_iter().filter(|fault| fault.fits(call));
        fitting.map(move |fault| (index + 1, fault))
    });
    let points = thin(points.collect(), torture.options.most(20));
    let name = prepared.subject.name;
    let kept = kept("fault", name);
    go_through(
        "fault",
        name,
        &points,
        &torture.scratch,
        &kept,
        |_| Ok(()),
        |point, directory, ()| {
            let (number, fault) = *point;
            let act = match fault {
                Fault::Error(error) => Act::Fail(number, error),
                Fault::Short => Act::Shorten(number),
            };
            let place = prepared.place.copy_to(&directory.join("place"))?;
            let ending = tracer::run(&place.isi(&prepared.line), directory, act)?;
            let told = match &ending.target {
                Some(target) => format!("call {number}, {target}, {fault:?}"),
                None => return Ok((String::new(), Verdict::NotReached)),
            };
            let trusted = torture.world.trusted();
            let mut broken = examine(
                &place,
                prepared,
                trusted,
                &ending,
                directory,
                torture.deep(),
            )?;
            broken.extend(clear(prepared, &ending).all());
            Ok((told, Verdict::Reached(broken)))
        },
    )
}

/// Either the command did its work all the same, or it says in one clear error why not.
fn clear(prepared: &Prepared<'_>, ending: &Ending) -> Findings {
    let mut findings = Findings::default();
    let said = &ending.stderr;
    let clear = match ending.code {
        Some(code) if code == prepared.subject.code => true,
        Some(1) => said.contains("error: ") && said.contains("code: E_"),
        _ => false,
    };
    findings.expect(clear, Invariant::ClearError, || {
        let Ending {
            code, signal, hung, ..
        } = ending;
        format!(
            "code {code:?}, signal {signal:?}, hung {hung}: {}",
            said.replace('\n', " | ")
        )
    });
    findings
}
