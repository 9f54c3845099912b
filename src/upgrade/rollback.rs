use super::engine::{Engine, Run};
use super::journal::Entry;
use super::{Action, Journals, Machine, Phase, Standing, UpgradeError};

/// Takes back what is under way, or goes on with that; needs the lock of the system.
///
/// Neither catalog nor trust nor the package is needed for it. Where the new system runs already, the one
/// before boots next time.
pub fn rollback(
    machine: &mut Machine<'_>,
    journals: &Journals,
    reason: &str,
    run: Run<'_>,
) -> Result<Standing, UpgradeError> {
    let records = journals.read()?.unwrap_or_default();
    let standing = Standing::of(&records).filter(|found| found.phase() != Phase::Ended);
    let standing = standing.ok_or_else(|| UpgradeError::NotRunning {
        found: "there is nothing to take back".to_owned(),
    })?;
    expect_way_back(machine, &standing)?;
    let phase = standing.phase();
    let Some(mut engine) = Engine::open(machine, journals, run)? else {
        return Ok(standing);
    };
    journals.ask_no_pause()?;
    if phase != Phase::RollingBack {
        engine.enter(Entry::Rollback {
            automatic: false,
            reason: reason.to_owned(),
        })?;
    }
    engine.run(Action::Rollback)?;
    Ok(engine.standing().unwrap_or(standing))
}

/// Refuses where what is under way cannot be taken back any more.
pub(super) fn expect_way_back(
    machine: &Machine<'_>,
    standing: &Standing,
) -> Result<(), UpgradeError> {
    let plan = &standing.plan;
    let refused = |reason| {
        let environment = plan.environment.clone();
        Err(UpgradeError::NoWayBack {
            environment,
            reason,
        })
    };
    match standing.phase() {
        Phase::Committing => return refused("its commit has begun"),
        Phase::RollingBack => return Ok(()),
        _ => {}
    }
    if !standing.is_finished() {
        return Ok(());
    }
    if plan.previous.is_none() {
        return refused("it is the first environment of this system: there is none before it");
    }
    let entry = machine.system().loader().entry(&plan.environment)?;
    let counter = entry.as_ref().map(|entry| entry.counter);
    let was_started = match counter {
        None => false,
        Some(None) => true,
        Some(Some(counter)) => counter.done > 0,
    };
    if was_started && !plan.package.rollback {
        return refused("it has started, and its vendor says that there is no way back then");
    }
    Ok(())
}
