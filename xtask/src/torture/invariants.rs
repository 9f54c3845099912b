//! What has to hold of a catalog whatever happened to it, each as a named check.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use super::place::{Place, told};
use super::prepared::Prepared;
use super::state::{State, walk};
use super::tracer::Ending;
use crate::shell::Outcome;

/// The invariants; the numbers are those of the threat model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invariant {
    /// 1: the database passes its integrity check and can be read.
    Database,
    /// 2: every listed artifact is there with the content that its ID names.
    ListedIsThere,
    /// 3: nothing is listed that never verified.
    OnlyVerified,
    /// 4: what a command said it did is done.
    SaidIsDone,
    /// 5: what was interrupted is done as a whole or not at all.
    AllOrNothing,
    /// 6: the command can be run again and then is done.
    Again,
    /// 7: `verify` finds nothing, or `repair` puts it right without losing a valid artifact.
    VerifyOrRepair,
    /// 8: repairing twice is repairing once.
    RepairTwice,
    /// 9: what was left over is removed by `clean`.
    Clean,
    /// 10: what boots is the old system or the new one, and all of it.
    BootTarget,
    /// 11: no lock outlives its process.
    NoLock,
    /// 12: the event log only grows.
    OnlyForward,
    /// Beside the twelve: `repair` loses no valid artifact and deletes no content.
    NothingLost,
    /// Beside the twelve: what is under way can be undone.
    Undo,
    /// Beside the twelve: a refusal is one clear error with a code, never a panic and never a hang.
    ClearError,
}

impl Invariant {
    const fn name(self) -> &'static str {
        match self {
            Self::Database => "1 database sound",
            Self::ListedIsThere => "2 listed is there",
            Self::OnlyVerified => "3 only verified is listed",
            Self::SaidIsDone => "4 said is done",
            Self::AllOrNothing => "5 all or nothing",
            Self::Again => "6 run again",
            Self::VerifyOrRepair => "7 verify or repair",
            Self::RepairTwice => "8 repair twice is once",
            Self::Clean => "9 clean removes leftovers",
            Self::BootTarget => "10 old or new boots",
            Self::NoLock => "11 no lock stays",
            Self::OnlyForward => "12 log only grows",
            Self::NothingLost => "nothing lost",
            Self::Undo => "undone",
            Self::ClearError => "clear error",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An invariant that does not hold, and what was seen.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.invariant, self.seen)
    }
}

/// Collects what does not hold.
#[derive(Debug, Default)]
pub struct Findings(Vec<Broken>);

impl Findings {
    /// Notes that `invariant` does not hold unless `holds`.
    pub fn expect(&mut self, holds: bool, invariant: Invariant, seen: impl FnOnce() -> String) {
        if !holds {
            let seen = seen();
            self.0.push(Broken { invariant, seen });
        }
    }

    /// All that was noted.
    pub fn all(self) -> Vec<Broken> {
        self.0
    }
}

/// Checks a place in which a command was interrupted or hindered; `scratch` is for copies. A `deep` look
/// repairs a copy, too.
pub fn examine(
    place: &Place,
    prepared: &Prepared<'_>,
    trusted: &BTreeSet<String>,
    ending: &Ending,
    scratch: &Path,
    deep: bool,
) -> Outcome<Vec<Broken>> {
    let mut findings = Findings::default();
    unlocked(place, &mut findings)?;
    let now = State::look(place, scratch)?;
    sound(&now, prepared, trusted, &mut findings);
    interrupted(&now, prepared, ending, &mut findings);
    listing(place, &now, &mut findings)?;
    if deep {
        let copy = place.copy_to(&scratch.join("repaired"))?;
        repaired(&copy, &now, trusted, scratch, &mut findings)?;
    }
    again(place, prepared, &now, scratch, &mut findings)?;
    Ok(findings.all())
}

