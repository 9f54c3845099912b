use super::Machine;
use crate::catalog::{Access, Context};
use crate::payload::FileTable;
use crate::system::{
    CarryError, CarryRequest, EnvName, KernelError, Lists, ListsError, Record, SystemError,
    bytes_to_carry, carry, install_kernels,
};
use crate::trust::TrustStore;
use crate::upgrade::{Carrying, Opened, Plan, UpgradeError, own_image};

/// Kind of the entry in the event log that says what came over.
const CARRIED: &str = "upgrade-carry";
/// Most conflicts that one entry of the event log names.
const NAMED: usize = 100;

impl Machine<'_> {
    /// Carries over what belongs to the machine and not to the image.
    pub(super) fn carry(&mut self, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError> {
        let (id, name) = (plan.package.id, &plan.environment);
        let begun = self.system.storage().begun(name)?;
        let root = begun.ok_or_else(|| SystemError::Unknown { name: name.clone() })?;
        let system = self.system;
        let from = plan.parent();
        let previous = from.and_then(|from| self.last_image(from, context));
        let opened = self.opened(id, context)?;
        let lists = Lists::read(&opened.package, &plan.carrying.skip)?;
        let request = CarryRequest {
            from,
            to: name,
            root: &root,
            image: &opened.files()?.table,
            previous: previous.as_ref(),
            lists: &lists,
        };
        let report = carry(system, &request, context.progress)?;
        let mut record = self.record_of(name)?;
        record.carried = report.changed;
        system.store_record(&record)?;
        let conflicts = report.conflicts.iter().take(NAMED);
        let details = serde_json::json!({
            "environment": name,
            "from": from,
            "kept": report.kept,
            "bytes": report.bytes,
            "obsolete": report.obsolete.len(),
            "conflicts": report.conflicts.len(),
            "paths": conflicts.map(|conflict| conflict.path.to_text()).collect::<Vec<_>>(),
        });
        let mut catalog = self.catalog(context)?;
        Ok(catalog.record(CARRIED, Some(&id), details, context)?)
    }

    /// Bytes that what comes over from the environment `from` will take beside this image, besides what is merged.
    pub(super) fn to_carry(
        &self,
        from: &EnvName,
        opened: &Opened,
        carrying: &Carrying,
        context: &Context<'_>,
    ) -> Result<u64, UpgradeError> {
        let Some(tree) = &opened.tree else {
            return Ok(0);
        };
        if !self.system.has(from)? {
            return Ok(0);
        }
        let previous = self.last_image(from, context);
        let lists = Lists::read(&opened.package, &carrying.skip)?;
        let (system, progress) = (self.system, context.progress);
        let bytes = bytes_to_carry(
            system,
            from,
            &tree.table,
            previous.as_ref(),
            &lists,
            progress,
        );
        Ok(bytes?)
    }

    /// Puts the kernels beside the environment.
    pub(super) fn kernels(
        &mut self,
        plan: &Plan,
        context: &Context<'_>,
    ) -> Result<(), UpgradeError> {
        let (system, name) = (self.system, &plan.environment);
        let package = self.package(plan.package.id, context)?;
        let (choice, keep) = (&plan.carrying.kernel, plan.carrying.keep_old_kernel);
        let boot = install_kernels(system, name, package, choice, plan.parent(), keep)?;
        let mut record = self.record_of(name)?;
        record.boot = boot;
        Ok(system.store_record(&record)?)
    }

    fn record_of(&self, name: &EnvName) -> Result<Record, UpgradeError> {
        let record = self.system.record(name)?;
        Ok(record.ok_or_else(|| SystemError::Unknown { name: name.clone() })?)
    }

    /// What the image of the old environment held; nothing if it is not there any more, is not trusted any
    /// more, or was made from a running system, so that the machine's own files are in it.
    fn last_image(&self, parent: &EnvName, context: &Context<'_>) -> Option<FileTable> {
        let record = self.system.record(parent).ok()??;
        let id = record.origin?.package;
        let trust = TrustStore::load(&self.sources.trust).ok()?;
        let catalog = self.catalog_for(Access::Read, context);
        let package = catalog.ok()?.package(&id, &trust, context);
        let package = package.ok()?;
        if package.manifest().name == own_image::NAME {
            return None;
        }
        package.tree().ok()?.map(|tree| tree.table)
    }
}

impl From<CarryError> for UpgradeError {
    fn from(error: CarryError) -> Self {
        match error {
            CarryError::Cancelled => Self::Cancelled,
            error => Self::Carry(Box::new(error)),
        }
    }
}

impl From<KernelError> for UpgradeError {
    fn from(error: KernelError) -> Self {
        Self::Kernel(Box::new(error))
    }
}

impl From<ListsError> for UpgradeError {
    fn from(error: ListsError) -> Self {
        Self::Lists(Box::new(error))
    }
}
