use std::fs::File;
use std::io::{self, Read as _};

use super::OpenError;
use crate::digest::PackageId;
use crate::fsio::{ReadAt, RegionReader};
use crate::isi_file::{Envelope, Extent, ParseErrorKind};
use crate::manifest::{Manifest, ManifestErrorKind, Region, RegionKind, decode};
use crate::trust::Verdict;

/// A package over one open file; `S` says what is known of it.
#[derive(Debug)]
pub struct Package<S = Unverified> {
    pub(super) file: File,
    pub(super) envelope: Envelope,
    pub(super) state: S,
}

/// Nothing is known but that the parts are where they must be.
#[derive(Debug)]
pub struct Unverified(());

/// Signatures, identities and policy agree with the manifest; no region was read.
#[derive(Debug)]
pub struct Authentic {
    pub(super) manifest: Manifest,
    pub(super) verdict: Verdict,
}

/// Signed by those who may sign it, or let pass unsigned on purpose; every byte has its digest, or is
/// compared with it when it is used (see [`Package::defer_regions`]).
#[derive(Debug)]
pub struct Verified {
    pub(super) manifest: Manifest,
    pub(super) extents: Vec<Extent>,
    pub(super) verdict: Verdict,
    pub(super) id: Option<PackageId>,
}

/// The bytes of a package's payload.
#[derive(Debug, Clone, Copy)]
pub struct PayloadBytes<'a> {
    file: &'a File,
    length: u64,
}

impl ReadAt for PayloadBytes<'_> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = u64::try_from(buffer.len())
            .ok()
            .and_then(|length| offset.checked_add(length));
        if end.is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        ReadAt::read_exact_at(self.file, buffer, offset)
    }
}

impl Package<Unverified> {
    /// Reads the parts behind the regions; proves nothing.
    pub fn open(file: File) -> Result<Self, OpenError> {
        let envelope = Envelope::read(&file).map_err(container)?;
        Ok(Self {
            file,
            envelope,
            state: Unverified(()),
        })
    }

    /// Decodes the manifest and finds the regions **without any authentication**.
    ///
    /// For showing a package that nobody vouches for; nothing may be decided by it.
    pub fn inspect(&self) -> Result<(Manifest, Vec<Extent>), OpenError> {
        let manifest = decode_manifest(&self.envelope)?;
        let extents = place(&self.envelope, &manifest)?;
        self.envelope
            .check_headers(&self.file, &extents)
            .map_err(container)?;
        Ok((manifest, extents))
    }
}

impl<S> Package<S> {
    /// The parts behind the regions.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Length of the whole file in bytes.
    pub fn length(&self) -> u64 {
        self.envelope.footer.file_length
    }

    /// Whether somebody signed it, whoever that is.
    pub fn is_signed(&self) -> bool {
        !self.envelope.signature.is_empty()
    }
}

impl Package<Verified> {
    /// What the package says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.state.manifest
    }

    /// What was checked and found.
    pub fn verdict(&self) -> &Verdict {
        &self.state.verdict
    }

    /// The package ID, if the whole file was hashed in one pass.
    pub fn id(&self) -> Option<PackageId> {
        self.state.id
    }

    /// Where region `index`, counted from 0, lies, and what the manifest says of it.
    pub fn region(&self, index: usize) -> Option<(&Region, Extent)> {
        let region = self.state.manifest.regions.get(index)?;
        Some((region, *self.state.extents.get(index)?))
    }

    /// The first region of a kind.
    pub fn region_of(&self, kind: RegionKind) -> Option<(&Region, Extent)> {
        let regions = &self.state.manifest.regions;
        self.region(regions.iter().position(|region| region.kind == kind)?)
    }

    /// Reads a whole region into memory and compares it with its digest once more; for small ones.
    pub fn read_region(&self, region: &Region, extent: Extent) -> Result<Vec<u8>, OpenError> {
        let bytes = read(&self.file, extent)?;
        let found = crate::digest::Sha256Digest::of(&bytes);
        if found == region.sha256 {
            Ok(bytes)
        } else {
            let kind = ParseErrorKind::SectionDigest {
                expected: region.sha256,
                found,
            };
            Err(container(kind.at(extent.offset, "region")))
        }
    }

    /// The README, if there is one.
    pub fn readme(&self) -> Result<Option<String>, OpenError> {
        let Some((region, extent)) = self.region_of(RegionKind::Readme) else {
            return Ok(None);
        };
        self.read_region(region, extent).and_then(text).map(Some)
    }

    /// The payload and nothing behind it, for unpacking; nothing was compared with a digest yet.
    pub fn payload(&self) -> PayloadBytes<'_> {
        // The payload is region 1, which begins where the file begins.
        PayloadBytes {
            file: &self.file,
            length: self.region(0).map_or(0, |(_, extent)| extent.length),
        }
    }
}

/// Decodes the manifest, which must agree with the footer on the format's version.
pub(super) fn decode_manifest(envelope: &Envelope) -> Result<Manifest, OpenError> {
    let manifest = decode(&envelope.manifest).map_err(OpenError::Manifest)?;
    let expected = (envelope.footer.read_version, envelope.footer.write_version);
    let found = (manifest.read_version, manifest.write_version);
    if expected == found {
        Ok(manifest)
    } else {
        let kind = ManifestErrorKind::FormatVersion { expected, found };
        Err(OpenError::Manifest(kind.at(0, "format")))
    }
}

/// Computes where the regions lie that the manifest names.
pub(super) fn place(envelope: &Envelope, manifest: &Manifest) -> Result<Vec<Extent>, OpenError> {
    let sizes: Vec<u64> = manifest.regions.iter().map(|region| region.size).collect();
    envelope.place(&sizes).map_err(container)
}

/// Checks what a manifest cannot bind: the headers between the regions, and that a README is text.
pub(super) fn check_regions(
    file: &File,
    envelope: &Envelope,
    manifest: &Manifest,
    extents: &[Extent],
) -> Result<(), OpenError> {
    check_headers(file, envelope, extents)?;
    readme(file, manifest, extents).map(drop)
}

/// Checks the headers between the regions.
pub(super) fn check_headers(
    file: &File,
    envelope: &Envelope,
    extents: &[Extent],
) -> Result<(), OpenError> {
    envelope.check_headers(file, extents).map_err(container)
}

fn readme(
    file: &File,
    manifest: &Manifest,
    extents: &[Extent],
) -> Result<Option<String>, OpenError> {
    let kinds = manifest.regions.iter().map(|region| region.kind);
    let found = kinds
        .zip(extents)
        .find(|(kind, _)| *kind == RegionKind::Readme);
    let Some((_, extent)) = found else {
        return Ok(None);
    };
    text(read(file, *extent)?).map(Some)
}

fn text(bytes: Vec<u8>) -> Result<String, OpenError> {
    String::from_utf8(bytes).map_err(|error| OpenError::Readme {
        valid_up_to: error.utf8_error().valid_up_to(),
    })
}

fn read(file: &File, extent: Extent) -> Result<Vec<u8>, OpenError> {
    let mut bytes = Vec::new();
    let mut reader = RegionReader::new(file, extent.offset, extent.length);
    reader.read_to_end(&mut bytes).map_err(OpenError::Read)?;
    Ok(bytes)
}

fn container(error: crate::isi_file::ParseError) -> OpenError {
    match error.kind {
        ParseErrorKind::Read(source) => OpenError::Read(source),
        _ => OpenError::Container(error),
    }
}
