//! The rollback that nobody asked for: a new environment was tried as often as it may, and did not come up.
//!
//! The selector has done it already when it booted something else: what is left is to write it down, so that
//! everybody knows what happened, and to let go of what the upgrade held.

use super::engine::{Engine, Run};
use super::journal::Entry;
use super::{Action, Journals, Machine, Phase, Standing, UpgradeError};
use crate::system::EnvName;
use crate::system::loader::Counter;

/// A rollback that the boot loader did by itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RolledBack {
    /// The upgrade.
    pub number: u64,
    /// The environment that did not come up.
    pub environment: EnvName,
    /// The one that runs instead.
    pub running: EnvName,
    /// Why it was given up.
    pub reason: String,
}

/// Writes down a rollback that happened by itself, if one did; needs the lock of the system.
///
/// It did if another environment runs than the new one, and the new one has no try left.
pub fn notice_rollback(
    machine: &mut Machine<'_>,
    journals: &Journals,
    run: Run<'_>,
) -> Result<Option<RolledBack>, UpgradeError> {
    let records = journals.read()?.unwrap_or_default();
    let Some(standing) = Standing::of(&records) else {
        return Ok(None);
    };
    let Some(found) = find(machine, &standing)? else {
        return Ok(None);
    };
    let Some(mut engine) = Engine::open(machine, journals, run)? else {
        return Ok(None);
    };
    if standing.phase() != Phase::RollingBack {
        if standing.bad.is_none() {
            engine.enter(Entry::Bad {
                reason: found.reason.clone(),
                checks: serde_json::Value::Null,
            })?;
        }
        engine.enter(Entry::Rollback {
            automatic: true,
            reason: found.reason.clone(),
        })?;
    }
    engine.run(Action::Rollback)?;
    Ok(Some(found))
}

/// Whether there is a rollback that happened by itself and is not written down; needs no lock.
pub fn has_rolled_back(machine: &Machine<'_>, journals: &Journals) -> Result<bool, UpgradeError> {
    let records = journals.read()?.unwrap_or_default();
    match Standing::of(&records) {
        Some(standing) => Ok(find(machine, &standing)?.is_some()),
        None => Ok(false),
    }
}

/// What there is to write down.
fn find(machine: &Machine<'_>, standing: &Standing) -> Result<Option<RolledBack>, UpgradeError> {
    let environment = &standing.plan.environment;
    let begun = match standing.phase() {
        Phase::Waiting => false,
        // Nobody but the process that was killed meanwhile would go on with it.
        Phase::RollingBack => standing.rollback.as_ref().is_some_and(|it| it.automatic),
        _ => return Ok(None),
    };
    let Some(running) = machine.running()? else {
        return Ok(None);
    };
    let entry = machine.system().loader().entry(environment)?;
    let counter = entry.and_then(|entry| entry.counter);
    if running == *environment || !(begun || counter.is_some_and(Counter::is_bad)) {
        return Ok(None);
    }
    let tries = counter.map_or(standing.plan.tries, |counter| counter.done);
    let reason = standing.rollback.as_ref().map(|it| it.reason.clone());
    let reason = reason.or_else(|| standing.bad.clone()).unwrap_or_else(|| {
        format!("{environment} was started {tries} times and never found itself well")
    });
    Ok(Some(RolledBack {
        number: standing.number,
        environment: environment.clone(),
        running,
        reason,
    }))
}
