use byteorder::{ByteOrder as _, LittleEndian};

use super::footer::{crc32c, size_of_footer};
use super::layout::{
    END_MAGIC, FOOTER_SIZE, READ_VERSION, SECTION_HEADER_SIZE, WRITE_VERSION, section,
};
use crate::digest::Sha256Digest;
use crate::limits;

/// No flag is defined in this version.
const NO_FLAGS: u32 = 0;

/// A part too large for the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} has {found} bytes, the format allows {max}")]
pub struct SealError {
    /// The part.
    pub part: &'static str,
    /// Most bytes it may have.
    pub max: u64,
    /// Bytes it has.
    pub found: u64,
}

impl SealError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        "E_FORMAT_SIZE"
    }
}

/// The eight bytes before a section of `length` bytes.
pub fn section_header(magic: u32, length: u32) -> [u8; SECTION_HEADER_SIZE] {
    let mut header = [0; SECTION_HEADER_SIZE];
    let (first, second) = header.split_at_mut(SECTION_HEADER_SIZE / 2);
    LittleEndian::write_u32(first, magic);
    LittleEndian::write_u32(second, length);
    header
}

/// Everything behind the regions: manifest, signature, timestamp and footer, ready to be appended to
/// `regions_end` bytes.
pub fn seal(
    regions_end: u64,
    manifest: &[u8],
    signature: &[u8],
    timestamp: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut tail = Vec::new();
    let sections = [
        (
            section::MANIFEST,
            "manifest",
            manifest,
            limits::MAX_MANIFEST,
        ),
        (
            section::SIGNATURE,
            "signature",
            signature,
            limits::MAX_SIGNATURE,
        ),
        (
            section::TIMESTAMP,
            "timestamp",
            timestamp,
            limits::MAX_TIMESTAMP,
        ),
    ];
    for (magic, part, content, max) in sections {
        let found = length_of(content);
        let length = u32::try_from(found).ok().filter(|_| found <= max);
        let length = length.ok_or(SealError { part, max, found })?;
        tail.extend(section_header(magic, length));
        tail.extend(content);
    }
    let file_length = regions_end
        .checked_add(length_of(&tail))
        .and_then(|length| length.checked_add(size_of_footer()))
        .filter(|length| *length <= limits::MAX_FILE)
        .ok_or(SealError {
            part: "file",
            max: limits::MAX_FILE,
            found: regions_end,
        })?;
    tail.extend(footer(file_length, manifest, signature, timestamp));
    Ok(tail)
}

/// Fields in the order of [`super::layout::FOOTER`].
fn footer(file_length: u64, manifest: &[u8], signature: &[u8], timestamp: &[u8]) -> Vec<u8> {
    let body = u32::try_from(FOOTER_SIZE - SECTION_HEADER_SIZE).unwrap_or(0);
    let parts = [manifest, signature, timestamp];
    let mut footer = Vec::with_capacity(FOOTER_SIZE);
    footer.extend(section_header(section::FOOTER, body));
    footer.extend(READ_VERSION.to_le_bytes());
    footer.extend(WRITE_VERSION.to_le_bytes());
    footer.extend(NO_FLAGS.to_le_bytes());
    footer.extend(file_length.to_le_bytes());
    footer.extend(parts.iter().flat_map(|part| length_of(part).to_le_bytes()));
    footer.extend(
        parts
            .iter()
            .flat_map(|part| *Sha256Digest::of(part).as_bytes()),
    );
    footer.extend(crc32c(&footer).to_le_bytes());
    footer.extend(END_MAGIC);
    footer
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
