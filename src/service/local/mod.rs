//! The calls done in this process, on this machine's files: one file for each.

mod environment;
mod export;
mod history;
mod import;
mod installed;
mod list;
mod pin;
mod quarantine;
mod readme;
mod remove;
mod repair;
mod resolve;
mod target;
mod told;
mod trust;
mod upgrade;
mod verify;
mod view;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use self::told::told;
use super::config::UpgradePolicy;
use super::{
    ActivateRequest, ArchiveReply, AssessReply, Call, CheckReply, CleanRequest, CommitPreviewReply,
    CommitReply, CreateEnvironmentRequest, DestroyEnvironmentReply, DestroyEnvironmentRequest,
    DiscardReply, EnvironmentReply, EnvironmentsReply, Event, ExportReply, ExportRequest,
    HistoryReply, HistoryRequest, ImportReply, ImportRequest, ListReply, ListRequest, Management,
    MarkGoodRequest, MountReply, MountRequest, OneOf, PinReply, PinRequest, PlanReply, PurgeReply,
    PurgeRequest, QuarantineReply, ReadmeReply, RemoveRequest, RepairReply, RepairRequest,
    ResolveReply, ResolveRequest, RestoreReply, RestoreRequest, RollbackPreviewReply,
    RollbackRequest, SelectReply, ServiceError, Target, TrustCheckReply, TrustCheckRequest,
    TrustShowReply, UnpinRequest, UpgradeRequest, UpgradeStatus, UpgradesReply,
    VerifyInstalledReply, VerifyInstalledRequest, VerifyReply, VerifyRequest, ViewReply,
};
use crate::catalog::{Access, Catalog, Context};
use crate::digest::IdPrefix;
use crate::system::{EnvName, WhichKernel};
use crate::trust::{TrustPaths, TrustStore};

/// Where one installation keeps its things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The catalog directory.
    pub catalog: PathBuf,
    /// Anchors, revocation lists and identities.
    pub trust: TrustPaths,
    /// The directory of the machine's own system.
    pub system: PathBuf,
    /// The directories of the systems of jails, by the names of the jails.
    pub jails: BTreeMap<String, PathBuf>,
}

/// Does the work in this process, on this machine's files.
///
/// Catalog and trust are opened anew for every call: the calls are short, and what changed meanwhile
/// counts.
#[derive(Debug, Clone)]
pub struct Local {
    paths: Paths,
    lock_timeout: Duration,
    booted: Option<EnvName>,
    kernel: WhichKernel,
    architecture: String,
    policy: UpgradePolicy,
}

impl Local {
    /// Works on `paths`, waiting at most `lock_timeout` for others who do.
    pub fn new(paths: Paths, lock_timeout: Duration) -> Self {
        Self {
            paths,
            lock_timeout,
            booted: None,
            kernel: WhichKernel::Own,
            architecture: String::new(),
            policy: UpgradePolicy::default(),
        }
    }

    /// Upgrades as the administrator wants it.
    #[must_use]
    pub fn policy(mut self, policy: UpgradePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Works on a machine that was booted from this environment of its own system, with this of its kernels.
    #[must_use]
    pub fn booted(mut self, environment: Option<EnvName>, kernel: WhichKernel) -> Self {
        self.booted = environment;
        self.kernel = kernel;
        self
    }

    /// Works on a machine with processors of this name, as manifests have it; empty: not known.
    #[must_use]
    pub fn architecture(mut self, name: &str) -> Self {
        name.clone_into(&mut self.architecture);
        self
    }

    fn catalog(&self, access: Access, call: &Call<'_>) -> Result<Catalog, ServiceError> {
        let (root, timeout) = (&self.paths.catalog, self.lock_timeout);
        Ok(Catalog::open(root, access, timeout, call.observer)?)
    }

    fn trust(&self) -> Result<TrustStore, ServiceError> {
        self.trust_of(&Target::Machine)
    }
}

/// Every call goes through `told`, so that its waits are events.
impl Management for Local {
    fn import(&self, request: ImportRequest, call: &Call<'_>) -> Result<ImportReply, ServiceError> {
        told(call, |call| Self::import(self, request, call))
    }

