//! What has to hold of a system whatever happened to a command that changes it.

use std::fs::File;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use super::boot;
use super::prepared::Prepared;
use super::selection;
use super::site::Site;
use super::state::State;
use crate::shell::Outcome;
use crate::torture::invariants::{Broken, Findings, Invariant};
use crate::torture::place::told;
use crate::torture::tracer::Ending;

/// What does a step again that failed.
const RETRY: &str = "retry-last-action";

/// Checks a machine on which a command was interrupted or hindered; `scratch` is for copies.
///
/// With `start`, what boots then is really started.
pub fn examine(
    site: &Site,
    prepared: &Prepared<'_>,
    ending: &Ending,
    scratch: &Path,
    start: bool,
) -> Outcome<Vec<Broken>> {
    let mut found = Findings::default();
    unlocked(site, &mut found)?;
    let now = State::look(site)?;
    entire(&now, prepared, "", &mut found);
    said(&now, prepared, ending, &mut found);
    let copy = site.copy_to(&scratch.join("booted"))?;
    boots(&copy, prepared, scratch, start, &mut found)?;
    answers(site, &mut found)?;
    if let Some(line) = prepared.subject.undo.filter(|_| now.running) {
        undone(
            &site.copy_to(&scratch.join("undone"))?,
            prepared,
            line,
            &mut found,
        )?;
    }
    again(site, prepared, &now, &mut found)?;
    Ok(found.all())
}

/// 10: every environment that has a name is the old one or the new one from end to end.
fn entire(now: &State, prepared: &Prepared<'_>, when: &str, found: &mut Findings) {
    let known = [&prepared.before, &prepared.after];
    for (name, tree) in &now.trees {
        let [old, new] = known.map(|state| state.trees.get(name));
        let whole = match (old, new) {
            (Some(old), Some(new)) if prepared.subject.in_place => tree.is_between(old, new),
            _ => [old, new].contains(&Some(tree)),
        };
        found.expect(whole, Invariant::BootTarget, || {
            let beside = new.or(old).map(|other| tree.difference(other));
            let beside = beside.unwrap_or_else(|| "has never been".to_owned());
            format!("{when}{name} is a mixture: {beside}")
        });
    }
    for name in prepared
        .before
        .trees
        .keys()
        .filter(|name| known[1].trees.contains_key(*name))
    {
        found.expect(now.trees.contains_key(name), Invariant::NothingLost, || {
            format!("{when}{name} is gone")
        });
    }
}

/// 4: what the command said it did is done.
fn said(now: &State, prepared: &Prepared<'_>, ending: &Ending, found: &mut Findings) {
    if ending.code == Some(prepared.subject.code) && prepared.subject.code == 0 {
        found.expect(
            now.facts == prepared.after.facts,
            Invariant::SaidIsDone,
            || now.difference(&prepared.after),
        );
    }
}

/// 10: something boots, it is what booted before or what boots afterwards, and so on to the last try.
///
/// If it is to be started, it is.
fn boots(
    copy: &Site,
    prepared: &Prepared<'_>,
    scratch: &Path,
    start: bool,
    found: &mut Findings,
) -> Outcome {
    let names = selection::boots(copy)?;
    let expected = &prepared.boots;
    let holds = expected.iter().any(Vec::is_empty) && names.is_empty()
        || expected.iter().any(|boots| boots.first() == names.first())
            && expected.iter().any(|boots| boots.last() == names.last());
    found.expect(holds, Invariant::BootTarget, || {
        format!("boots {names:?}, expected one of {expected:?}")
    });
    let there = names
        .iter()
        .all(|name| copy.environments().join(name).is_dir());
    found.expect(there, Invariant::BootTarget, || {
        format!("boots {names:?}, which are not there")
    });
    if let Some(name) = names.first().filter(|_| start && there) {
        let root = copy.environments().join(name);
        let expected = std::fs::read_to_string(root.join("etc/motd"))?;
        let said = boot::start(&root, scratch).unwrap_or_else(|error| error.to_string());
        found.expect(said == expected.trim(), Invariant::BootTarget, || {
            format!("{name} was started and said {said:?}, expected {expected:?}")
        });
    }
    Ok(())
}

/// The program can say where it stands.
fn answers(site: &Site, found: &mut Findings) -> Outcome {
    for line in ["view", "bootenv list"] {
        let output = site.run(line)?;
        let clear = matches!(output.status.code(), Some(0))
            || String::from_utf8_lossy(&output.stderr).contains("code: E_NO_SYSTEM");
        found.expect(clear, Invariant::ClearError, || {
            format!("{line}: {}", told(&output))
        });
    }
    Ok(())
}

/// What is under way can be undone, to the last byte; a new system that was whole may be kept.
fn undone(copy: &Site, prepared: &Prepared<'_>, line: &str, found: &mut Findings) -> Outcome {
    let output = copy.run(line)?;
    found.expect(output.status.success(), Invariant::Undo, || told(&output));
    let now = State::look(copy)?;
    entire(&now, prepared, "after the rollback: ", found);
    for (name, tree) in &prepared.before.trees {
        let same = now.trees.get(name) == Some(tree);
        found.expect(same, Invariant::Undo, || {
            format!("{name} is not what it was")
        });
    }
    found.expect(
        !now.running && now.litter.is_empty(),
        Invariant::Undo,
        || format!("running {}, left over {:?}", now.running, now.litter),
    );
    let names = selection::boots(copy)?;
    found.expect(names == prepared.boots[0], Invariant::Undo, || {
        format!("boots {names:?}, expected {:?}", prepared.boots[0])
    });
    Ok(())
}

/// 6: the next run goes on and comes to the same end.
fn again(
    site: &Site,
    prepared: &Prepared<'_>,
    interrupted: &State,
    found: &mut Findings,
) -> Outcome {
    let subject = prepared.subject;
    let line = subject
        .again
        .filter(|_| interrupted.running)
        .unwrap_or(subject.line);
    let mut output = site.run(line)?;
    if String::from_utf8_lossy(&output.stderr).contains(RETRY) {
        // A step that failed is not done again unasked.
        output = site.run(RETRY)?;
    }
    let code = output.status.code();
    found.expect(
        code == Some(subject.code) || code == Some(subject.code_again),
        Invariant::Again,
        || format!("{line}: {}", told(&output)),
    );
    let now = State::look(site)?;
    entire(&now, prepared, "after running it again: ", found);
    if subject.counts {
        return Ok(());
    }
    found.expect(now.facts == prepared.after.facts, Invariant::Again, || {
        now.difference(&prepared.after)
    });
    for (name, tree) in &prepared.after.trees {
        let same = now.trees.get(name) == Some(tree);
        found.expect(same, Invariant::Again, || {
            let difference = now.trees.get(name).map(|now| now.difference(tree));
            format!(
                "{name}: {}",
                difference.unwrap_or_else(|| "is not there".to_owned())
            )
        });
    }
    found.expect(now.litter.is_empty(), Invariant::Clean, || {
        format!("{:?}", now.litter)
    });
    let verify = site.run("catalog verify")?;
    found.expect(verify.status.success(), Invariant::VerifyOrRepair, || {
        told(&verify)
    });
    Ok(())
}

/// 11: no lock outlives its process.
fn unlocked(site: &Site, found: &mut Findings) -> Outcome {
    for path in ["system/lock", "catalog/lock"].map(|name| site.path(name)) {
        if path.exists() {
            let locked = Flock::lock(File::open(&path)?, FlockArg::LockExclusiveNonblock).is_err();
            found.expect(!locked, Invariant::NoLock, || path.display().to_string());
        }
    }
    Ok(())
}
