use crate::cli::details::field;
use crate::cli::{CommandError, Context, Printer};
use crate::service::{ActionResult, ClusterState, Plan, ProcessState, UpgradeStatus};

/// Where an upgrade stands, for a person.
pub(super) fn status(status: &UpgradeStatus, out: &mut Printer) -> Result<(), CommandError> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let step = match (status.step, &status.step_name) {
        (Some(step), Some(name)) => format!("{step}: {name}"),
        _ => String::new(),
    };
    let result = status.last_action_result.map(ActionResult::name);
    let last = status.last_action.map(|action| match result {
        Some(result) => format!("{action}, {result}"),
        None => format!("{action}, under way"),
    });
    let upgrade = status.upgrade.as_ref();
    let rollback = status.rollback.as_ref().map(|cause| {
        let kind = if cause.automatic {
            "by itself"
        } else {
            "on request"
        };
        if cause.reason == kind {
            return kind.to_owned();
        }
        format!("{kind}: {}", cause.reason)
    });
    let error = status.error.as_ref();
    for (label, value) in [
        ("State", status.cluster_state.name().to_owned()),
        ("Process", process(status)),
        ("Step", step),
        ("Progress", format!("{}%", status.progress)),
        ("Last Action", text(last)),
        (
            "Version",
            text(
                status
                    .onefs_version_current
                    .as_ref()
                    .map(ToString::to_string),
            ),
        ),
        (
            "Running",
            text(status.running.as_ref().map(ToString::to_string)),
        ),
        (
            "Upgrade",
            text(upgrade.map(|one| format!("{}, {}", one.number, one.mode))),
        ),
        (
            "Image",
            text(upgrade.map(|one| format!("{} {}", one.name, one.version))),
        ),
        ("ID", text(upgrade.map(|one| one.package.to_string()))),
        (
            "Environment",
            text(upgrade.map(|one| one.environment.to_string())),
        ),
        (
            "Previous",
            text(upgrade.and_then(|one| one.previous.as_ref().map(ToString::to_string))),
        ),
        (
            "Started",
            text(upgrade.map(|one| format!("{} by {}", one.started, one.actor))),
        ),
        ("Changed", text(upgrade.map(|one| one.changed.to_string()))),
        ("Rolled Back", text(rollback)),
        (
            "Failed",
            text(error.map(|error| error.failed_upgrade_action.clone())),
        ),
        ("Code", text(error.map(|error| error.code.clone()))),
        ("Log", text(error.map(|error| error.log.clone()))),
    ] {
        if !value.is_empty() {
            field(out, label, &value)?;
        }
    }
    Ok(())
}

fn process(status: &UpgradeStatus) -> String {
    let state = status.upgrade_process_state.name();
    if status.interrupted {
        return format!("{state}, but no process does it");
    }
    state.to_owned()
}

/// Says what comes next, in words and with the command.
pub(super) fn next(status: &UpgradeStatus, context: &mut Context) {
    let environment = status
        .upgrade
        .as_ref()
        .map(|one| one.environment.to_string());
    let environment = environment.unwrap_or_default();
    let note = match (status.cluster_state, status.upgrade_process_state) {
        (_, ProcessState::Paused) => "paused: `isi upgrade resume` goes on".to_owned(),
        (_, ProcessState::Pausing) => "it will pause before its next step".to_owned(),
        (ClusterState::Upgrading, _) if status.step.is_none() => format!(
            "{environment} is active: start it, then `isi upgrade commit` makes it permanent"
        ),
        (ClusterState::Upgraded, _) => {
            "the new system is well: `isi upgrade commit` makes it permanent".to_owned()
        }
        _ if status.interrupted => "`isi upgrade resume` goes on with it".to_owned(),
        _ => return,
    };
    context.out.note(&note);
}

/// A plan, for a person.
pub(super) fn plan(plan: &Plan, out: &mut Printer) -> Result<(), CommandError> {
    let package = &plan.package;
    let from = plan
        .from
        .as_ref()
        .map(|from| format!("{} {}", from.name, from.version));
    let yes = if package.rollback { "yes" } else { "no" };
    for (label, value) in [
        ("Image", format!("{} {}", package.name, package.version)),
        ("ID", package.id.to_string()),
        ("From", from.unwrap_or_else(|| "nothing".to_owned())),
        ("Environment", plan.environment.to_string()),
        (
            "Previous",
            plan.previous
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        ("Mode", plan.mode.to_string()),
        ("Tries", plan.tries.to_string()),
        ("Restart", package.restart.to_string()),
        ("Rollback", yes.to_owned()),
        ("Services", package.services.join(", ")),
        ("Needed", format!("{} bytes", plan.needed)),
        ("Free", format!("{} bytes", plan.free)),
        ("Hooks", package.hooks.join(", ")),
        ("Health Checks", package.health_checks.join(", ")),
        ("Kernels", package.kernels.join(", ")),
        (
            "Downgrade",
            plan.allow_downgrade.clone().unwrap_or_default(),
        ),
    ] {
        if !value.is_empty() {
            field(out, label, &value)?;
        }
    }
    for (number, step) in (1..).zip(&plan.steps) {
        out.line(&format!("{number:>2}. {}: {}", step, step.label()))?;
    }
    Ok(())
}
