use serde::Serialize;

use super::seal::{SignatureView, TimestampView};
use crate::cli::CommandError;
use crate::digest::Sha256Digest;
use crate::isi_file::Footer;
use crate::package::{Package, Unverified};
use crate::service::{PackageDetails, RegionDetails};

/// What a package says of itself, in the shape of the JSON output.
#[derive(Serialize, Debug)]
pub(super) struct Report {
    pub(super) schema: u32,
    /// Always false: nothing is verified for this report.
    pub(super) verified: bool,
    pub(super) note: &'static str,
    pub(super) regions: Vec<RegionDetails>,
    pub(super) footer: FooterView,
    pub(super) signature: SignatureView,
    pub(super) timestamp: TimestampView,
    pub(super) package: PackageDetails,
}

/// Said in every form of the report.
pub(super) const NOTE: &str =
    "Nothing above is verified; it proves nothing about the payload. Use isi_packager verify.";

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

impl Report {
    /// Reads it without believing it.
    pub(super) fn read(package: &Package<Unverified>) -> Result<Self, CommandError> {
        let (manifest, extents) = package.inspect()?;
        let envelope = package.envelope();
        Ok(Self {
            schema: 1,
            verified: false,
            note: NOTE,
            regions: RegionDetails::all(&manifest, &extents),
            footer: FooterView::new(&envelope.footer),
            signature: SignatureView::new(&envelope.signature),
            timestamp: TimestampView::new(&envelope.timestamp),
            package: PackageDetails::from(&manifest),
        })
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
