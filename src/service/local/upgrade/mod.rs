//! Upgrades: the calls that begin one, go on with it, and tell where it stands.

mod permanent;
mod plan;
mod standing;
mod work;

use std::time::Duration;

use super::Local;
use crate::progress::{Holder, Progress};
use crate::service::{Call, Event, Observer, ServiceError, Target};
use crate::system::System;
use crate::system::layout::UPGRADE;
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
        let architecture = self.architecture.clone();
        let sources = self.sources(target)?;
        let machine = Machine::new(system, sources, booted, architecture);
        Ok(machine.limits(self.policy.limits))
    }
}

/// The journals of a system's upgrades.
pub(super) fn journals(system: &System) -> Result<Journals, ServiceError> {
    Ok(Journals::new(system.directory(UPGRADE)?))
}

/// Hands what an engine tells to whoever observes the call.
struct Watching<'a>(&'a dyn Observer);

impl Watching<'_> {
    fn run<'a>(&'a self, call: &Call<'a>) -> Run<'a> {
        Run::new(call.now, call.actor, self)
    }
}

impl Progress for Watching<'_> {
    fn begin(&self, name: &str, total: u64) {
        self.0.begin(name, total);
    }

    fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }

    fn waiting(&self, holder: Holder, at_most: Duration) {
        self.0.waiting(holder, at_most);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

impl Watch for Watching<'_> {
    fn step(&self, event: &StepEvent) {
        self.0.event(&Event::Step(event));
    }

    fn warning(&self, code: &str, message: &str) {
        let hint = None;
        self.0.event(&Event::Warning {
            code,
            message,
            hint,
        });
    }
}
