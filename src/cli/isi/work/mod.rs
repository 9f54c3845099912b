//! `isi upgrade start` and what goes with it: begin an upgrade, watch it, go on with it.

pub(super) mod archive;
pub(super) mod assess;
pub(super) mod commit;
pub(super) mod history;
mod image;
pub(super) mod pause;
pub(super) mod resolve;
pub(super) mod resume;
pub(super) mod retry;
pub(super) mod rollback;
mod shown;
pub(super) mod start;
mod steps;
pub(super) mod view;

use super::catalog::call;
use crate::cli::{CommandError, Context, Exit};
use crate::service::{Action, ResolveRequest, Target, UpgradeStatus};

/// How a command ends that did steps of an upgrade: says where it stands and what comes next.
fn ended(
    done: Result<UpgradeStatus, CommandError>,
    attempt: &'static str,
    target: &Target,
    json: bool,
    context: &mut Context,
) -> Result<Exit, CommandError> {
    if let Err(error) = &done {
        steps::stopped(error, &mut context.out);
    }
    let status = done.map_err(|error| error.attempting(attempt))?;
    if json {
        steps::end(&status, &mut context.out)?;
    } else {
        shown::next(&status, context);
    }
    told_of_conflicts(target, &status, context)
}

/// How a command ends that may have left something to decide in the environment that it made; says so.
fn told_of_conflicts(
    target: &Target,
    status: &UpgradeStatus,
    context: &mut Context,
) -> Result<Exit, CommandError> {
    let made = status.last_action == Some(Action::Upgrade);
    let Some(upgrade) = status.upgrade.as_ref().filter(|_| made) else {
        return Ok(Exit::Done);
    };
    let request = ResolveRequest {
        target: target.clone(),
        environment: Some(upgrade.environment.clone()),
        paths: Vec::new(),
        decision: None,
    };
    let reply = call(context, |service, call| {
        service.upgrade_resolve(&request, call)
    })?;
    let count = reply.conflicts.len();
    if count == 0 {
        return Ok(Exit::Done);
    }
    context.out.warn(&format!(
        "{count} {} not be merged and {} as before: `isi upgrade resolve` lists what is to be decided",
        if count == 1 { "file could" } else { "files could" },
        if count == 1 { "is" } else { "are" },
    ));
    Ok(Exit::ProblemsFound)
}
