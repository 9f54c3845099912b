//! What goes over the wire: one file for each call, with its request and its reply.

mod details;
mod discard;
mod environment;
mod export;
mod history;
mod import;
mod installed;
mod item;
mod list;
mod package;
mod permanent;
mod pin;
mod quarantine;
mod readme;
mod repair;
mod resolve;
mod target;
mod trust;
mod upgrade;
mod verify;
mod view;

pub use self::details::{PackageDetails, RegionDetails};
pub use self::discard::{CleanRequest, CleanSets, DiscardReply, RemoveRequest};
pub use self::environment::{
    ActivateRequest, CreateEnvironmentRequest, DestroyEnvironmentReply, DestroyEnvironmentRequest,
    EnvironmentContent, EnvironmentItem, EnvironmentReply, EnvironmentsReply, KernelRequest,
    MarkGoodRequest, MountReply, MountRequest, SelectReply, Trial,
};
pub use self::export::{ExportReply, ExportRequest, ExportTarget};
pub use self::history::{HistoryEntry, HistoryFilter, HistoryReply, HistoryRequest};
pub use self::import::{ImportReply, ImportRequest, PackageSource, PackageStream};
pub use self::installed::{VerifyInstalledReply, VerifyInstalledRequest};
pub use self::item::{Item, Reference, Signer};
pub use self::list::{ListReply, ListRequest};
pub use self::package::{OneOf, PackageFile};
pub use self::permanent::{
    CheckReply, CommitPreviewReply, CommitReply, RollbackPreviewReply, RollbackRequest,
};
pub use self::pin::{PinReply, PinRequest, UnpinRequest};
pub use self::quarantine::{
    PurgeReply, PurgeRequest, QuarantineReply, QuarantinedItem, RestoreReply, RestoreRequest,
};
pub use self::readme::ReadmeReply;
pub use self::repair::{RepairReply, RepairRequest};
pub use self::resolve::{ConflictItem, Decision, ResolveReply, ResolveRequest};
pub use self::target::Target;
pub use self::trust::{TrustCheckReply, TrustCheckRequest, TrustShowReply};
pub use self::upgrade::{
    ArchiveReply, AssessReply, InstallImage, PlanReply, StatusError, UpgradeItem, UpgradeRequest,
    UpgradeStatus, UpgradesReply,
};
pub use self::verify::{Selection, VerifiedItem, VerifyReply, VerifyRequest};
pub use self::view::{Problem, ViewReply};

/// Version of the replies' JSON form.
pub const SCHEMA: u32 = 1;
