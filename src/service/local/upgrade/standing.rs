use super::super::context;
use super::{Local, journals};
use crate::service::{
    Call, SCHEMA, ServiceError, StatusError, Target, UpgradeItem, UpgradeStatus, UpgradesReply,
};
use crate::system::System;
use crate::upgrade::journal::Record;
use crate::upgrade::{ClusterState, Node as _, Phase, ProcessState, Standing, Step};

/// What failed, where it was no step but the start of the new system.
const START: &str = "start";
/// The code of a new system that is not well.
const UNHEALTHY: &str = "E_UNHEALTHY";

impl Local {
    pub(crate) fn upgrade_view(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        let system = self.system(target)?;
        self.notice(&system, target, call)?;
        self.status(&system, target, call)
    }

    pub(crate) fn upgrade_history(&self, target: &Target) -> Result<UpgradesReply, ServiceError> {
        let system = self.system(target)?;
        let journals = journals(&system)?;
        let mut upgrades = Vec::new();
        for archived in journals.archived()? {
            upgrades.extend(item(&archived.records?));
        }
        upgrades.extend(journals.read()?.and_then(|records| item(&records)));
        Ok(UpgradesReply {
            schema: SCHEMA,
            root: system.root().path().to_owned(),
            upgrades,
        })
    }

    /// Where the upgrade of a system stands.
    pub(super) fn status(
        &self,
        system: &System,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        let journals = journals(system)?;
        let records = journals.read()?.unwrap_or_default();
        let standing = Standing::of(&records);
        let standing = standing.as_ref();
        let mut machine = self.machine(system, target)?;
        let inventory = machine.inventory(&context(call))?;
        let cluster_state = ClusterState::of(standing);
        let under_way = standing.filter(|standing| standing.phase() != Phase::Ended);
        let next = under_way.and_then(Standing::next_step);
        let asked = journals.is_pause_asked()?;
        let upgrade_process_state = ProcessState::of(standing, asked);
        let works = next.is_some() && system.is_locked()?;
        // While somebody works on it, it is the step that was begun; else the one to go on with.
        let begun = under_way.filter(|_| works).and_then(|found| found.begun);
        let step = begun.or(next);
        let unpacks = under_way.filter(|_| begun == Some(Step::Unpack));
        // It is only shown: what cannot be measured is not there yet.
        let unpacked = unpacks.map_or(0, |found| machine.unpacked(&found.plan).unwrap_or(0));
        let stopped =
            standing.is_some_and(|standing| standing.paused || standing.failure.is_some());
        Ok(UpgradeStatus {
            schema: SCHEMA,
            root: system.root().path().to_owned(),
            cluster_state,
            upgrade_process_state,
            current_process: under_way.map(|standing| standing.action),
            node_state: cluster_state,
            interrupted: step.is_some() && !works && !stopped,
            step,
            step_name: standing
                .zip(step)
                .map(|(standing, step)| step.label_in(standing.action).to_owned()),
            progress: standing
                .map_or(0, Standing::percent)
                .saturating_add(unpacked),
            last_action: standing.map(|standing| standing.last_action().0),
            last_action_result: standing.and_then(|standing| standing.last_action().1),
            error: standing.and_then(error),
            rollback: standing.and_then(|standing| standing.rollback.clone()),
            onefs_version_current: inventory.installed.map(|image| image.version),
            onefs_version_upgrade: standing.map(|standing| standing.plan.package.version.clone()),
            upgrade_is_committed: cluster_state == ClusterState::Committed,
            running: machine.running()?,
            floors: inventory.floors,
            upgrade: item(&records),
        })
    }
}

/// What went wrong last; an upgrade that was rolled back keeps what it was rolled back for.
fn error(standing: &Standing) -> Option<StatusError> {
    if let Some(failure) = &standing.failure {
        return Some(StatusError {
            failed_upgrade_action: failure.step.name().to_owned(),
            code: failure.code.clone(),
            log: failure.message.clone(),
        });
    }
    let reason = standing.bad.as_ref()?;
    Some(StatusError {
        failed_upgrade_action: START.to_owned(),
        code: UNHEALTHY.to_owned(),
        log: reason.clone(),
    })
}

/// One upgrade, as its journal tells.
fn item(records: &[Record]) -> Option<UpgradeItem> {
    let standing = Standing::of(records)?;
    let state = match standing.outcome {
        Some(outcome) => outcome.name().to_owned(),
        None => ClusterState::of(Some(&standing)).name().to_owned(),
    };
    let code = error(&standing).map(|error| error.code);
    let plan = standing.plan;
    Some(UpgradeItem {
        number: standing.number,
        state,
        package: plan.package.id,
        name: plan.package.name,
        version: plan.package.version,
        from: plan.from.map(|image| image.version),
        environment: plan.environment,
        previous: plan.previous,
        mode: plan.mode,
        actor: standing.actor,
        started: standing.started,
        changed: standing.changed,
        code,
    })
}