    fn list(&self, request: &ListRequest, call: &Call<'_>) -> Result<ListReply, ServiceError> {
        told(call, |call| Self::list(self, request, call))
    }

    fn verify(
        &self,
        request: &VerifyRequest,
        call: &Call<'_>,
    ) -> Result<VerifyReply, ServiceError> {
        told(call, |call| Self::verify(self, request, call))
    }

    fn view(&self, id: &IdPrefix, call: &Call<'_>) -> Result<ViewReply, ServiceError> {
        told(call, |call| Self::view(self, id, call))
    }

    fn readme(&self, request: &OneOf, call: &Call<'_>) -> Result<ReadmeReply, ServiceError> {
        told(call, |call| Self::readme(self, request, call))
    }

    fn export(
        &self,
        request: &ExportRequest,
        call: &Call<'_>,
    ) -> Result<ExportReply, ServiceError> {
        told(call, |call| Self::export(self, request, call))
    }

    fn repair(
        &self,
        request: &RepairRequest,
        call: &Call<'_>,
    ) -> Result<RepairReply, ServiceError> {
        told(call, |call| Self::repair(self, request, call))
    }

    fn quarantine(&self, call: &Call<'_>) -> Result<QuarantineReply, ServiceError> {
        told(call, |call| Self::quarantine(self, call))
    }

    fn restore(
        &self,
        request: &RestoreRequest,
        call: &Call<'_>,
    ) -> Result<RestoreReply, ServiceError> {
        told(call, |call| Self::restore(self, request, call))
    }

    fn purge(&self, request: &PurgeRequest, call: &Call<'_>) -> Result<PurgeReply, ServiceError> {
        told(call, |call| Self::purge(self, request, call))
    }

    fn environments(
        &self,
        target: &Target,
        _call: &Call<'_>,
    ) -> Result<EnvironmentsReply, ServiceError> {
        Self::environments(self, target)
    }

    fn create_environment(
        &self,
        request: &CreateEnvironmentRequest,
        call: &Call<'_>,
    ) -> Result<EnvironmentReply, ServiceError> {
        told(call, |call| Self::create_environment(self, request, call))
    }

    fn mount_environment(
        &self,
        request: &MountRequest,
        _call: &Call<'_>,
    ) -> Result<MountReply, ServiceError> {
        Self::mount_environment(self, request)
    }

    fn activate_environment(
        &self,
        request: &ActivateRequest,
        call: &Call<'_>,
    ) -> Result<EnvironmentReply, ServiceError> {
        told(call, |call| Self::activate_environment(self, request, call))
    }

    fn mark_good(
        &self,
        request: &MarkGoodRequest,
        call: &Call<'_>,
    ) -> Result<EnvironmentReply, ServiceError> {
        told(call, |call| Self::mark_good(self, request, call))
    }

    fn destroy_environment(
        &self,
        request: &DestroyEnvironmentRequest,
        call: &Call<'_>,
    ) -> Result<DestroyEnvironmentReply, ServiceError> {
        told(call, |call| Self::destroy_environment(self, request, call))
    }

    fn select_environment(
        &self,
        target: &Target,
        _call: &Call<'_>,
    ) -> Result<SelectReply, ServiceError> {
        Self::select_environment(self, target)
    }

    fn verify_installed(
        &self,
        request: &VerifyInstalledRequest,
        call: &Call<'_>,
    ) -> Result<VerifyInstalledReply, ServiceError> {
        told(call, |call| Self::verify_installed(self, request, call))
    }

    fn trust_show(&self, call: &Call<'_>) -> Result<TrustShowReply, ServiceError> {
        Self::trust_show(self, call)
    }

