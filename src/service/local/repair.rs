use super::{Local, context, dated, warn};
use crate::catalog::repair::{Action, Repair, Repaired, missed_by, search};
use crate::catalog::{Access, CatalogError};
use crate::fsio::with_causes;
use crate::service::{Call, Event, RepairReply, RepairRequest, SCHEMA, ServiceError};
use crate::trust::TrustStore;

impl Local {
    pub(super) fn repair(
        &self,
        request: &RepairRequest,
        call: &Call<'_>,
    ) -> Result<RepairReply, ServiceError> {
        let trust = self.trust()?;
        let context = dated(call)?;
        let (root, timeout) = (&self.paths.catalog, self.lock_timeout);
        let repair = Repair::plan(root, &trust, timeout, &context)?;
        let plan = repair.planned();
        let fetched = search(&request.from, &plan.problems, &context)?;
        for action in plan.actions.iter().chain(&fetched) {
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
            planned: count(plan.actions.len().saturating_add(fetched.len())),
            done: 0,
            skipped: 0,
            set_aside: count(set_aside.count()),
        };
        for action in &fetched {
            reply.settle(action);
        }
        if request.dry_run || reply.planned == 0 {
            return Ok(reply);
        }
        if !call.observer.agrees(&reply) {
            return Err(CatalogError::Cancelled.into());
        }
        reply.problems.clone_from(&repair.planned().problems);
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
            denied,
        } = repair.apply(&trust, &context, &mut told)?;
        (reply.done, reply.skipped, reply.set_aside) = (done, skipped, set_aside);
        reply.problems.extend(denied);
        for action in &fetched {
            self.fetch(action, &trust, &mut reply, call)?;
        }
        Ok(reply)
    }

    /// Fetches one; where that does not work, the problem stays and why is told.
    fn fetch(
        &self,
        action: &Action,
        trust: &TrustStore,
        reply: &mut RepairReply,
        call: &Call<'_>,
    ) -> Result<(), ServiceError> {
        let Action::Fetch { id, from } = action else {
            return Ok(());
        };
        let mut catalog = self.catalog(Access::Write, call)?;
        match catalog.fetch(id, from, trust, &context(call)) {
            Ok(()) => {
                reply.settle(action);
                reply.done = reply.done.saturating_add(1);
                call.observer.event(&Event::RepairDone(action));
                Ok(())
            }
            Err(CatalogError::Cancelled) => Err(CatalogError::Cancelled.into()),
            Err(error) => {
                let message = format!(
                    "cannot fetch {id} from {}: {}",
                    from.display(),
                    with_causes(&error)
                );
                warn(call, error.code(), &message, error.hint().as_deref());
                Ok(())
            }
        }
    }
}

impl RepairReply {
    /// Takes out the problems that a step puts an end to.
    fn settle(&mut self, action: &Action) {
        let id = action.id();
        self.problems.retain(|problem| missed_by(problem) != id);
    }
}
