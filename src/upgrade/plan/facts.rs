use serde::{Deserialize, Serialize};

use crate::digest::PackageId;
use crate::manifest::{Dependency, RegionKind, Restart};
use crate::payload::{FileTable, space_needed};
use crate::release::{PackageType, Version, VersionRange};
use crate::system::{Lists, RightAt, kernel_bytes, kernels, rights_in};
use crate::upgrade::machine::expect_programs;
use crate::upgrade::{Opened, UpgradeError};

/// What a plan needs to know of a verified package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFacts {
    /// Which package it is.
    pub id: PackageId,
    /// What kind of package.
    #[serde(rename = "type")]
    pub package_type: PackageType,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Build label of its vendor; may be empty.
    pub build: String,
    /// The product it is for; empty: any.
    pub product: String,
    /// The machine it is for; empty: any.
    pub architecture: String,
    /// Counts the releases of the product.
    pub release_counter: u64,
    /// Versions that it may take the place of.
    pub source_versions: VersionRange,
    /// What has to be installed.
    pub requires: Vec<Dependency>,
    /// What must not be installed.
    pub conflicts: Vec<Dependency>,
    /// What starts anew.
    pub restart: Restart,
    /// Whether the way back is open.
    pub rollback: bool,
    /// Services that it interrupts.
    pub services: Vec<String>,
    /// Minutes it takes; zero: not said.
    pub minutes: u32,
    /// Bytes that it wants to be free; zero: not said.
    pub free_space: u64,
    /// Its files; none if its payload is no tree of files.
    pub tree: Option<TreeFacts>,
    /// Programs that run when it is installed, by name.
    pub hooks: Vec<String>,
    /// Programs that tell whether the system is well, by name.
    pub health_checks: Vec<String>,
    /// Kernels that it brings, by name.
    pub kernels: Vec<String>,
    /// Bytes that all of them take, with their RAM disks.
    #[serde(default)]
    pub kernel_bytes: u64,
    /// What of its files gives rights.
    #[serde(default)]
    pub rights: Vec<RightAt>,
}

/// How much the files of an image are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeFacts {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes that they take on a disk, roughly.
    pub bytes: u64,
}

impl PackageFacts {
    /// What an opened package says of itself.
    ///
    /// One whose programs cannot be used is refused.
    pub fn of(opened: &Opened) -> Result<Self, UpgradeError> {
        let (package, table) = (
            &opened.package,
            opened.tree.as_ref().map(|tree| &tree.table),
        );
        expect_programs(package)?;
        let manifest = package.manifest();
        let named = |kind| {
            let regions = manifest.regions.iter();
            let regions = regions.filter(|region| region.kind == kind);
            regions.map(|region| region.name.clone()).collect()
        };
        // Lists and kernels that cannot be used are refused before anything is done.
        Lists::read(package, &[])?;
        let kernels = kernels(manifest)?.into_iter().map(str::to_owned).collect();
        Ok(Self {
            id: opened.id,
            package_type: manifest.package_type,
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            build: manifest.build.clone(),
            product: manifest.product.clone(),
            architecture: manifest.architecture.clone(),
            release_counter: manifest.release_counter,
            source_versions: manifest.source_versions.clone(),
            requires: manifest.requires.clone(),
            conflicts: manifest.conflicts.clone(),
            restart: manifest.restart,
            rollback: manifest.rollback,
            services: manifest.services.clone(),
            minutes: manifest.minutes,
            free_space: manifest.free_space,
            tree: table.map(size),
            hooks: named(RegionKind::Hook),
            health_checks: named(RegionKind::HealthCheck),
            kernels,
            kernel_bytes: kernel_bytes(manifest),
            rights: table.map(rights_in).unwrap_or_default(),
        })
    }
}

fn size(table: &FileTable) -> TreeFacts {
    TreeFacts {
        entries: u64::try_from(table.entries().len()).unwrap_or(u64::MAX),
        bytes: space_needed(table),
    }
}