    fn trust_check(
        &self,
        request: &TrustCheckRequest,
        call: &Call<'_>,
    ) -> Result<TrustCheckReply, ServiceError> {
        Self::trust_check(self, request, call)
    }

    fn remove(
        &self,
        request: &RemoveRequest,
        call: &Call<'_>,
    ) -> Result<DiscardReply, ServiceError> {
        told(call, |call| Self::remove(self, request, call))
    }

    fn clean(&self, request: CleanRequest, call: &Call<'_>) -> Result<DiscardReply, ServiceError> {
        told(call, |call| Self::clean(self, request, call))
    }

    fn pin(&self, request: &PinRequest, call: &Call<'_>) -> Result<PinReply, ServiceError> {
        told(call, |call| Self::pin(self, request, call))
    }

    fn unpin(&self, request: &UnpinRequest, call: &Call<'_>) -> Result<PinReply, ServiceError> {
        told(call, |call| Self::unpin(self, request, call))
    }

    fn history(
        &self,
        request: &HistoryRequest,
        call: &Call<'_>,
    ) -> Result<HistoryReply, ServiceError> {
        told(call, |call| Self::history(self, request, call))
    }

    fn upgrade_plan(
        &self,
        request: &UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<PlanReply, ServiceError> {
        told(call, |call| Self::upgrade_plan(self, request, call))
    }

    fn upgrade_assess(
        &self,
        request: &UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<AssessReply, ServiceError> {
        told(call, |call| Self::upgrade_assess(self, request, call))
    }

    fn upgrade_start(
        &self,
        request: UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        told(call, |call| Self::upgrade_start(self, request, call))
    }

    fn upgrade_resume(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        told(call, |call| Self::upgrade_resume(self, target, false, call))
    }

    fn upgrade_retry(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        told(call, |call| Self::upgrade_resume(self, target, true, call))
    }

    fn upgrade_pause(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        told(call, |call| Self::upgrade_pause(self, target, call))
    }

    fn upgrade_view(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        told(call, |call| Self::upgrade_view(self, target, call))
    }

    fn upgrade_history(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradesReply, ServiceError> {
        told(call, |_| Self::upgrade_history(self, target))
    }

    fn upgrade_check(&self, target: &Target, call: &Call<'_>) -> Result<CheckReply, ServiceError> {
        told(call, |call| Self::upgrade_check(self, target, call))
    }

    fn upgrade_commit_preview(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<CommitPreviewReply, ServiceError> {
        told(call, |call| {
            Self::upgrade_commit_preview(self, target, call)
        })
    }

    fn upgrade_commit(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<CommitReply, ServiceError> {
        told(call, |call| Self::upgrade_commit(self, target, call))
    }

    fn upgrade_rollback_preview(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<RollbackPreviewReply, ServiceError> {
        told(call, |_| Self::upgrade_rollback_preview(self, target))
    }

    fn upgrade_rollback(
        &self,
        request: &RollbackRequest,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        told(call, |call| Self::upgrade_rollback(self, request, call))
    }

    fn upgrade_archive(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<ArchiveReply, ServiceError> {
        told(call, |call| Self::upgrade_archive(self, target, call))
    }

    fn upgrade_resolve(
        &self,
        request: &ResolveRequest,
        call: &Call<'_>,
    ) -> Result<ResolveReply, ServiceError> {
        told(call, |call| Self::upgrade_resolve(self, request, call))
    }
}

fn context<'a>(call: &Call<'a>) -> Context<'a> {
    Context {
        now: call.now,
        actor: call.actor,
        progress: call.observer,
    }
}

/// The same for what changes the catalog or judges by the time; a clock that cannot be right is refused.
fn dated<'a>(call: &Call<'a>) -> Result<Context<'a>, ServiceError> {
    let context = context(call);
    context.expect_clock()?;
    Ok(context)
}

fn warn(call: &Call<'_>, code: &str, message: &str, hint: Option<&str>) {
    call.observer.event(&Event::Warning {
        code,
        message,
        hint,
    });
}
