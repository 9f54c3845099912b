use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;
use crate::isi_file::Extent;
use crate::manifest::{Dependency, Manifest, Region, RegionKind, Restart};
use crate::release::{PackageType, Version, VersionRange};

/// What a manifest says of its package, without the regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageDetails {
    /// Kind of package.
    #[serde(rename = "type")]
    pub package_type: PackageType,
    /// Name.
    pub name: String,
    /// Version.
    pub version: Version,
    /// Build label of the vendor; may be empty.
    pub build: String,
    /// One line for listings; may be empty.
    pub description: String,
    /// Product the package is for; empty: any.
    pub product: String,
    /// Machine architecture the package is for; empty: any.
    pub architecture: String,
    /// Source branch it was built from; may be empty.
    pub branch: String,
    /// When the package was made.
    pub created: Timestamp,
    /// Counts the releases of the product.
    pub release_counter: u64,
    /// Versions that can be upgraded with it.
    pub source_versions: VersionRange,
    /// What has to be installed.
    pub requires: Vec<Dependency>,
    /// What must not be installed.
    pub conflicts: Vec<Dependency>,
    /// What it takes the place of.
    pub obsoletes: Vec<Dependency>,
    /// What starts anew.
    pub restart: Restart,
    /// Whether the way back is open.
    pub rollback: bool,
    /// Services it affects.
    pub services: Vec<String>,
    /// Bytes needed; zero: not said.
    pub free_space: u64,
    /// Minutes it takes; zero: not said.
    pub minutes: u32,
}

/// One region of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionDetails {
    /// Position, counted from 1.
    pub number: usize,
    /// What the region is for, as the manifest names it.
    pub kind: String,
    /// The same in words for a person.
    pub label: String,
    /// Name.
    pub name: String,
    /// Media type; may be empty.
    pub media_type: String,
    /// Digest of the region.
    pub sha256: Sha256Digest,
    /// Where it begins in the package, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub size: u64,
}

impl From<&Manifest> for PackageDetails {
    fn from(manifest: &Manifest) -> Self {
        let manifest = manifest.clone();
        Self {
            package_type: manifest.package_type,
            name: manifest.name,
            version: manifest.version,
            build: manifest.build,
            description: manifest.description,
            product: manifest.product,
            architecture: manifest.architecture,
            branch: manifest.branch,
            created: manifest.created,
            release_counter: manifest.release_counter,
            source_versions: manifest.source_versions,
            requires: manifest.requires,
            conflicts: manifest.conflicts,
            obsoletes: manifest.obsoletes,
            restart: manifest.restart,
            rollback: manifest.rollback,
            services: manifest.services,
            free_space: manifest.free_space,
            minutes: manifest.minutes,
        }
    }
}

impl RegionDetails {
    /// The regions of a package in their order; `extents` says where each lies.
    pub fn all(manifest: &Manifest, extents: &[Extent]) -> Vec<Self> {
        let regions = (1..).zip(manifest.regions.iter().zip(extents));
        regions
            .map(|(number, (region, extent))| {
                Self::new(number, region, *extent, manifest.package_type)
            })
            .collect()
    }

    fn new(number: usize, region: &Region, extent: Extent, package_type: PackageType) -> Self {
        let label = match region.kind {
            RegionKind::Payload => package_type.payload_label(),
            kind => kind.label(),
        };
        Self {
            number,
            kind: region.kind.to_string(),
            label: label.to_owned(),
            name: region.name.clone(),
            media_type: region.media_type.clone(),
            sha256: region.sha256,
            offset: extent.offset,
            size: region.size,
        }
    }
}
