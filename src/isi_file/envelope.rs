use nom::Parser as _;
use nom::number::complete::le_u32;

use super::error::{ParseError, ParseErrorKind};
use super::footer::{Footer, size_of_footer};
use super::layout::{FOOTER_SIZE, SECTION_HEADER_SIZE, section};
use crate::digest::Sha256Digest;
use crate::fsio::ReadAt;
use crate::limits;

/// The parts of a package behind its regions: what is needed before anything else can be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The footer.
    pub footer: Footer,
    /// The manifest, not decoded: it is not authenticated yet.
    pub manifest: Vec<u8>,
    /// The CMS signature over the manifest; empty means unsigned.
    pub signature: Vec<u8>,
    /// The timestamp token over the signature; empty means none.
    pub timestamp: Vec<u8>,
    /// Where the manifest section begins, which is where the regions end.
    pub regions_end: u64,
}

/// Where a region's bytes lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Distance of the first byte from the start of the file.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
}

impl Extent {
    /// Distance of the first byte behind the extent from the start of the file.
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// Length of a section header as a file offset.
const HEADER: u64 = 8;

impl Envelope {
    /// Reads footer, manifest, signature and timestamp with two small reads.
    ///
    /// Their digests are compared with the footer, and the footer with the file's length. Memory is
    /// bounded by [`limits`].
    pub fn read(input: &(impl ReadAt + ?Sized)) -> Result<Self, ParseError> {
        let length = input
            .length()
            .map_err(|error| ParseErrorKind::Read(error).at(0, "file"))?;
        let smallest = size_of_footer() + 3 * HEADER + limits::MIN_MANIFEST;
        if length < smallest || length > limits::MAX_FILE {
            let kind = ParseErrorKind::TooShort {
                expected: smallest,
                found: length,
            };
            return Err(kind.at(0, "file"));
        }
        let footer_start = length - size_of_footer();
        let mut bytes = [0; FOOTER_SIZE];
        read_at(input, &mut bytes, footer_start, "footer")?;
        let footer = Footer::parse(&bytes, length)?;
        let sections = [
            footer.manifest_size,
            footer.signature_size,
            footer.timestamp_size,
        ];
        let needed = sections.iter().map(|size| size + HEADER).sum();
        let Some(regions_end) = footer_start.checked_sub(needed) else {
            let kind = ParseErrorKind::Overlap {
                needed,
                available: footer_start,
            };
            return Err(kind.at(0, "manifest"));
        };
        let mut tail = vec![0; usize::try_from(needed).unwrap_or(0)];
        read_at(input, &mut tail, regions_end, "manifest")?;
        let mut cursor = Cursor {
            bytes: &tail,
            offset: regions_end,
        };
        Ok(Self {
            manifest: cursor.section(
                section::MANIFEST,
                footer.manifest_size,
                footer.manifest_sha256,
                "manifest",
            )?,
            signature: cursor.section(
                section::SIGNATURE,
                footer.signature_size,
                footer.signature_sha256,
                "signature",
            )?,
            timestamp: cursor.section(
                section::TIMESTAMP,
                footer.timestamp_size,
                footer.timestamp_sha256,
                "timestamp",
            )?,
            footer,
            regions_end,
        })
    }

    /// Computes where the regions lie whose sizes the manifest names, first to last.
    ///
    /// With a section header before each but the first they must fill the file from its first byte to
    /// the manifest exactly. Nothing is read: see [`Envelope::check_headers`].
    pub fn place(&self, sizes: &[u64]) -> Result<Vec<Extent>, ParseError> {
        if sizes.is_empty() || sizes.len() > limits::MAX_REGIONS {
            let kind = ParseErrorKind::RegionCount {
                max: limits::MAX_REGIONS,
                found: sizes.len(),
            };
            return Err(kind.at(self.regions_end, "regions"));
        }
        let mut end = 0_u64;
        let mut extents = Vec::with_capacity(sizes.len());
        for (index, &length) in sizes.iter().enumerate() {
            let (header, max) = if index == 0 {
                (0, limits::MAX_FILE)
            } else {
                (HEADER, limits::MAX_LATER_REGION)
            };
            if length > max {
                let kind = ParseErrorKind::Size {
                    min: 0,
                    max,
                    found: length,
                };
                return Err(kind.at(end, "region"));
            }
            let offset = end.saturating_add(header);
            extents.push(Extent { offset, length });
            end = offset.saturating_add(length);
        }
        if end == self.regions_end {
            Ok(extents)
        } else {
            let kind = ParseErrorKind::Tiling {
                needed: end,
                available: self.regions_end,
            };
            Err(kind.at(self.regions_end, "regions"))
        }
    }

    /// Reads the section header before each region but the first; it must name the region's length.
    pub fn check_headers(
        &self,
        input: &(impl ReadAt + ?Sized),
        extents: &[Extent],
    ) -> Result<(), ParseError> {
        for extent in extents.iter().skip(1) {
            let start = extent.offset.saturating_sub(HEADER);
            let mut header = [0; SECTION_HEADER_SIZE];
            read_at(input, &mut header, start, "region")?;
            expect_header(&header, section::REGION, extent.length, start, "region")?;
        }
        Ok(())
    }
}

/// Takes sections off the front of the bytes behind the regions.
struct Cursor<'a> {
    bytes: &'a [u8],
    offset: u64,
}

impl Cursor<'_> {
    fn section(
        &mut self,
        magic: u32,
        size: u64,
        digest: Sha256Digest,
        field: &'static str,
    ) -> Result<Vec<u8>, ParseError> {
        let start = self.offset;
        let (header, rest) = self
            .bytes
            .split_at_checked(SECTION_HEADER_SIZE)
            .unwrap_or_default();
        expect_header(header, magic, size, start, field)?;
        let size_in_memory = usize::try_from(size).unwrap_or(usize::MAX);
        let (content, rest) = rest.split_at_checked(size_in_memory).unwrap_or_default();
        let found = Sha256Digest::of(content);
        if found != digest {
            let kind = ParseErrorKind::SectionDigest {
                expected: digest,
                found,
            };
            return Err(kind.at(start.saturating_add(HEADER), field));
        }
        self.bytes = rest;
        self.offset = start.saturating_add(HEADER).saturating_add(size);
        Ok(content.to_vec())
    }
}

fn expect_header(
    header: &[u8],
    magic: u32,
    length: u64,
    offset: u64,
    field: &'static str,
) -> Result<(), ParseError> {
    let mut fields = (le_u32::<&[u8], nom::error::Error<&[u8]>>, le_u32);
    let (found, found_length) = fields
        .parse(header)
        .map(|(_, found)| found)
        .unwrap_or_default();
    if found == magic && u64::from(found_length) == length {
        Ok(())
    } else {
        let kind = ParseErrorKind::SectionHeader {
            expected: magic,
            length,
            found,
            found_length,
        };
        Err(kind.at(offset, field))
    }
}

fn read_at(
    input: &(impl ReadAt + ?Sized),
    buffer: &mut [u8],
    offset: u64,
    field: &'static str,
) -> Result<(), ParseError> {
    input
        .read_exact_at(buffer, offset)
        .map_err(|error| ParseErrorKind::Read(error).at(offset, field))
}
