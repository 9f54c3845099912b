use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::{PackageFile, Target};
use crate::digest::{IdPrefix, PackageId};
use crate::release::Version;
use crate::system::{EnvName, KernelChoice, StorageKind};
use crate::upgrade::{
    Action, ActionResult, Advice, ClusterState, Finding, Mode, Plan, ProcessState, RollbackCause,
    Step,
};

/// An image that a system should get.
#[derive(Debug)]
pub struct UpgradeRequest {
    /// Which system.
    pub target: Target,
    /// Which image.
    pub image: InstallImage,
    /// How it goes over several machines.
    pub mode: Mode,
    /// What the new boot environment is to be called; else it is called after the image.
    pub name: Option<EnvName>,
    /// How often the new environment is started before it is given up.
    pub tries: u32,
    /// Why an image below the floor should be installed all the same.
    pub allow_downgrade: Option<String>,
    /// Why an unsigned image that is given as a file should be let in; the policy has to agree.
    pub allow_unsigned: Option<String>,
    /// How the environments are kept, if there is no system yet.
    pub storage: Option<StorageKind>,
    /// Which kernel is booted; nothing: as it is configured.
    pub kernel: Option<KernelChoice>,
    /// Whether the kernel of the old environment is kept beside the new ones.
    pub keep_old_kernel: bool,
}

/// Where an image comes from.
#[derive(Debug)]
pub enum InstallImage {
    /// A file, which is imported first.
    File(PackageFile),
    /// The catalog.
    Id(IdPrefix),
}

/// What an upgrade would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanReply {
    /// Version of this structure.
    pub schema: u32,
    /// The directory of the system.
    pub root: PathBuf,
    /// What would be done.
    pub plan: Plan,
}

/// Whether a package could be installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssessReply {
    /// Version of this structure.
    pub schema: u32,
    /// The directory of the system.
    pub root: PathBuf,
    /// The package.
    pub package: PackageId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Every rule, and whether it is met.
    pub findings: Vec<Finding>,
    /// How many are not met.
    pub problems: u64,
    /// What is worth knowing besides.
    pub advice: Vec<Advice>,
}

/// Where the upgrade of a system stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpgradeStatus {
    /// Version of this structure.
    pub schema: u32,
    /// The directory of the system.
    pub root: PathBuf,
    /// What the system as a whole is doing.
    pub cluster_state: ClusterState,
    /// Whether the work of an upgrade goes on.
    pub upgrade_process_state: ProcessState,
    /// What is under way.
    pub current_process: Option<Action>,
    /// What this machine is doing; on one machine the same as the whole.
    pub node_state: ClusterState,
    /// Whether steps are left and no process does them.
    pub interrupted: bool,
    /// The step that is under way or comes next.
    pub step: Option<Step>,
    /// What that does.
    pub step_name: Option<String>,
    /// How far what is under way is, or was last, in percent.
    pub progress: u8,
    /// What was done last, or is under way.
    pub last_action: Option<Action>,
    /// What came of it; nothing while it is under way.
    pub last_action_result: Option<ActionResult>,
    /// What went wrong.
    pub error: Option<StatusError>,
    /// Why it was rolled back, if it was.
    pub rollback: Option<RollbackCause>,
    /// The version that runs.
    pub onefs_version_current: Option<Version>,
    /// The version that the upgrade is to.
    pub onefs_version_upgrade: Option<Version>,
    /// Whether what runs is permanent.
    pub upgrade_is_committed: bool,
    /// The environment that runs.
    pub running: Option<EnvName>,
    /// Release counters that nothing older than may be installed, by product.
    pub floors: BTreeMap<String, u64>,
    /// The upgrade itself.
    pub upgrade: Option<UpgradeItem>,
}

/// What went wrong with an upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusError {
    /// The step that failed, or `start` if the new system did not start or was not well.
    pub failed_upgrade_action: String,
    /// Stable code.
    pub code: String,
    /// What went wrong, outermost first.
    pub log: String,
}

/// One upgrade of a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpgradeItem {
    /// Counts the upgrades of the system.
    pub number: u64,
    /// Where it stands, or how it ended.
    pub state: String,
    /// The image.
    pub package: PackageId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The version before, if one was installed.
    pub from: Option<Version>,
    /// The environment that was made.
    pub environment: EnvName,
    /// The one that started by default before.
    pub previous: Option<EnvName>,
    /// How it went over several machines.
    pub mode: Mode,
    /// Who began it.
    pub actor: String,
    /// When it began.
    pub started: Timestamp,
    /// When something happened last.
    pub changed: Timestamp,
    /// Code of what went wrong last.
    pub code: Option<String>,
}

/// The upgrades of a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpgradesReply {
    /// Version of this structure.
    pub schema: u32,
    /// The directory of the system.
    pub root: PathBuf,
    /// The upgrades, oldest first.
    pub upgrades: Vec<UpgradeItem>,
}

/// What was archived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArchiveReply {
    /// Version of this structure.
    pub schema: u32,
    /// The number of the upgrade whose journal was archived.
    pub number: u64,
    /// The environment that it left and that was removed.
    pub removed: Option<EnvName>,
    /// What the environment that it left is needed for, so that it stays.
    pub kept: Vec<String>,
}
