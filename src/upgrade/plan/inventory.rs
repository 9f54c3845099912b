use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::PackageId;
use crate::release::Version;
use crate::system::{EnvName, KernelsBefore};

/// What a plan needs to know of the system that is to be upgraded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Which system it is.
    pub target: String,
    /// What its processors are, in the words of a manifest; empty: not known.
    pub architecture: String,
    /// The image that it runs, if it was installed from one.
    pub installed: Option<Installed>,
    /// Everything else that is installed, for what a package requires and what it conflicts with.
    pub packages: Vec<InstalledPackage>,
    /// The lowest release counter that may be installed, by product.
    pub floors: BTreeMap<String, u64>,
    /// Every boot environment.
    pub environments: Vec<EnvName>,
    /// The one that starts by default.
    pub default: Option<EnvName>,
    /// Bytes that are free where boot environments are made.
    pub free_space: u64,
    /// Bytes that are free where kernels go, if that is another file system.
    pub free_for_kernels: Option<u64>,
    /// Bytes that what comes over from the running environment takes beside the image in question.
    pub carried: u64,
    /// The kernels of that environment.
    pub kernels: KernelsBefore,
}

/// The image that a system runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The package; unknown for what was never a package.
    pub id: Option<PackageId>,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Its build; may be empty.
    pub build: String,
    /// Its product; may be empty.
    pub product: String,
    /// Its release counter.
    pub release_counter: u64,
    /// The boot environment that was made from it.
    pub environment: EnvName,
}

/// A package that is installed, as others ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
}

impl Inventory {
    /// The environment that configuration and local files come from.
    pub fn parent(&self) -> Option<&EnvName> {
        let running = self.installed.as_ref().map(|image| &image.environment);
        running.or(self.default.as_ref())
    }

    /// Everything that is installed, the image first.
    pub(super) fn everything(&self) -> impl Iterator<Item = (&str, &Version)> {
        let image = self.installed.iter();
        let image = image.map(|image| (image.name.as_str(), &image.version));
        let packages = self.packages.iter();
        image.chain(packages.map(|package| (package.name.as_str(), &package.version)))
    }
}
