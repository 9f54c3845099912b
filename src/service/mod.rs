//! The one door to everything the product does: a trait with wire types, and its implementations.
//!
//! Front ends call nothing else. The replies are values that can go over a wire as they are; each
//! carries the number of its schema, which changes only when a field changes its meaning or goes away.

pub mod config;
mod error;
mod event;
mod local;
mod wire;

use jiff::Timestamp;

use crate::digest::IdPrefix;

pub use self::error::ServiceError;
pub use self::event::{Event, Observer};
pub use self::local::{Local, Paths};
pub use self::wire::{
    ActivateRequest, ArchiveReply, AssessReply, CheckReply, CleanRequest, CleanSets,
    CommitPreviewReply, CommitReply, ConflictItem, CreateEnvironmentRequest, Decision,
    DestroyEnvironmentReply, DestroyEnvironmentRequest, DiscardReply, EnvironmentContent,
    EnvironmentItem, EnvironmentReply, EnvironmentsReply, ExportReply, ExportRequest, ExportTarget,
    HistoryEntry, HistoryFilter, HistoryReply, HistoryRequest, ImportReply, ImportRequest,
    InstallImage, Item, KernelRequest, ListReply, ListRequest, MarkGoodRequest, MountReply,
    MountRequest, OneOf, PackageDetails, PackageFile, PackageSource, PackageStream, PinReply,
    PinRequest, PlanReply, Problem, PurgeReply, PurgeRequest, QuarantineReply, QuarantinedItem,
    ReadmeReply, Reference, RegionDetails, RemoveRequest, RepairReply, RepairRequest, ResolveReply,
    ResolveRequest, RestoreReply, RestoreRequest, RollbackPreviewReply, RollbackRequest, SCHEMA,
    SelectReply, Selection, Signer, StatusError, Target, Trial, TrustCheckReply, TrustCheckRequest,
    TrustShowReply, UnpinRequest, UpgradeItem, UpgradeRequest, UpgradeStatus, UpgradesReply,
    VerifiedItem, VerifyInstalledReply, VerifyInstalledRequest, VerifyReply, VerifyRequest,
    ViewReply,
};
pub use crate::catalog::events::{ChainFinding, Head, KINDS as HISTORY_KINDS};
pub use crate::catalog::quarantine::Content;
pub use crate::catalog::repair;
pub use crate::catalog::{Depth, Discard, Order, Outcome, State};
pub use crate::payload::EntryPath;
pub use crate::system::installed;
pub use crate::system::loader::Why;
pub use crate::system::{ConflictKind, EnvName, EnvNameError, KernelChoice, Role, StorageKind};
pub use crate::system::{DEFAULT_TRIES, MAX_TRIES};
pub use crate::trust::{Severity, TrustFinding, TrustItem, TrustItemKind, TrustRule};

pub use crate::system::Checked;
pub use crate::upgrade::{
    Action, ActionResult, Advice, ClusterState, Finding, Installed, Mode, PackageFacts, Plan,
    ProcessState, RollbackCause, Step, StepEvent, StepState,
};
pub use crate::upgrade::{Permanent, Settled};

