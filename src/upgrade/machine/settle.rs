use super::Machine;
use super::make::origin;
use crate::catalog::{CatalogError, Context, ListRequest, ListedReference, ReferenceKind};
use crate::digest::PackageId;
use crate::system::loader::Counter;
use crate::system::{EnvName, Image, SystemError};
use crate::upgrade::{Plan, Run, UpgradeError};

impl Machine<'_> {
    /// Keeps the committed image in the catalog.
    pub(super) fn pin(&self, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError> {
        self.pin_image(&plan.package.id, &plan.environment, context)
    }

    /// As [`Machine::pin`], of any image.
    pub(crate) fn pin_image(
        &self,
        id: &PackageId,
        environment: &EnvName,
        context: &Context<'_>,
    ) -> Result<(), UpgradeError> {
        let reason = format!("committed, in environment {environment}");
        let kind = ReferenceKind::CommittedImage;
        let mut catalog = self.catalog(context)?;
        catalog.hold_reference(id, kind, &self.holder()?, &reason, context)?;
        Ok(())
    }

    /// Notes in the system's state what is committed, and raises the floor; neither is ever lowered.
    pub(super) fn settle(&self, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError> {
        let (system, name) = (self.system, &plan.environment);
        system.mark_good(name, context.now)?;
        let mut state = system.state()?;
        let image = Image {
            environment: name.clone(),
            origin: origin(plan),
            since: context.now,
        };
        let known = state.committed.as_ref();
        if known.is_some_and(|known| known.environment == *name && known.origin == image.origin) {
            return Ok(());
        }
        let floor = state.floors.entry(plan.package.product.clone());
        let floor = floor.or_default();
        *floor = (*floor).max(plan.package.release_counter);
        state.installed = Some(image.clone());
        state.committed = Some(image);
        Ok(system.store_state(&state)?)
    }

    /// Lets the catalog go of what this system needed before.
    pub(super) fn release(&self, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError> {
        let holder = self.holder()?;
        let mut catalog = self.catalog(context)?;
        let needed = catalog.list(&needed_by(&holder))?;
        for artifact in needed.items {
            let id = artifact.artifact.id;
            for reference in catalog.references(&id)? {
                let stays = match reference.kind {
                    ReferenceKind::CommittedImage => id == plan.package.id,
                    kind => kind != ReferenceKind::RunningUpgrade,
                };
                if reference.holder != holder || stays {
                    continue;
                }
                let reason = format!("{} is committed", plan.environment);
                let released =
                    catalog.release_reference(&id, reference.kind, &holder, &reason, context);
                match released {
                    Err(CatalogError::NotReferenced { .. }) => {}
                    released => released?,
                }
            }
        }
        Ok(())
    }

    /// The artifacts that this system needs no more once `image` is committed: ID, name and version.
    pub(crate) fn superseded(
        &self,
        image: &PackageId,
        context: &Context<'_>,
    ) -> Result<Vec<(PackageId, String, String)>, UpgradeError> {
        let holder = self.holder()?;
        let needed = self.catalog(context)?.list(&needed_by(&holder))?.items;
        let of_us = |kind: &ReferenceKind, found: &ListedReference| {
            found.holder == holder && found.kind == kind.name()
        };
        let superseded = needed.into_iter().filter(|found| {
            let mut references = found.references.iter();
            let committed = references.any(|one| of_us(&ReferenceKind::CommittedImage, one));
            committed && found.artifact.id != *image
        });
        let shown = superseded.map(|found| {
            let artifact = found.artifact;
            (artifact.id, artifact.name, artifact.version.to_string())
        });
        Ok(shown.collect())
    }

    /// Whether the catalog has an image, whoever trusts it now.
    pub(crate) fn has_image(
        &self,
        id: &PackageId,
        context: &Context<'_>,
    ) -> Result<bool, UpgradeError> {
        let mut catalog = self.catalog(context)?;
        if catalog.find(id)?.is_none() {
            return Ok(false);
        }
        match catalog.package(id, &self.trust()?, context) {
            Err(CatalogError::ArtifactMissing { .. } | CatalogError::ArtifactCorrupt { .. }) => {
                Ok(false)
            }
            Ok(_) | Err(CatalogError::Verify { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Enters into the event log what happened; what goes wrong with that is told and stops nothing.
    pub(crate) fn tell(
        &self,
        kind: &'static str,
        image: Option<&PackageId>,
        details: serde_json::Value,
        run: &Run<'_>,
    ) {
        let context = run.context();
        let told = self
            .catalog(&context)
            .and_then(|mut catalog| Ok(catalog.record(kind, image, details, &context)?));
        if let Err(error) = told {
            let message = format!("{kind} is not in the event log: {error}");
            run.watch.warning(error.code(), &message);
        }
    }

    /// Removes the environments that this upgrade and earlier ones made needless.
    pub(super) fn clean(&self, plan: &Plan) -> Result<(), UpgradeError> {
        for name in self.needless(plan)? {
            match self.system.destroy(&name, self.booted.as_ref()) {
                // Somebody activated or started it meanwhile.
                Err(SystemError::Needed { .. } | SystemError::Unknown { .. }) => {}
                destroyed => destroyed?,
            }
        }
        Ok(self.system.sweep()?)
    }

    /// The environments that a commit removes: the one before, and what never came to anything.
    pub(crate) fn needless(&self, plan: &Plan) -> Result<Vec<EnvName>, UpgradeError> {
        let storage = self.system.storage();
        let mut found = storage.unfinished()?;
        for name in storage.names()? {
            let before = plan.previous.as_ref() == Some(&name);
            let entry = self.system.loader().entry(&name)?;
            let counter = entry.and_then(|found| found.counter);
            let is_bad = counter.is_some_and(Counter::is_bad);
            let never_good = self
                .system
                .record(&name)?
                .is_some_and(|record| record.origin.is_some() && record.good_since.is_none());
            if name != plan.environment && (before || (is_bad && never_good)) {
                found.push(name);
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}

/// Everything in the catalog that this holder needs.
pub(super) fn needed_by(holder: &str) -> ListRequest {
    ListRequest {
        reference: Some(holder.to_owned()),
        ..ListRequest::default()
    }
}
