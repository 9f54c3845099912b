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
pub enum Fault {
    /// With this error.
    Error(Errno),
    /// It writes half.
    Short,
}

const FAULTS: [Fault; 4] = [
    Fault::Error(Errno::EIO),
    Fault::Error(Errno::ENOSPC),
    Fault::Short,
    Fault::Error(Errno::EINTR),
];

impl Fault {
    /// What the tracer has to do to the call with this number.
    pub fn act<'a>(self, number: usize) -> Act<'a> {
        match self {
            Self::Error(error) => Act::Fail(number, error),
            Self::Short => Act::Shorten(number),
        }
    }

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
    let points = thin(points(&prepared.calls), torture.options.most(20));
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
            let place = prepared.place.copy_to(&directory.join("place"))?;
            let ending = tracer::run(&place.isi(&prepared.line), directory, fault.act(number))?;
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
            broken.extend(clear(prepared.subject.code, &ending).all());
            Ok((told, Verdict::Reached(broken)))
        },
    )
}

/// Every call with every way in which it can fail; the first call has number 1.
pub fn points(calls: &[Call]) -> Vec<(usize, Fault)> {
    let calls = calls.iter().enumerate();
    let points = calls.flat_map(|(index, call)| {
        let fitting = FAULTS.into_iter().filter(|fault| fault.fits(call));
        fitting.map(move |fault| (index + 1, fault))
    });
    points.collect()
}

/// Either the command did its work all the same and ended with `code`, or it says in one clear error why
/// not.
pub fn clear(code: i32, ending: &Ending) -> Findings {
    let mut findings = Findings::default();
    let said = &ending.stderr;
    let clear = match ending.code {
        Some(ended) if ended == code => true,
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
