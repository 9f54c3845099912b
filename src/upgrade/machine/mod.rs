//! This machine as a node: its system, its catalog, and what it trusts.

mod carry;
mod inventory;
mod make;
mod programs;
mod settle;
mod undo;

pub(super) use self::make::origin;
pub(super) use self::programs::expect_programs;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::{Carrying, Inventory, Node, Opened, PackageFacts, Plan, Step, UpgradeError};
use crate::catalog::events::Filter;
use crate::catalog::{Access, Catalog, Context};
use crate::digest::PackageId;
use crate::fsio;
use crate::package::{Package, Verified};
use crate::system::{EnvName, KernelsBefore, Phase, System, TimeLimits, WhichKernel};
use crate::trust::{LoadError, TrustPaths, TrustStore};

/// Where a machine takes images from, and whom it believes.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The catalog directory.
    pub catalog: PathBuf,
    /// What is trusted for this system.
    pub trust: TrustPaths,
    /// Longest wait for others who use the catalog.
    pub lock_timeout: Duration,
}

/// This machine: the node that steps are really done on.
///
/// Catalog and trust are opened when a step needs them: the way back must not depend on them.
#[derive(Debug)]
pub struct Machine<'a> {
    system: &'a System,
    sources: Sources,
    /// The environment that this machine was started from, if this is its own system.
    booted: Option<EnvName>,
    /// The kernel that it was started with.
    kernel: WhichKernel,
    /// What its processors are, in the words of a manifest.
    architecture: String,
    limits: TimeLimits,
    opened: Option<Opened>,
}

impl<'a> Machine<'a> {
    /// Works on this system; the caller holds its lock for whatever changes it.
    pub fn new(
        system: &'a System,
        sources: Sources,
        booted: Option<EnvName>,
        architecture: String,
    ) -> Self {
        Self {
            system,
            sources,
            booted,
            kernel: WhichKernel::Own,
            architecture,
            limits: TimeLimits::default(),
            opened: None,
        }
    }

