use super::Machine;
use crate::catalog::{Context, ReferenceKind};
use crate::fsio::is_root;
use crate::package::Tree;
use crate::payload::{UnpackOptions, space_taken, unpack};
use crate::system::{Activation, Image, Origin, Record, SystemError};
use crate::upgrade::{Plan, Step, UpgradeError};

impl Machine<'_> {
    /// Keeps the image from being removed from the catalog.
    pub(super) fn hold(&self, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError> {
        let reason = format!("upgrade to {}", plan.environment);
        let (id, kind) = (&plan.package.id, ReferenceKind::RunningUpgrade);
        let mut catalog = self.catalog(context)?;
        catalog.hold_reference(id, kind, &self.holder()?, &reason, context)?;
        Ok(())
    }

    /// Makes an empty root, and a record that says where it comes from.
    ///
    /// What an interrupted attempt left under the name goes first; what is finished is refused.
    pub(super) fn create(&self, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError> {
        let (system, name) = (self.system, &plan.environment);
        if system.has(name)? {
            return Err(SystemError::Exists { name: name.clone() }.into());
        }
        system.storage().discard(name)?;
        // Its kernels, its base and its record belonged to it.
        system.sweep()?;
        drop(system.storage().begin(name, None, context.progress)?);
        let mut record = Record::new(name.clone(), context.now);
        record.parent.clone_from(&plan.previous);
        record.origin = Some(origin(plan));
        Ok(system.store_record(&record)?)
    }

    /// Unpacks the image into the new root; each frame is checked before it is decoded.
    pub(super) fn unpack(
        &mut self,
        plan: &Plan,
        context: &Context<'_>,
    ) -> Result<(), UpgradeError> {
        let (id, name) = (plan.package.id, &plan.environment);
        let begun = self.system.storage().begun(name)?;
        let root = begun.ok_or_else(|| SystemError::Unknown { name: name.clone() })?;
        let opened = self.opened(id, context)?;
        let Tree { index, table } = opened.files()?;
        let (payload, options) = (opened.package.payload(), options());
        unpack(&payload, index, table, &root, &options, context.progress)
            .map(drop)
            .map_err(|source| UpgradeError::Payload { id, source })
    }

    /// How much of unpacking is done, in percent of the whole upgrade.
    ///
    /// For those who watch from another process: looked up in the new root, so that whoever unpacks there has
    /// nothing to write down.
    pub fn unpacked(&self, plan: &Plan) -> Result<u8, UpgradeError> {
        let Some(root) = self.system.storage().begun(&plan.environment)? else {
            return Ok(0);
        };
        let whole = plan.package.tree.map_or(0, |tree| tree.bytes);
        Ok(Step::Unpack.share(space_taken(&root)?, whole))
    }

    /// Gives the new environment its name, now that all of it is there.
    pub(super) fn finish(&self, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError> {
        let (system, name) = (self.system, &plan.environment);
        let unknown = || SystemError::Unknown { name: name.clone() };
        let mut record = system.record(name)?.ok_or_else(unknown)?;
        if !system.has(name)? {
            record.created = context.now;
            system.store_record(&record)?;
        }
        Ok(system.storage().finish(name)?)
    }

    /// Lets the new environment boot; on trial if there is one to go back to.
    pub(super) fn activate(&self, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError> {
        let (system, name) = (self.system, &plan.environment);
        let activation = Activation {
            once: None,
            tries: Some(plan.tries),
        };
        let mut state = system.state()?;
        state.installed = Some(Image {
            environment: name.clone(),
            origin: origin(plan),
            since: context.now,
        });
        system.store_state(&state)?;
        system.activate(name, activation)?;
        if plan.previous.is_none() {
            system.loader().mark_good(name)?;
        }
        Ok(())
    }
}

/// What a record says of where an environment comes from.
pub(in crate::upgrade) fn origin(plan: &Plan) -> Origin {
    let package = &plan.package;
    Origin {
        package: package.id,
        name: package.name.clone(),
        version: package.version.to_string(),
        build: package.build.clone(),
        product: package.product.clone(),
        release_counter: package.release_counter,
    }
}

/// Everything as it was recorded, if that can be done at all.
fn options() -> UnpackOptions {
    if is_root() {
        UnpackOptions::faithful()
    } else {
        UnpackOptions {
            sync: true,
            ..UnpackOptions::default()
        }
    }
}
