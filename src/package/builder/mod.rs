//! Building packages: a payload, further regions and what the manifest says of them.

mod draft;
mod error;
mod payload;
mod regions;

use std::io::{Seek as _, SeekFrom, Write as _};

use super::hashing::BUFFER;
use super::measure;
use crate::digest::{Hasher, PackageId};
use crate::fsio::OutputFile;
use crate::isi_file::seal;
use crate::manifest::{Manifest, Region, RegionKind, encode};
use crate::payload::FileTable;
use crate::payload::lists::ObsoleteList;
use crate::progress::Progress;

pub use draft::{Content, Draft, DraftRegion, PayloadSource};
pub use error::BuildError;
use payload::write_payload;
use regions::RegionWriter;

/// A package whose regions are written and whose manifest is made, not sealed yet.
#[derive(Debug)]
pub struct Built {
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    whole: Hasher,
    regions_end: u64,
}

/// Writes the regions of `draft` to the beginning of `output` and makes the manifest.
pub fn build(
    draft: Draft,
    output: &mut OutputFile,
    progress: &dyn Progress,
) -> Result<Built, BuildError> {
    let Draft {
        mut manifest,
        created,
        payload,
        payload_name,
        mut regions,
    } = draft;
    let written = write_payload(payload, output, progress)?;
    manifest.created = created.unwrap_or(written.newest);
    manifest.regions = vec![Region {
        kind: RegionKind::Payload,
        name: payload_name,
        media_type: written.media_type,
        size: written.measured.length,
        sha256: written.measured.whole.clone().finish(),
        chunks: written.measured.chunks,
        unknown: Vec::new(),
    }];
    let after_readme = regions
        .iter()
        .take_while(|region| region.kind == RegionKind::Readme)
        .count();
    regions.splice(after_readme..after_readme, written.described_by);
    let regions = settle_lists(regions, written.table.as_ref())?;
    let mut writer = RegionWriter {
        output,
        whole: written.measured.whole,
        end: written.measured.length,
    };
    writer
        .output
        .seek(SeekFrom::Start(writer.end))
        .map_err(BuildError::Write)?;
    for region in regions {
        let region = writer.write(region, progress)?;
        manifest.regions.push(region);
    }
    let (whole, regions_end) = (writer.whole, writer.end);
    let manifest_bytes = encode(&manifest).map_err(BuildError::Manifest)?;
    Ok(Built {
        manifest,
        manifest_bytes,
        whole,
        regions_end,
    })
}

/// Makes the lists that depend on what the payload holds.
fn settle_lists(
    regions: Vec<DraftRegion>,
    table: Option<&FileTable>,
) -> Result<Vec<DraftRegion>, BuildError> {
    let mut settled = Vec::with_capacity(regions.len());
    for region in regions {
        let Content::ObsoleteList {
            previous,
            mut listed,
        } = region.content
        else {
            settled.push(region);
            continue;
        };
        if let Some(table) = table {
            if let Some(path) = listed.contradicts(table) {
                let path = path.to_string();
                return Err(BuildError::NotObsolete { path });
            }
            if let Some(previous) = &previous {
                listed.extend(ObsoleteList::between(previous, table));
            }
        }
        if !listed.is_empty() {
            let content = Content::Bytes(listed.encode().map_err(BuildError::Payload)?);
            settled.push(DraftRegion { content, ..region });
        }
    }
    Ok(settled)
}

impl Built {
    /// What the package says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes that are to be signed.
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// Writes the parts behind the regions; the output is then a whole package.
    pub fn finish(
        self,
        output: &mut OutputFile,
        signature: &[u8],
        timestamp: &[u8],
    ) -> Result<PackageId, BuildError> {
        let Self {
            manifest_bytes,
            mut whole,
            regions_end,
            ..
        } = self;
        let tail = seal(regions_end, &manifest_bytes, signature, timestamp);
        let tail = tail.map_err(BuildError::Seal)?;
        output
            .seek(SeekFrom::Start(regions_end))
            .and_then(|_| output.write_all(&tail))
            .map_err(BuildError::Write)?;
        whole.update(&tail);
        Ok(PackageId::new(whole.finish()))
    }
}
