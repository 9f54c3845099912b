use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Target;
use crate::digest::PackageId;
use crate::system::loader::Why;
use crate::system::{EnvName, Role, StorageKind, TargetId};

/// A boot environment that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateEnvironmentRequest {
    /// Of which system.
    pub target: Target,
    /// Its name.
    pub name: EnvName,
    /// What is in it.
    pub content: EnvironmentContent,
    /// What boots it, where it is no copy of another one, which brings its own.
    pub kernel: Option<KernelRequest>,
    /// How the environments are kept, if there is no system yet: then one is made; by default as the file
    /// system does it best.
    pub storage: Option<StorageKind>,
}

/// A kernel that comes from no package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelRequest {
    /// The file, whose name the kernel keeps.
    pub file: PathBuf,
    /// Its initial RAM disk.
    pub initrd: Option<PathBuf>,
}

/// What a new environment begins with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EnvironmentContent {
    /// A copy of the one that runs.
    #[default]
    Running,
    /// A copy of this one.
    Copy(EnvName),
    /// Nothing.
    Empty,
    /// A copy of this directory, such as `/` of a machine that was installed by hand; what is mounted in it is
    /// left out, and so is the system's own directory.
    Tree(PathBuf),
}

/// An environment that should be seen elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountRequest {
    /// Of which system.
    pub target: Target,
    /// The environment.
    pub name: EnvName,
    /// An empty directory to mount it on; without one nothing is mounted.
    pub at: Option<PathBuf>,
}

/// An environment that should boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivateRequest {
    /// Of which system.
    pub target: Target,
    /// The environment.
    pub name: EnvName,
    /// Only for the next boot; the default stays.
    pub next_boot_only: bool,
    /// With the kernel that was kept from before; then it is only for the next boot.
    pub old_kernel: bool,
    /// How often it may be tried; without a number a good one stays good.
    pub tries: Option<u32>,
}

/// An environment that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkGoodRequest {
    /// Of which system.
    pub target: Target,
    /// The environment; by default the one that runs.
    pub name: Option<EnvName>,
}

/// An environment that is not wanted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestroyEnvironmentRequest {
    /// Of which system.
    pub target: Target,
    /// The environment.
    pub name: EnvName,
    /// Only say whether it could be done.
    pub dry_run: bool,
}

/// The boot environments of a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentsReply {
    /// Version of this structure.
    pub schema: u32,
    /// The directory of the system.
    pub root: PathBuf,
    /// Which system it is.
    pub target: TargetId,
    /// How its environments are kept.
    pub storage: StorageKind,
    /// The environments, in the order of their names.
    pub environments: Vec<EnvironmentItem>,
}

/// What was done with one environment, and how it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentReply {
    /// Version of this structure.
    pub schema: u32,
    /// The environment.
    pub environment: EnvironmentItem,
}

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentItem {
    /// Its name.
    pub name: EnvName,
    /// Whether it may be booted.
    pub state: Trial,
    /// Boots that are left before it is bad; none if it is not on trial.
    pub tries_left: Option<u32>,
    /// Boots that were begun on trial.
    pub tries_done: Option<u32>,
    /// What it is at the moment.
    pub roles: Vec<Role>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Since when it is known to be good.
    pub good_since: Option<Timestamp>,
    /// The environment that it was made from.
    pub parent: Option<EnvName>,
    /// The package that it was made from.
    pub package: Option<PackageId>,
    /// Name and version of that.
    pub image: Option<String>,
    /// The kernel that was kept from before and can be booted instead of its own.
    pub old_kernel: Option<PathBuf>,
    /// What it is needed for.
    pub needed: Vec<String>,
    /// What is wrong with what is known of it, if that cannot be read.
    pub damage: Option<String>,
    /// Its root directory.
    pub path: PathBuf,
}

/// Whether an environment may be booted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trial {
    /// As often as one likes.
    Good,
    /// So often, and then something else is booted.
    Trial,
    /// No more.
    Bad,
    /// It has no loader entry.
    NoEntry,
    /// It was begun and is not finished.
    Unfinished,
}

impl Trial {
    /// The word used in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Trial => "trial",
            Self::Bad => "bad",
            Self::NoEntry => "no-entry",
            Self::Unfinished => "unfinished",
        }
    }
}

/// Where an environment can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountReply {
    /// Version of this structure.
    pub schema: u32,
    /// The environment.
    pub name: EnvName,
    /// Its root directory, there.
    pub path: PathBuf,
    /// Whether it was mounted there now.
    pub mounted: bool,
}

/// What became of an environment that is not wanted any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestroyEnvironmentReply {
    /// Version of this structure.
    pub schema: u32,
    /// The environment.
    pub name: EnvName,
    /// Whether it was only asked.
    pub dry_run: bool,
}

/// The environment to boot now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectReply {
    /// Version of this structure.
    pub schema: u32,
    /// The environment.
    pub name: EnvName,
    /// Why this one.
    pub why: Why,
    /// Its root directory.
    pub path: PathBuf,
    /// Its kernel, if it has one.
    pub kernel: Option<PathBuf>,
    /// Initial RAM disks, in their order.
    pub initrd: Vec<PathBuf>,
    /// The kernel's command line.
    pub options: String,
    /// Boots that are left after this one; none if it is not on trial.
    pub tries_left: Option<u32>,
}
