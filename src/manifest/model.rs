use jiff::Timestamp;

use super::Region;
use crate::release::{PackageType, Version, VersionRange};

/// What a package is, and the regions that belong to it.
///
/// Texts are one line of printable UTF-8; an empty text means "not said".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Format version a reader must know; equals the footer's.
    pub read_version: u16,
    /// Format version that wrote the package; equals the footer's.
    pub write_version: u16,
    /// Kind of package.
    pub package_type: PackageType,
    /// Name, 1 to 255 bytes, without slashes.
    pub name: String,
    /// Version.
    pub version: Version,
    /// Build label of the vendor.
    pub build: String,
    /// One line for listings.
    pub description: String,
    /// Product the package is for; empty: any.
    pub product: String,
    /// Machine architecture the package is for; empty: any.
    pub architecture: String,
    /// Source branch it was built from.
    pub branch: String,
    /// When it was made, in whole seconds.
    pub created: Timestamp,
    /// Counts the releases of a product; a machine does not go back below its floor.
    pub release_counter: u64,
    /// Installed versions that it may replace.
    pub source_versions: VersionRange,
    /// Packages that must be installed.
    pub requires: Vec<Dependency>,
    /// Packages that must not be installed.
    pub conflicts: Vec<Dependency>,
    /// Packages that this one makes needless.
    pub obsoletes: Vec<Dependency>,
    /// What must be restarted after installation.
    pub restart: Restart,
    /// Whether the installation can be undone.
    pub rollback: bool,
    /// Services that are interrupted.
    pub services: Vec<String>,
    /// Free space that the installation needs, in bytes; 0: not said.
    pub free_space: u64,
    /// Estimated duration of the installation in minutes; 0: not said.
    pub minutes: u32,
    /// The regions in the order of the file; the first is the payload.
    pub regions: Vec<Region>,
    /// Fields that this version does not know and may ignore.
    pub unknown: Vec<UnknownField>,
}

/// Another package, by name and versions.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// The versions meant.
    #[serde(default)]
    pub versions: VersionRange,
}

/// What must be restarted after an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Restart {
    /// Nothing.
    #[default]
    None,
    /// The services named in the manifest.
    Service,
    /// The machine.
    Reboot,
}

impl Restart {
    /// Every kind, in the order of their codes from 0 on.
    pub const ALL: [Self; 3] = [Self::None, Self::Service, Self::Reboot];

    /// The word used in flags, files and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Service => "service",
            Self::Reboot => "reboot",
        }
    }
}

impl std::fmt::Display for Restart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A field with a number that this version does not know, not marked critical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// Its number.
    pub number: u16,
    /// Its bytes.
    pub value: Vec<u8>,
}
