use super::engine::{Engine, Run};
use super::journal::Entry;
use super::{Action, Advice, Journals, Machine, Phase, Plan, Standing, UpgradeError};
use crate::system::EnvName;

/// What a rollback would do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RollbackPreview {
    /// The environment of the upgrade that is taken back.
    pub environment: EnvName,
    /// The one that boots afterwards; none if there never was another.
    pub previous: Option<EnvName>,
    /// Whether the new system runs now, so that the machine has to start anew.
    pub restart: bool,
    /// Whether something of the new environment is left until `archive`.
    pub kept: bool,
    /// What is worth knowing beforehand and keeps nobody from going on.
    pub advice: Vec<Advice>,
}

/// Says what a rollback would do; refused where there is no way back.
pub fn preview_rollback(
    machine: &Machine<'_>,
    journals: &Journals,
) -> Result<RollbackPreview, UpgradeError> {
    let standing = under_way(journals)?;
    expect_way_back(machine, &standing)?;
    let kept = standing.is_finished();
    let plan = standing.plan;
    let restart = machine.running()?.as_ref() == Some(&plan.environment);
    let warned = was_started(machine, &plan)? && !plan.package.rollback;
    let advice = warned.then(|| Advice {
        code: "W_NO_ROLLBACK".to_owned(),
        text: "its vendor does not say that there is a way back once it has started".to_owned(),
    });
    Ok(RollbackPreview {
        restart,
        environment: plan.environment,
        previous: plan.previous,
        kept,
        advice: advice.into_iter().collect(),
    })
}

/// Whether the new environment was ever started.
fn was_started(machine: &Machine<'_>, plan: &Plan) -> Result<bool, UpgradeError> {
    let entry = machine.system().loader().entry(&plan.environment)?;
    Ok(entry.is_some_and(|entry| entry.counter.is_none_or(|counter| counter.done > 0)))
}

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
    let standing = under_way(journals)?;
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

fn under_way(journals: &Journals) -> Result<Standing, UpgradeError> {
    let records = journals.read()?.unwrap_or_default();
    let standing = Standing::of(&records).filter(|found| found.phase() != Phase::Ended);
    standing.ok_or_else(|| UpgradeError::NotRunning {
        found: "there is nothing to take back".to_owned(),
    })
}

/// Refuses where what is under way cannot be taken back any more.
///
/// From the first environment of a system the way leads back to a system that boots nothing, as long as it
/// was not started.
fn expect_way_back(machine: &Machine<'_>, standing: &Standing) -> Result<(), UpgradeError> {
    let plan = &standing.plan;
    let refused = |reason| {
        let environment = plan.environment.clone();
        Err(UpgradeError::NoWayBack {
            environment,
            reason,
        })
    };
    match standing.phase() {
        Phase::Committing => refused("its commit has begun"),
        Phase::RollingBack => Ok(()),
        _ if plan.previous.is_none() && machine.running()?.as_ref() == Some(&plan.environment) => {
            refused("it runs, and there is no environment before it")
        }
        _ => Ok(()),
    }
}
