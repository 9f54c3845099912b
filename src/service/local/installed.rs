use super::{Local, context};
use crate::catalog::Access;

use crate::package::{Package, Tree, TreeError, Verified};
use crate::payload::{Members, UnpackOptions};
use crate::service::{Call, Event, ServiceError, VerifyInstalledReply, VerifyInstalledRequest};
use crate::system::Record;
use crate::system::installed::{
    self, Comparison, Expected, Extra, InstalledError, Restored, Scope, Step, apply, compare, plan,
};

/// Kind of the entry in the event log.
const EVENT: &str = "installed-repair";

impl Local {
    pub(super) fn verify_installed(
        &self,
        request: &VerifyInstalledRequest,
        call: &Call<'_>,
    ) -> Result<VerifyInstalledReply, ServiceError> {
        let system = self.system(&request.target)?;
        // Nobody activates or destroys what is being repaired.
        let changes = request.fix.is_some() && !request.dry_run;
        let _held = changes.then(|| self.hold(&system, call)).transpose()?;
        let name = match &request.environment {
            Some(name) => name.clone(),
            None => self.active(&system, &request.target)?,
        };
        let root = system.storage().open(&name)?;
        let record = system.record(&name)?;
        let origin = record.as_ref().and_then(|record| record.origin.clone());
        let origin = origin.ok_or_else(|| InstalledError::NoOrigin {
            environment: name.clone(),
        })?;
        let trust = self.trust_of(&request.target)?;
        let mut catalog = self.catalog(Access::Read, call)?;
        let package = catalog.package(&origin.package, &trust, &context(call))?;
        let image = tree(&package)?;
        let expected = Expected {
            table: &image.table,
            restored: restored(),
            local: owned(record.as_ref()),
        };
        let comparison = comparison(request, &expected)?;
        let report = compare(&root, &expected, &comparison, call.observer)?;
        for finding in &report.findings {
            call.observer.event(&Event::InstalledFound(finding));
        }
        let mut reply = VerifyInstalledReply::of(name, origin.package, &report);
        let Some(options) = request.fix else {
            return Ok(reply);
        };
        let plan = plan(&report, &expected, options)?;
        for step in &plan.steps {
            call.observer.event(&Event::FixPlanned(step));
        }
        reply.planned = u64::try_from(plan.steps.len()).unwrap_or(u64::MAX);
        reply.planned_bytes = plan.bytes;
        reply.left.clone_from(&plan.left);
        if !changes || plan.steps.is_empty() {
            return Ok(reply);
        }
        if !call.observer.agrees_to_fix(&reply) {
            return Err(InstalledError::Cancelled.into());
        }
        let payload = package.payload();
        let mut members =
            Members::new(&payload, &image.index, &image.table).map_err(InstalledError::from)?;
        let mut tell = |step: &Step| call.observer.event(&Event::FixDone(step));
        let applied = apply(
            &root,
            &expected,
            &mut members,
            &plan,
            call.observer,
            &mut tell,
        );
        let details = serde_json::json!({
            "environment": reply.environment,
            "package": reply.package,
            "planned": reply.planned,
            "bytes": reply.planned_bytes,
            "done": applied.is_ok(),
        });
        self.note(EVENT, &system, details, call);
        reply.done = applied?;
        let again = Comparison {
            scope: Scope::of(&plan),
            extra: Extra::Nowhere,
            ..comparison
        };
        let after = compare(&root, &expected, &again, call.observer)?;
        let left = u64::try_from(plan.left.len()).unwrap_or(u64::MAX);
        reply.problems = after.problems().saturating_add(left);
        Ok(reply)
    }
}

/// What a package says of its files.
fn tree(package: &Package<Verified>) -> Result<Tree, InstalledError> {
    match package.tree() {
        Ok(tree) => tree.ok_or(InstalledError::NoTable),
        Err(TreeError::Region(source)) => Err(Box::new(source).into()),
        Err(TreeError::Payload(source)) => Err(source.into()),
    }
}

/// What belongs to the machine: what is so everywhere, and what the record says was carried over.
fn owned(record: Option<&Record>) -> installed::Local {
    let carried = record.map(|record| record.carried.clone());
    installed::Local {
        carried: carried.unwrap_or_default(),
        ..installed::Local::default()
    }
}

/// Who is not root could neither unpack a system with its rights nor look at them.
fn restored() -> Restored {
    if crate::fsio::is_root() {
        Restored::ALL
    } else {
        Restored::from(&UnpackOptions::default())
    }
}

fn comparison(
    request: &VerifyInstalledRequest,
    expected: &Expected<'_>,
) -> Result<Comparison, InstalledError> {
    Ok(Comparison {
        scope: Scope::only(expected.table, &request.paths)?,
        depth: request.depth,
        extra: match request.extra.as_slice() {
            [] => Extra::Image,
            directories => Extra::below(directories)?,
        },
        threads: None,
    })
}