/// 1, 2, 3 and 12.
fn sound(now: &State, prepared: &Prepared<'_>, trusted: &BTreeSet<String>, found: &mut Findings) {
    // What was damaged on purpose may still be.
    let unsound: Vec<&String> = now.unsound.difference(&prepared.before.unsound).collect();
    found.expect(unsound.is_empty(), Invariant::ListedIsThere, || {
        format!("{unsound:?}")
    });
    let strangers: Vec<&String> = now
        .listed
        .keys()
        .filter(|id| !trusted.contains(*id))
        .collect();
    found.expect(strangers.is_empty(), Invariant::OnlyVerified, || {
        format!("{strangers:?}")
    });
    // A repair that was interrupted may leave a spoilt database spoilt; the next one is looked at below.
    let sound = now.problems.is_empty() || !prepared.before.problems.is_empty();
    found.expect(sound, Invariant::Database, || now.problems.join("; "));
    let mirrored = now.mirror.is_none() || !prepared.before.problems.is_empty();
    found.expect(mirrored, Invariant::OnlyForward, || {
        format!("{:?}", now.mirror)
    });
    found.expect(
        now.events.starts_with(&prepared.before.events),
        Invariant::OnlyForward,
        || {
            format!(
                "{} events were {}",
                now.events.len(),
                prepared.before.events.len()
            )
        },
    );
}

/// 4 and 5.
fn interrupted(now: &State, prepared: &Prepared<'_>, ending: &Ending, found: &mut Findings) {
    let Prepared { before, after, .. } = prepared;
    let done = ending.code == Some(prepared.subject.code) || ending.said() == prepared.said;
    // A refusal may fail to be recorded; it is no less a refusal.
    if done && prepared.subject.code == 0 {
        found.expect(now.facts == after.facts, Invariant::SaidIsDone, || {
            difference(&now.facts, &after.facts)
        });
    }
    let (now, before, after) = (now.history(), before.history(), after.history());
    let holds = if prepared.subject.whole {
        now == before || now == after
    } else {
        before.intersection(&after).all(|fact| now.contains(fact))
            && now
                .iter()
                .all(|fact| before.contains(fact) || after.contains(fact))
    };
    found.expect(holds, Invariant::AllOrNothing, || {
        format!("beside before: {}", difference(&now, &before))
    });
}

/// 2 once more, as the program itself tells it.
fn listing(place: &Place, now: &State, found: &mut Findings) -> Outcome {
    let output = place.run("list --format csv --no-header")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let listed: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split(',').next())
        .collect();
    let known: BTreeSet<&str> = now.listed.keys().map(String::as_str).collect();
    // Where nothing was ever imported there may be no catalog yet.
    // Where the database is lost there is no list.
    let none = known.is_empty() && now.events.is_empty();
    let holds = output.status.success() && listed == known || none;
    found.expect(holds, Invariant::ListedIsThere, || {
        format!("list: {}: {listed:?}, expected {known:?}", told(&output))
    });
    Ok(())
}

/// 6, 7, 9 and 12.
fn again(
    place: &Place,
    prepared: &Prepared<'_>,
    interrupted: &State,
    scratch: &Path,
    found: &mut Findings,
) -> Outcome {
    let output = place.run(&prepared.again)?;
    let now = State::look(place, scratch)?;
    let code = output.status.code();
    let subject = prepared.subject;
    found.expect(
        code == Some(subject.code) || code == Some(subject.code_again),
        Invariant::Again,
        || told(&output),
    );
    found.expect(now.facts == prepared.after.facts, Invariant::Again, || {
        difference(&now.facts, &prepared.after.facts)
    });
    found.expect(now.problems.is_empty(), Invariant::Database, || {
        format!("after running it again: {}", now.problems.join("; "))
    });
    found.expect(now.mirror.is_none(), Invariant::OnlyForward, || {
        format!("after running it again: {:?}", now.mirror)
    });
    found.expect(now.unsound.is_empty(), Invariant::ListedIsThere, || {
        format!("after running it again: {:?}", now.unsound)
    });
    found.expect(
        now.events.starts_with(&interrupted.events),
        Invariant::OnlyForward,
        || "after running it again".to_owned(),
    );
    let verify = place.run("verify")?;
    found.expect(verify.status.success(), Invariant::VerifyOrRepair, || {
        told(&verify)
    });
    cleaned(place, &now, scratch, found)
}