    /// Runs with this kernel of the environment that it was started from.
    #[must_use]
    pub fn kernel(mut self, kernel: WhichKernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// Gives programs of an image so long.
    #[must_use]
    pub fn limits(mut self, limits: TimeLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The system.
    pub fn system(&self) -> &System {
        self.system
    }

    /// The environment that runs.
    pub fn running(&self) -> Result<Option<EnvName>, UpgradeError> {
        Ok(self.system.running(self.booted.as_ref())?)
    }

    /// The environment that runs; where none does, what is wanted of it is not possible now.
    pub(super) fn expect_running(&self, wanted: &'static str) -> Result<EnvName, UpgradeError> {
        self.running()?.ok_or_else(|| UpgradeError::NotNow {
            wanted,
            found: "no environment of this system was started yet".to_owned(),
            hint:
                "start it first: its boot loader, or `isi upgrade bootenv select`, says from where"
                    .to_owned(),
        })
    }

    /// What a plan needs to know of an image in the catalog.
    pub fn facts(
        &mut self,
        id: PackageId,
        context: &Context<'_>,
    ) -> Result<PackageFacts, UpgradeError> {
        PackageFacts::of(self.opened(id, context)?)
    }

    /// What a plan needs to know of this machine where this image should come to it.
    pub fn inventory_for(
        &self,
        opened: &Opened,
        carrying: &Carrying,
        context: &Context<'_>,
    ) -> Result<Inventory, UpgradeError> {
        let mut inventory = inventory::of(self)?;
        if let Some(from) = inventory.parent().cloned() {
            inventory.carried = self.to_carry(&from, opened, carrying, context)?;
            inventory.kernels = KernelsBefore::of(self.system, &from)?;
        }
        Ok(inventory)
    }

    /// Takes an image that was judged under what is trusted for this system; it is not opened again.
    pub fn take(&mut self, opened: Opened) {
        self.opened = Some(opened);
    }

    /// What is trusted for this system: what its administrator says, and its own key if it has one.
    pub(super) fn trust(&self) -> Result<TrustStore, UpgradeError> {
        let trust = TrustStore::load(&self.sources.trust)?;
        let own = self.system.local_key();
        Ok(if fsio::is_there(&own)? {
            trust.with_local(&own)?
        } else {
            trust
        })
    }

    /// What its processors are, in the words of a manifest.
    pub(crate) fn architecture(&self) -> &str {
        &self.architecture
    }

    /// How long a health check of an image may take.
    pub(super) fn check_limit(&self) -> Duration {
        self.limits.check
    }

    /// The environment that this machine was started from, if this is its own system.
    pub(crate) fn booted(&self) -> Option<&EnvName> {
        self.booted.as_ref()
    }

    /// The kernel that it was started with.
    pub(crate) fn booted_kernel(&self) -> WhichKernel {
        self.kernel
    }

    /// The catalog, for changes.
    pub(super) fn catalog(&self, context: &Context<'_>) -> Result<Catalog, UpgradeError> {
        self.catalog_for(Access::Write, context)
    }

    fn catalog_for(&self, access: Access, context: &Context<'_>) -> Result<Catalog, UpgradeError> {
        let Sources {
            catalog,
            lock_timeout,
            ..
        } = &self.sources;
        let progress = context.progress;
        Ok(Catalog::open(catalog, access, *lock_timeout, progress)?)
    }

    /// The image, judged under the trust of now; opened once.
    pub(super) fn opened(
        &mut self,
        id: PackageId,
        context: &Context<'_>,
    ) -> Result<&Opened, UpgradeError> {
        let fresh = match self.opened.take() {
            Some(opened) if opened.id == id => opened,
            _ => {
                let trust = self.trust()?;
                Opened::of(id, self.catalog(context)?.package(&id, &trust, context)?)?
            }
        };
        Ok(self.opened.insert(fresh))
    }

    /// As [`Machine::opened`], where its files do not matter.
    pub(super) fn package(
        &mut self,
        id: PackageId,
        context: &Context<'_>,
    ) -> Result<&Package<Verified>, UpgradeError> {
        Ok(&self.opened(id, context)?.package)
    }

    /// Who needs an artifact, in the catalog's words.
    pub(crate) fn holder(&self) -> Result<String, UpgradeError> {
        Ok(format!("system {}", self.system.state()?.target))
    }
}

impl Node for Machine<'_> {
    fn inventory(&mut self, _context: &Context<'_>) -> Result<Inventory, UpgradeError> {
        inventory::of(self)
    }

    fn perform(
        &mut self,
        step: Step,
        plan: &Plan,
        context: &Context<'_>,
    ) -> Result<(), UpgradeError> {
        match step {
            Step::Hold => self.hold(plan, context),
            Step::Create => self.create(plan, context),
            Step::Unpack => self.unpack(plan, context),
            Step::Carry => self.carry(plan, context),
            Step::Kernels => self.kernels(plan, context),
            Step::Finish => self.finish(plan, context),
            Step::Activate => self.activate(plan, context),
            Step::PreInstall => self.run_hooks(Phase::PreInstall, plan, context),
            Step::PostInstall => {
                self.run_hooks(Phase::PostInstall, plan, context)?;
                self.keep_checks(plan, context)
            }
            Step::Pin => self.pin(plan, context),
            Step::Settle => self.settle(plan, context),
            Step::Release => self.release(plan, context),
            Step::Clean => self.clean(plan),
        }
    }

    fn undo(&mut self, step: Step, plan: &Plan, context: &Context<'_>) -> Result<(), UpgradeError> {
        match step {
            Step::Activate => self.deactivate(plan),
            Step::Create => self.discard(plan),
            Step::Hold => self.let_go(plan, context),
            _ => Ok(()),
        }
    }

    fn logged(
        &mut self,
        image: &PackageId,
        upgrade: u64,
        context: &Context<'_>,
    ) -> Result<BTreeSet<u64>, UpgradeError> {
        let filter = Filter {
            subject: Some((*image).into()),
            ..Filter::default()
        };
        let target = self.system.state()?.target.to_string();
        let mut lines = BTreeSet::new();
        let mut catalog = self.catalog_for(Access::Read, context)?;
        catalog.events_each(&filter, &mut |event| {
            let said = &event.details;
            if said["target"] == target.as_str() && said["upgrade"] == upgrade {
                lines.extend(said["record"].as_u64());
            }
            true
        })?;
        Ok(lines)
    }

    fn log(
        &mut self,
        kind: &'static str,
        image: &PackageId,
        mut details: serde_json::Value,
        context: &Context<'_>,
    ) -> Result<(), UpgradeError> {
        // Several systems may have one catalog.
        details["target"] = self.system.state()?.target.to_string().into();
        let mut catalog = self.catalog(context)?;
        Ok(catalog.record(kind, Some(image), details, context)?)
    }
}

impl From<LoadError> for UpgradeError {
    fn from(error: LoadError) -> Self {
        Self::Trust(Box::new(error))
    }
}
