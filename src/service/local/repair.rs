use super::{Local, context};
use crate::catalog::CatalogError;
use crate::catalog::repair::{Action, Repair, Repaired};
use crate::service::{Call, Event, RepairReply, RepairRequest, SCHEMA, ServiceError};

impl Local {
    pub(super) fn repair(
        &self,
        request: RepairRequest,
        call: &Call<'_>,
    ) -> Result<RepairReply, ServiceError> {
        let trust = self.trust()?;
        let context = context(call);
        let (root, timeout) = (&self.paths.catalog, self.lock_timeout);
        let repair = Repair::plan(root, &trust, timeout, &context)?;
        let plan = repair.planned();
        for action in &plan.actions {
            call.observer.event(&Event::RepairPlanned(action));
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let set_aside = plan.actions.iter().filter(|action| action.sets_aside());
        let mut reply = RepairReply {
            schema: SCHEMA,
            problems: plan.problems.clone(),
            files: plan.files,
            bytes: plan.bytes,
            left_to_clean: plan.left_to_clean,
            planned: count(plan.actions.len()),
            done: 0,
            skipped: 0,
            set_aside: count(set_aside.count()),
        };
        if request.dry_run || plan.actions.is_empty() {
            return Ok(reply);
        }
        if !call.observer.agrees(&reply) {
            return Err(CatalogError::Cancelled.into());
        }
        let mut told = |action: &Action, done: bool| {
            call.observer.event(&if done {
                Event::RepairDone(action)
            } else {
                Event::RepairSkipped(action)
            });
        };
        let Repaired {
            done,
            skipped,
            set_aside,
        } = repair.apply(&trust, &context, &mut told)?;
        (reply.done, reply.skipped, reply.set_aside) = (done, skipped, set_aside);
        Ok(reply)
    }
}
