//! Upgrades: the calls that begin one, go on with it, and tell where it stands.

mod permanent;
mod plan;
mod standing;
mod work;

use super::Local;
use crate::service::{Call, Event, Observer, ServiceError, Target};
use crate::system::layout::UPGRADE;
use crate::system::{System, WhichKernel};
use crate::upgrade::{Journals, Machine, Run, Sources, StepEvent, Watch};

impl Local {
    fn sources(&self, target: &Target) -> Result<Sources, ServiceError> {
        Ok(Sources {
            catalog: self.paths.catalog.clone(),
            trust: self.trust_paths_of(target)?,
            lock_timeout: self.lock_timeout,
        })
    }

    /// This machine as a node that works on a system.
    fn machine<'a>(
        &self,
        system: &'a System,
        target: &Target,
    ) -> Result<Machine<'a>, ServiceError> {
        let booted = self.booted_of(target).cloned();
        let kernel = booted.as_ref().map_or(WhichKernel::Own, |_| self.kernel);
        let architecture = self.architecture.clone();
        let sources = self.sources(target)?;
        let machine = Machine::new(system, sources, booted, architecture);
        Ok(machine.kernel(kernel).limits(self.policy.limits))
    }
}

/// The journals of a system's upgrades.
pub(super) fn journals(system: &System) -> Result<Journals, ServiceError> {
    Ok(Journals::new(system.directory(UPGRADE)?))
}

/// The work of an engine that this call asks for; who observes the call is told of it.
fn run<'a>(call: &'a Call<'_>) -> Run<'a> {
    Run::new(call.now, call.actor, &call.observer)
}

impl Watch for &(dyn Observer + '_) {
    fn step(&self, event: &StepEvent) {
        self.event(&Event::Step(event));
    }

    fn warning(&self, code: &str, message: &str) {
        let hint = None;
        self.event(&Event::Warning {
            code,
            message,
            hint,
        });
    }
}
