use super::Machine;
use crate::catalog::Context;
use crate::manifest::RegionKind;
use crate::package::{OpenError, Package, Verified};
use crate::system::{
    self, HealthCheck, HookError, HookFacts, MAX_CHECKS, MAX_PROGRAM, SystemError,
};
use crate::upgrade::{Plan, UpgradeError};

impl Machine<'_> {
    /// Runs the image's hooks of one phase in the new root; what each said is in the event log.
    pub(super) fn run_hooks(
        &mut self,
        phase: system::Phase,
        plan: &Plan,
        context: &Context<'_>,
    ) -> Result<(), UpgradeError> {
        let (id, name) = (plan.package.id, &plan.environment);
        let hooks = plan.package.hooks.iter();
        if !hooks
            .clone()
            .any(|hook| system::Phase::of(hook) == Some(phase))
        {
            return Ok(());
        }
        let begun = self.system.storage().begun(name)?;
        let root = begun.ok_or_else(|| SystemError::Unknown { name: name.clone() })?;
        let old_version = plan.from.as_ref().map(|from| from.version.to_string());
        let facts = HookFacts {
            environment: name.as_str(),
            package: &id.to_string(),
            version: &plan.package.version.to_string(),
            old_version: &old_version.unwrap_or_default(),
        };
        let mut reports = Vec::new();
        let limit = self.limits.hook;
        let package = self.package(id, context)?;
        let ran = system::run_hooks(
            package,
            phase,
            &root,
            &facts,
            limit,
            context.progress,
            &mut |report| reports.push(report.clone()),
        );
        // What a hook said is wanted most when it failed; the failure itself is what counts.
        let logged = reports.iter().try_for_each(|report| {
            let details = serde_json::json!({ "phase": phase, "report": report });
            let mut catalog = self.catalog(context)?;
            Ok::<_, UpgradeError>(catalog.record("hook", Some(&id), details, context)?)
        });
        ran?;
        // The journal is about to say that it is done: what hooks write has to be on disk before.
        root.sync_file_system()?;
        logged
    }

    /// Puts the image's health checks where the booted system finds them.
    pub(super) fn keep_checks(
        &mut self,
        plan: &Plan,
        context: &Context<'_>,
    ) -> Result<(), UpgradeError> {
        let id = plan.package.id;
        let checks =
            health_checks(self.package(id, context)?).map_err(UpgradeError::package(id))?;
        Ok(self.system.store_checks(&plan.environment, &checks)?)
    }
}

/// Refuses an image whose programs cannot be used, before anything is done with it.
pub(in crate::upgrade) fn expect_programs(package: &Package<Verified>) -> Result<(), HookError> {
    let manifest = package.manifest();
    drop(system::hooks(manifest, package.is_signed())?);
    let regions = manifest.regions.iter();
    let checks: Vec<_> = regions
        .filter(|region| region.kind == RegionKind::HealthCheck)
        .collect();
    if !checks.is_empty() && !package.is_signed() {
        return Err(HookError::Unsigned);
    }
    if checks.len() > MAX_CHECKS {
        let found = checks.len();
        return Err(HookError::TooMany {
            found,
            limit: MAX_CHECKS,
        });
    }
    let large = checks.iter().find(|region| region.size > MAX_PROGRAM);
    match large {
        Some(region) => Err(HookError::TooLarge {
            name: region.name.clone(),
            found: region.size,
            limit: MAX_PROGRAM,
        }),
        None => Ok(()),
    }
}

fn health_checks(package: &Package<Verified>) -> Result<Vec<HealthCheck>, OpenError> {
    let regions = &package.manifest().regions;
    let places = (0..regions.len()).filter_map(|index| package.region(index));
    let places = places.filter(|(region, _)| region.kind == RegionKind::HealthCheck);
    let read = |(region, extent)| {
        let content = package.read_region(region, extent)?;
        let name = region.name.clone();
        Ok(HealthCheck { name, content })
    };
    places.map(read).collect()
}