/// What the product does, for every front end.
pub trait Management {
    /// Verifies a package and keeps a copy of it.
    fn import(&self, request: ImportRequest, call: &Call<'_>) -> Result<ImportReply, ServiceError>;

    /// Lists what is kept; the items arrive as [`Event::Listed`], in their order.
    ///
    /// What was last judged under another trust than now's is judged anew first, without its regions.
    fn list(&self, request: &ListRequest, call: &Call<'_>) -> Result<ListReply, ServiceError>;

    /// Verifies a package file, an artifact, or every artifact, and records what it found of artifacts.
    ///
    /// The items arrive as [`Event::Verified`], in the order of their IDs; what is wrong is in them.
    fn verify(&self, request: &VerifyRequest, call: &Call<'_>)
    -> Result<VerifyReply, ServiceError>;

    /// Everything that is known of one artifact; nothing is verified anew.
    fn view(&self, id: &IdPrefix, call: &Call<'_>) -> Result<ViewReply, ServiceError>;

    /// The README of a package file or an artifact, checked before it is given out.
    fn readme(&self, request: &OneOf, call: &Call<'_>) -> Result<ReadmeReply, ServiceError>;

    /// Copies an artifact out of the catalog.
    fn export(&self, request: &ExportRequest, call: &Call<'_>)
    -> Result<ExportReply, ServiceError>;

    /// Removes artifacts, all of them or none; one that is needed is refused.
    fn remove(
        &self,
        request: &RemoveRequest,
        call: &Call<'_>,
    ) -> Result<DiscardReply, ServiceError>;

    /// Removes what is in the catalog's directory and in nobody's list.
    fn clean(&self, request: CleanRequest, call: &Call<'_>) -> Result<DiscardReply, ServiceError>;

    /// Keeps an artifact from being removed.
    fn pin(&self, request: &PinRequest, call: &Call<'_>) -> Result<PinReply, ServiceError>;

    /// Ends a pin.
    fn unpin(&self, request: &UnpinRequest, call: &Call<'_>) -> Result<PinReply, ServiceError>;

    /// The event log; its entries arrive as [`Event::Recorded`], in their order.
    fn history(
        &self,
        request: &HistoryRequest,
        call: &Call<'_>,
    ) -> Result<HistoryReply, ServiceError>;

    /// Verifies everything and makes the catalog whole again; what it does is told as it is done.
    fn repair(&self, request: &RepairRequest, call: &Call<'_>)
    -> Result<RepairReply, ServiceError>;

    /// Lists what is in quarantine.
    fn quarantine(&self, call: &Call<'_>) -> Result<QuarantineReply, ServiceError>;

    /// Verifies what is in quarantine as an import does, and puts it back.
    fn restore(
        &self,
        request: &RestoreRequest,
        call: &Call<'_>,
    ) -> Result<RestoreReply, ServiceError>;

    /// Deletes what is in quarantine.
    fn purge(&self, request: &PurgeRequest, call: &Call<'_>) -> Result<PurgeReply, ServiceError>;

    /// The boot environments of a system.
    fn environments(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<EnvironmentsReply, ServiceError>;

    /// Makes a boot environment; a name that is taken is refused and what has it stays as it is.
    fn create_environment(
        &self,
        request: &CreateEnvironmentRequest,
        call: &Call<'_>,
    ) -> Result<EnvironmentReply, ServiceError>;

    /// Says where a boot environment is, or shows it elsewhere.
    fn mount_environment(
        &self,
        request: &MountRequest,
        call: &Call<'_>,
    ) -> Result<MountReply, ServiceError>;

    /// Lets a boot environment boot by default, or once.
    fn activate_environment(
        &self,
        request: &ActivateRequest,
        call: &Call<'_>,
    ) -> Result<EnvironmentReply, ServiceError>;

    /// Marks a boot environment good: its boots are not counted any more.
    fn mark_good(
        &self,
        request: &MarkGoodRequest,
        call: &Call<'_>,
    ) -> Result<EnvironmentReply, ServiceError>;

    /// Removes a boot environment; one that is needed is refused.
    fn destroy_environment(
        &self,
        request: &DestroyEnvironmentRequest,
        call: &Call<'_>,
    ) -> Result<DestroyEnvironmentReply, ServiceError>;

    /// Chooses the boot environment to boot now, and takes one of its tries; needs no lock and no catalog.
    fn select_environment(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<SelectReply, ServiceError>;

    /// Compares what is installed with what was signed, and repairs it if that was asked for.
    ///
    /// What differs arrives as [`Event::InstalledFound`], the steps of a repair as [`Event::FixPlanned`] and,
    /// each when it is done, as [`Event::FixDone`].
    fn verify_installed(
        &self,
        request: &VerifyInstalledRequest,
        call: &Call<'_>,
    ) -> Result<VerifyInstalledReply, ServiceError>;

    /// Everything that is trusted: anchors, revocation lists, identities.
    fn trust_show(&self, call: &Call<'_>) -> Result<TrustShowReply, ServiceError>;

    /// What is wrong with what is trusted, or soon will be.
    fn trust_check(
        &self,
        request: &TrustCheckRequest,
        call: &Call<'_>,
    ) -> Result<TrustCheckReply, ServiceError>;

    /// What an upgrade would do; nothing is changed, and a file is not imported.
    fn upgrade_plan(
        &self,
        request: &UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<PlanReply, ServiceError>;

    /// Whether an image could be installed: every rule is looked at, and nothing is changed.
    fn upgrade_assess(
        &self,
        request: &UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<AssessReply, ServiceError>;

    /// Makes a boot environment of an image and activates it; the steps arrive as [`Event::Step`].
    ///
    /// An image that is given as a file is verified and imported first. A directory that is empty or missing
    /// becomes a system, if the image is not refused.
    fn upgrade_start(
        &self,
        request: UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError>;

    /// Goes on with what was paused or killed.
    fn upgrade_resume(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError>;

    /// Does the step again that failed, and goes on.
    fn upgrade_retry(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError>;

    /// Asks the process that does the steps to stop before its next one.
    fn upgrade_pause(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError>;

    /// Where the upgrade of a system stands.
    fn upgrade_view(&self, target: &Target, call: &Call<'_>)
    -> Result<UpgradeStatus, ServiceError>;

    /// The upgrades of a system.
    fn upgrade_history(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradesReply, ServiceError>;

    /// Looks whether the running system is well, and marks it good or bad if it is on trial.
    fn upgrade_check(&self, target: &Target, call: &Call<'_>) -> Result<CheckReply, ServiceError>;

    /// What a commit would do, and what of it cannot be undone; nothing is changed.
    fn upgrade_commit_preview(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<CommitPreviewReply, ServiceError>;

    /// Makes permanent what runs; the steps arrive as [`Event::Step`].
    ///
    /// A system that never was a package becomes one first.
    fn upgrade_commit(&self, target: &Target, call: &Call<'_>)
    -> Result<CommitReply, ServiceError>;

    /// What a rollback would do; nothing is changed.
    fn upgrade_rollback_preview(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<RollbackPreviewReply, ServiceError>;

    /// Takes an upgrade back; needs nothing but the system itself.
    fn upgrade_rollback(
        &self,
        request: &RollbackRequest,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError>;

    /// Puts the journal of an upgrade that ended away, and removes what a rollback left.
    fn upgrade_archive(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<ArchiveReply, ServiceError>;

    /// The conflicts of boot environments, after deciding about some.
    fn upgrade_resolve(
        &self,
        request: &ResolveRequest,
        call: &Call<'_>,
    ) -> Result<ResolveReply, ServiceError>;
}

/// Who calls, when, and who watches.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The present, by the caller's clock.
    pub now: Timestamp,
    /// Who calls, for the event log.
    pub actor: &'a str,
    /// Who is told what happens, and may stop it.
    pub observer: &'a dyn Observer,
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("now", &self.now)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}
