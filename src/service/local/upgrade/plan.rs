use std::path::{Path, PathBuf};

use super::super::context;
use super::Local;
use crate::catalog::Access;
use crate::digest::PackageId;
use crate::fsio::Dir;
use crate::package::{self, Hashing, Package};
use crate::service::{
    AssessReply, Call, InstallImage, PackageFile, PlanReply, SCHEMA, ServiceError, Target,
    UpgradeRequest,
};
use crate::system::{KernelChoice, System};
use crate::upgrade::{
    Carrying, Inventory, Opened, PackageFacts, Rules, UpgradeError, advice, assess, plan,
};

impl Local {
    /// What operator and administrator want, as the planner takes it.
    pub(super) fn rules(&self, request: &UpgradeRequest) -> Rules {
        let configured = self.policy.kernel.clone().map(KernelChoice::Named);
        Rules {
            mode: request.mode,
            environment: request.name.clone(),
            tries: request.tries,
            allow_downgrade: request.allow_downgrade.clone(),
            carrying: Carrying {
                skip: self.policy.skip.clone(),
                kernel: request.kernel.clone().or(configured).unwrap_or_default(),
                keep_old_kernel: request.keep_old_kernel,
            },
            rights: self.policy.rights.clone(),
        }
    }

    pub(crate) fn upgrade_plan(
        &self,
        request: &UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<PlanReply, ServiceError> {
        let (root, inventory, facts) = self.looked_at(request, call)?;
        let plan = plan(&inventory, &facts, &self.rules(request)).map_err(UpgradeError::from)?;
        Ok(PlanReply {
            schema: SCHEMA,
            root,
            plan,
        })
    }

    pub(crate) fn upgrade_assess(
        &self,
        request: &UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<AssessReply, ServiceError> {
        let (root, inventory, facts) = self.looked_at(request, call)?;
        let rules = self.rules(request);
        let findings = assess(&inventory, &facts, &rules);
        let failed = findings.iter().filter(|finding| !finding.passed).count();
        Ok(AssessReply {
            schema: SCHEMA,
            root,
            package: facts.id,
            findings,
            problems: u64::try_from(failed).unwrap_or(u64::MAX),
            advice: advice(&inventory, &facts, &rules),
            name: facts.name,
            version: facts.version,
        })
    }

    /// What a plan needs to know, without changing anything: a file is verified and not imported.
    fn looked_at(
        &self,
        request: &UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<(PathBuf, Inventory, PackageFacts), ServiceError> {
        let UpgradeRequest { target, image, .. } = request;
        let opened = match image {
            InstallImage::Id(prefix) => {
                let id = self.catalog(Access::Read, call)?.expect_one(prefix)?.id;
                self.opened(id, target, call)?
            }
            InstallImage::File(file) => {
                self.opened_file(file, request.allow_unsigned.as_deref(), target, call)?
            }
        };
        let facts = PackageFacts::of(&opened)?;
        let root = self.root_of(target)?;
        let inventory = if System::is_at(&root)? {
            let system = System::open(&root)?;
            let carrying = self.rules(request).carrying;
            let machine = self.machine(&system, target)?;
            machine.inventory_for(&opened, &carrying, &context(call))?
        } else {
            self.nothing_at(&root)?
        };
        Ok((root, inventory, facts))
    }

    /// What is known of a system that is not there yet.
    pub(super) fn nothing_at(&self, root: &Path) -> Result<Inventory, ServiceError> {
        Ok(Inventory {
            architecture: self.architecture.clone(),
            free_space: free_space(root)?,
            ..Inventory::default()
        })
    }

    /// An image in the catalog, judged under what is trusted for the system.
    pub(super) fn opened(
        &self,
        id: PackageId,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<Opened, ServiceError> {
        let trust = self.trust_of(target)?;
        let mut catalog = self.catalog(Access::Read, call)?;
        let package = catalog.package(&id, &trust, &context(call))?;
        Ok(Opened::of(id, package)?)
    }

    fn opened_file(
        &self,
        package: &PackageFile,
        unsigned: Option<&str>,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<Opened, ServiceError> {
        let trust = self.trust_of(target)?;
        let request = package::VerifyRequest {
            now: call.now,
            hashing: Hashing::Sequential,
            unsigned,
            progress: call.observer,
        };
        crate::fsio::regular_length(&package.file, &package.label)?;
        let file = package.file.try_clone().map_err(package::VerifyError::Read);
        let whole = |verified: Package<package::Verified>| {
            let missing = || std::io::Error::other("no digest of the whole file");
            let id = verified.id();
            let id = id.ok_or_else(|| package::VerifyError::Read(missing()))?;
            Ok((id, verified))
        };
        let (id, verified) = file
            .and_then(|file| Ok(Package::open(file)?))
            .and_then(|opened| opened.verify(&trust, &request))
            .and_then(whole)
            .map_err(|source| ServiceError::Verify {
                label: package.label.clone(),
                source,
            })?;
        Ok(Opened::of(id, verified)?)
    }
}

/// Bytes that are free where a directory is, or would be made.
fn free_space(root: &Path) -> Result<u64, ServiceError> {
    let mut place = Some(root);
    while let Some(path) = place {
        let named = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        match Dir::open(named) {
            Ok(dir) => return Ok(dir.free_space()?),
            Err(error) if error.is_not_found() => place = path.parent(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Dir::open(Path::new("."))?.free_space()?)
}
