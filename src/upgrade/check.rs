//! Whether the system that runs is well, and what follows from that.

use super::automatic::{RolledBack, notice_rollback};
use super::engine::{Engine, Run};
use super::journal::Entry;
use super::{Journals, Machine, Phase, Standing, UpgradeError};
use crate::digest::PackageId;
use crate::system::{Checked, EnvName, SystemError, WhichKernel};

/// Least free space that a system which is well has, in bytes: enough to write down what happens.
const LEAST_FREE: u64 = 1 << 20;

/// What a look at the running system came to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CheckReport {
    /// The environment that was looked at.
    pub environment: EnvName,
    /// What was looked at, and what was found.
    pub checks: Vec<Checked>,
    /// What followed.
    pub settled: Settled,
    /// An upgrade that the boot loader gave up by itself, and that was written down now.
    pub rolled_back: Option<RolledBack>,
}

/// What followed from a look at the running system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// It is good, whatever was found, and stays so.
    Nothing,
    /// It was on trial and is good now.
    Good,
    /// It was on trial, and will not be started again by itself.
    Bad,
    /// It stays on trial, whatever was found: it runs with a kernel that is not its own.
    Trial,
}

impl CheckReport {
    /// Whether everything is well.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }
}

/// Looks whether the running system is well, and marks it good or bad if it is on trial; needs the lock of
/// the system.
///
/// Before that, a rollback that happened by itself is written down. A system that was good stays good
/// whatever is found: that it is not well is for its administrator. One on trial that runs with the old kernel
/// proves nothing about its own: good, that kernel would be started again and again, even if it never comes up.
pub fn check(
    machine: &mut Machine<'_>,
    journals: &Journals,
    run: Run<'_>,
) -> Result<CheckReport, UpgradeError> {
    let rolled_back = notice_rollback(machine, journals, run)?;
    let environment = machine.expect_running("looking whether it is well")?;
    let mut checks = built_in(machine, &environment)?;
    checks.extend(from_package(machine, &environment, &run)?);
    let passed = checks.iter().all(|check| check.passed);
    let settled = settle(machine, &environment, passed, &run)?;
    let report = CheckReport {
        environment,
        checks,
        settled,
        rolled_back,
    };
    note(machine, journals, &report, run)?;
    Ok(report)
}

/// Marks an environment that is on trial.
fn settle(
    machine: &Machine<'_>,
    environment: &EnvName,
    passed: bool,
    run: &Run<'_>,
) -> Result<Settled, UpgradeError> {
    let system = machine.system();
    let entry = system.loader().entry(environment)?;
    let counter = entry.and_then(|entry| entry.counter);
    Ok(match (counter, passed) {
        (None, _) => Settled::Nothing,
        (Some(_), _) if machine.booted_kernel() == WhichKernel::Old => Settled::Trial,
        (Some(_), true) => {
            system.mark_good(environment, run.now())?;
            Settled::Good
        }
        (Some(counter), false) if counter.is_bad() => Settled::Bad,
        (Some(_), false) => {
            system.loader().mark_bad(environment)?;
            Settled::Bad
        }
    })
}

/// Writes down what was found: in the journal if an upgrade waits for it, and in the event log.
fn note(
    machine: &mut Machine<'_>,
    journals: &Journals,
    report: &CheckReport,
    run: Run<'_>,
) -> Result<(), UpgradeError> {
    let checks = serde_json::to_value(&report.checks).unwrap_or_default();
    let image = image_of(machine, &report.environment)?;
    let details = serde_json::json!({
        "environment": report.environment,
        "passed": report.passed(),
        "settled": report.settled,
        "checks": checks,
    });
    let waits = |standing: &Standing| {
        standing.phase() == Phase::Waiting && standing.plan.environment == report.environment
    };
    if report.settled != Settled::Trial
        && let Some(mut engine) = Engine::open(machine, journals, run)?
        && engine.standing().as_ref().is_some_and(waits)
    {
        engine.enter(if report.passed() {
            Entry::Good { checks }
        } else {
            let reason = failures(&report.checks);
            Entry::Bad { reason, checks }
        })?;
    }
    machine.tell("health-check", image.as_ref(), details, &run);
    Ok(())
}

/// What is wrong, in one line.
fn failures(checks: &[Checked]) -> String {
    let failed = checks.iter().filter(|check| !check.passed);
    let failed = failed.map(|check| format!("{}: {}", check.name, check.detail));
    failed.collect::<Vec<_>>().join("; ")
}

fn image_of(
    machine: &Machine<'_>,
    environment: &EnvName,
) -> Result<Option<PackageId>, UpgradeError> {
    let record = machine.system().record(environment)?;
    Ok(record.and_then(|record| record.origin.map(|origin| origin.package)))
}

/// What every system can be asked.
fn built_in(machine: &Machine<'_>, environment: &EnvName) -> Result<Vec<Checked>, UpgradeError> {
    let system = machine.system();
    let mut checks = Vec::new();
    checks.push(match system.record(environment)? {
        Some(record) if record.name == *environment => {
            Checked::passed("environment", format!("{environment} runs"))
        }
        _ => Checked::failed(
            "environment",
            "E_HEALTH_RECORD",
            format!("nothing is known of {environment}"),
        ),
    });
    // Without it the next package could not be verified, and the machine would stay what it is.
    checks.push(match machine.trust() {
        Ok(_) => Checked::passed("trust", "packages can be verified"),
        Err(error) => Checked::failed("trust", error.code(), text_of(&error)),
    });
    let free = system.root().free_space()?;
    checks.push(if free < LEAST_FREE {
        Checked::failed(
            "space",
            "E_NO_SPACE",
            format!("{free} bytes are free: expected {LEAST_FREE} or more"),
        )
    } else {
        Checked::passed("space", format!("{free} bytes are free"))
    });
    Ok(checks)
}

/// What the image itself brought.
fn from_package(
    machine: &Machine<'_>,
    environment: &EnvName,
    run: &Run<'_>,
) -> Result<Vec<Checked>, UpgradeError> {
    let system = machine.system();
    let (time_limit, watch) = (machine.check_limit(), run.watch);
    let found = if machine.booted() == Some(environment) {
        system.run_checks(environment, None, time_limit, watch)
    } else {
        let root = system.storage().open(environment)?;
        system.run_checks(environment, Some(&root), time_limit, watch)
    };
    match found {
        // Checks that were changed are no checks: the system is not known to be well.
        Err(error @ (SystemError::Damaged { .. } | SystemError::Files(_))) => {
            let error = UpgradeError::from(error);
            let code = error.code();
            Ok(vec![Checked::failed("checks", code, text_of(&error))])
        }
        found => Ok(found?),
    }
}

fn text_of(error: &UpgradeError) -> String {
    super::engine::layers(error).join(": ")
}