/// 7, 8 and 9: a repair of what the interrupted command left loses nothing, and a second one does nothing.
fn repaired(
    place: &Place,
    now: &State,
    trusted: &BTreeSet<String>,
    scratch: &Path,
    found: &mut Findings,
) -> Outcome {
    if now.events.is_empty() && now.files.is_empty() {
        // There may be no catalog yet.
        return Ok(());
    }
    let output = place.run("repair --force")?;
    let ended = matches!(output.status.code(), Some(0 | 3));
    found.expect(ended, Invariant::VerifyOrRepair, || told(&output));
    let after = State::look(place, scratch)?;
    whole(&after, trusted, found);
    // What is listed and whole stays listed and whole.
    let kept = |id: &&String| now.unsound.contains(*id) || after.listed.contains_key(*id);
    let lost: Vec<&String> = now.listed.keys().filter(|id| !kept(id)).collect();
    let lost: Vec<&String> = lost
        .into_iter()
        .filter(|id| now.present(trusted).contains(*id))
        .collect();
    found.expect(lost.is_empty(), Invariant::NothingLost, || {
        format!("repair lost {lost:?}")
    });
    nothing_deleted(now, &after, found);
    twice(place, &after, scratch, found)?;
    let verify = place.run("verify")?;
    found.expect(verify.status.success(), Invariant::VerifyOrRepair, || {
        format!("after the repair: {}", told(&verify))
    });
    cleaned(place, &after, scratch, found)
}

/// 1, 2 and 3 of a catalog that was repaired.
pub fn whole(after: &State, trusted: &BTreeSet<String>, found: &mut Findings) {
    found.expect(after.problems.is_empty(), Invariant::Database, || {
        format!("after the repair: {}", after.problems.join("; "))
    });
    found.expect(after.unsound.is_empty(), Invariant::ListedIsThere, || {
        format!("after the repair: {:?}", after.unsound)
    });
    let strangers: Vec<&String> = after
        .listed
        .keys()
        .filter(|id| !trusted.contains(*id))
        .collect();
    found.expect(strangers.is_empty(), Invariant::OnlyVerified, || {
        format!("after the repair: {strangers:?}")
    });
}

/// Whatever lay among the artifacts or in quarantine is somewhere in the catalog still.
pub fn nothing_deleted(before: &State, after: &State, found: &mut Findings) {
    let content = |state: &State| {
        let kept = state
            .files
            .iter()
            .filter(|(path, _)| !path.starts_with("incoming") && !path.ends_with("reason.json"));
        kept.map(|(_, digest)| digest.clone())
            .collect::<BTreeSet<_>>()
    };
    let gone: Vec<String> = content(before)
        .difference(&content(after))
        .cloned()
        .collect();
    found.expect(gone.is_empty(), Invariant::NothingLost, || {
        format!("content deleted: {gone:?}")
    });
}

/// 8.
pub fn twice(place: &Place, after: &State, scratch: &Path, found: &mut Findings) -> Outcome {
    let output = place.run("repair --force")?;
    let again = State::look(place, scratch)?;
    let same =
        again.facts == after.facts && again.files == after.files && again.events == after.events;
    found.expect(same, Invariant::RepairTwice, || {
        format!(
            "{}: {}",
            told(&output),
            difference(&again.history(), &after.history())
        )
    });
    Ok(())
}

/// 9.
pub fn cleaned(place: &Place, now: &State, scratch: &Path, found: &mut Findings) -> Outcome {
    let output = place.run("clean --force")?;
    let clean = State::look(place, scratch)?;
    let cleaned = output.status.success() && clean.litter.is_empty();
    found.expect(cleaned, Invariant::Clean, || {
        format!("{}: {:?}", told(&output), clean.litter)
    });
    found.expect(clean.facts == now.facts, Invariant::Clean, || {
        difference(&clean.facts, &now.facts)
    });
    Ok(())
}

/// 11.
fn unlocked(place: &Place, found: &mut Findings) -> Outcome {
    let mut files = vec![place.catalog().join("lock")];
    walk(&place.catalog().join("incoming"), &mut files)?;
    for path in files.iter().filter(|path| path.exists()) {
        let locked = Flock::lock(File::open(path)?, FlockArg::LockExclusiveNonblock).is_err();
        found.expect(!locked, Invariant::NoLock, || path.display().to_string());
    }
    Ok(())
}

/// What one set has and the other has not.
fn difference(now: &BTreeSet<String>, expected: &BTreeSet<String>) -> String {
    let more = now.difference(expected).map(|fact| format!("+ {fact}"));
    let less = expected.difference(now).map(|fact| format!("- {fact}"));
    more.chain(less).collect::<Vec<_>>().join("; ")
}
