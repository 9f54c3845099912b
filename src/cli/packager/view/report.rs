use serde::Serialize;

use super::seal::{SignatureView, TimestampView};
use crate::cli::CommandError;
use crate::digest::Sha256Digest;
use crate::isi_file::{Extent, Footer};
use crate::manifest::{Dependency, Manifest, Region, RegionKind};
use crate::package::{Package, Unverified};
use crate::release::{PackageType, Version, VersionRange};

/// What a package says of itself, in the shape of the JSON output.
#[derive(Serialize, Debug)]
pub(super) struct Report {
    pub(super) schema: u32,
    /// Always false: nothing is verified for this report.
    pub(super) verified: bool,
    pub(super) note: &'static str,
    pub(super) regions: Vec<RegionView>,
    pub(super) footer: FooterView,
    pub(super) signature: SignatureView,
    pub(super) timestamp: TimestampView,
    pub(super) package: PackageView,
}

/// Said in every form of the report.
pub(super) const NOTE: &str =
    "Nothing above is verified; it proves nothing about the payload. Use isi_packager verify.";

/// One region; numbers count from 1.
#[derive(Serialize, Debug)]
pub(super) struct RegionView {
    pub(super) number: usize,
    pub(super) kind: String,
    pub(super) label: &'static str,
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) sha256: Sha256Digest,
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// The footer's own words.
#[derive(Serialize, Debug)]
pub(super) struct FooterView {
    pub(super) format_version: u16,
    pub(super) read_version: u16,
    pub(super) file_length: u64,
    pub(super) manifest_size: u64,
    pub(super) signature_size: u64,
    pub(super) timestamp_size: u64,
    pub(super) manifest_sha256: Sha256Digest,
    pub(super) signature_sha256: Sha256Digest,
    pub(super) timestamp_sha256: Sha256Digest,
}

/// The manifest without its regions.
#[derive(Serialize, Debug)]
pub(super) struct PackageView {
    #[serde(rename = "type")]
    pub(super) package_type: PackageType,
    pub(super) name: String,
    pub(super) version: Version,
    pub(super) build: String,
    pub(super) description: String,
    pub(super) product: String,
    pub(super) architecture: String,
    pub(super) branch: String,
    pub(super) created: String,
    pub(super) release_counter: u64,
    pub(super) source_versions: VersionRange,
    pub(super) requires: Vec<Dependency>,
    pub(super) conflicts: Vec<Dependency>,
    pub(super) obsoletes: Vec<Dependency>,
    pub(super) restart: crate::manifest::Restart,
    pub(super) rollback: bool,
    pub(super) services: Vec<String>,
    pub(super) free_space: u64,
    pub(super) minutes: u32,
}

impl Report {
    /// Reads it without believing it.
    pub(super) fn read(package: &Package<Unverified>) -> Result<Self, CommandError> {
        let (manifest, extents) = package.inspect()?;
        let envelope = package.envelope();
        let package_type = manifest.package_type;
        let regions = manifest.regions.iter().zip(&extents).enumerate();
        let regions = regions.map(|(index, (region, extent))| {
            RegionView::new(index.saturating_add(1), region, *extent, package_type)
        });
        Ok(Self {
            schema: 1,
            verified: false,
            note: NOTE,
            regions: regions.collect(),
            footer: FooterView::new(&envelope.footer),
            signature: SignatureView::new(&envelope.signature),
            timestamp: TimestampView::new(&envelope.timestamp),
            package: PackageView::new(manifest),
        })
    }
}

impl RegionView {
    fn new(number: usize, region: &Region, extent: Extent, package_type: PackageType) -> Self {
        let label = match region.kind {
            RegionKind::Payload => package_type.payload_label(),
            kind => kind.label(),
        };
        Self {
            number,
            kind: region.kind.to_string(),
            label,
            name: region.name.clone(),
            media_type: region.media_type.clone(),
            sha256: region.sha256,
            offset: extent.offset,
            size: region.size,
        }
    }
}

impl FooterView {
    fn new(footer: &Footer) -> Self {
        Self {
            format_version: footer.write_version,
            read_version: footer.read_version,
            file_length: footer.file_length,
            manifest_size: footer.manifest_size,
            signature_size: footer.signature_size,
            timestamp_size: footer.timestamp_size,
            manifest_sha256: footer.manifest_sha256,
            signature_sha256: footer.signature_sha256,
            timestamp_sha256: footer.timestamp_sha256,
        }
    }
}

impl PackageView {
    fn new(manifest: Manifest) -> Self {
        Self {
            package_type: manifest.package_type,
            name: manifest.name,
            version: manifest.version,
            build: manifest.build,
            description: manifest.description,
            product: manifest.product,
            architecture: manifest.architecture,
            branch: manifest.branch,
            created: manifest.created.to_string(),
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
