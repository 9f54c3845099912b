use super::Machine;
use crate::catalog::{Context, ReferenceKind};
use crate::system::loader::Next;
use crate::system::{Activation, Image};
use crate::upgrade::{Plan, UpgradeError};

impl Machine<'_> {
    /// Lets what booted before boot again, and the new environment not any more.
    ///
    /// The default goes first: between the two there is always something to boot. Where nothing booted before,
    /// nothing boots then.
    pub(super) fn deactivate(&self, plan: &Plan) -> Result<(), UpgradeError> {
        let (system, name) = (self.system, &plan.environment);
        let loader = system.loader();
        if loader.default()?.as_ref() == Some(name) {
            match &plan.previous {
                Some(previous) => system.activate(previous, Activation::default())?,
                None => loader.forget_default()?,
            }
        }
        if matches!(loader.next()?, Next::Once(next, _) if next == *name) {
            loader.forget_next()?;
        }
        if loader.entry(name)?.is_some() {
            loader.mark_bad(name)?;
        }
        // Nor does a menu offer it any more.
        loader.remove_old_kernel(name)?;
        let mut state = system.state()?;
        if state
            .installed
            .as_ref()
            .is_some_and(|image| image.environment == *name)
        {
            state.installed = self.before(plan)?;
            system.store_state(&state)?;
        }
        Ok(())
    }

    /// Removes what was begun and never finished.
    pub(super) fn discard(&self, plan: &Plan) -> Result<(), UpgradeError> {
        let (system, name) = (self.system, &plan.environment);
        if !system.has(name)? {
            system.storage().discard(name)?;
        }
        // What interrupted writes left beside the entries goes in any case.
        Ok(system.sweep()?)
    }

    /// Lets the image be removed from the catalog.
    ///
    /// The way back needs no catalog: where that cannot be noted, the reference stays until the next commit
    /// drops it.
    pub(super) fn let_go(&self, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError> {
        let (id, kind) = (&plan.package.id, ReferenceKind::RunningUpgrade);
        let (holder, reason) = (self.holder()?, "rolled back");
        let released = self.catalog(context).and_then(|mut catalog| {
            Ok(catalog.release_reference(id, kind, &holder, reason, context)?)
        });
        if let Err(error) = released
            && !error.is_cancelled()
        {
            tracing::warn!(code = error.code(), "the catalog still holds {id}");
        }
        Ok(())
    }

    /// The image that was installed before the plan was made.
    fn before(&self, plan: &Plan) -> Result<Option<Image>, UpgradeError> {
        let Some(previous) = &plan.previous else {
            return Ok(None);
        };
        let Some(record) = self.system.record(previous)? else {
            return Ok(None);
        };
        Ok(record.origin.map(|origin| Image {
            environment: previous.clone(),
            origin,
            since: record.good_since.unwrap_or(record.created),
        }))
    }
}
