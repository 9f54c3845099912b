use nom::Parser as _;
use nom::bytes::complete::take;
use nom::number::complete::{le_u16, le_u32, le_u64};

use super::error::{ParseError, ParseErrorKind};
use super::layout::{
    END_MAGIC, FOOTER, FOOTER_CRC_COVERS, FOOTER_SIZE, READ_VERSION, SECTION_HEADER_SIZE, section,
};
use crate::digest::Sha256Digest;
use crate::limits;

/// The last 156 bytes of a package, checked field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    /// Version a reader must know.
    pub read_version: u16,
    /// Version that wrote the package, at least `read_version`.
    pub write_version: u16,
    /// Length of the whole file in bytes.
    pub file_length: u64,
    /// Length of the manifest in bytes.
    pub manifest_size: u64,
    /// Length of the CMS signature in bytes; 0 means unsigned.
    pub signature_size: u64,
    /// Length of the timestamp token in bytes; 0 means none.
    pub timestamp_size: u64,
    /// Digest of the manifest.
    pub manifest_sha256: Sha256Digest,
    /// Digest of the signature, also when it is empty.
    pub signature_sha256: Sha256Digest,
    /// Digest of the token, also when it is empty.
    pub timestamp_sha256: Sha256Digest,
}

/// CRC-32C (Castagnoli; RFC 3720, section 12.1).
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(bytes)
}

impl Footer {
    /// Parses the last bytes of a file of `file_length` bytes.
    ///
    /// The order of the checks is part of the format: whoever finds two faults names the first.
    pub fn parse(bytes: &[u8; FOOTER_SIZE], file_length: u64) -> Result<Self, ParseError> {
        let start = file_length.saturating_sub(size_of_footer());
        let at = |field: &'static str| start.saturating_add(offset_of(field));
        let raw = raw(bytes);
        if raw.end_magic != END_MAGIC {
            let found = data_encoding::HEXLOWER.encode(&raw.end_magic);
            return Err(ParseErrorKind::EndMagic { found }.at(at("end_magic"), "end_magic"));
        }
        let expected = crc32c(bytes.get(..FOOTER_CRC_COVERS).unwrap_or_default());
        if raw.crc32c != expected {
            let kind = ParseErrorKind::FooterDamaged {
                expected,
                found: raw.crc32c,
            };
            return Err(kind.at(at("crc32c"), "crc32c"));
        }
        let body = u64::try_from(FOOTER_SIZE - SECTION_HEADER_SIZE).unwrap_or(u64::MAX);
        if raw.magic != section::FOOTER || u64::from(raw.length) != body {
            let kind = ParseErrorKind::SectionHeader {
                expected: section::FOOTER,
                length: body,
                found: raw.magic,
                found_length: raw.length,
            };
            return Err(kind.at(at("magic"), "magic"));
        }
        if raw.read_version == 0 || raw.read_version > READ_VERSION {
            let kind = ParseErrorKind::ReadVersion {
                supported: READ_VERSION,
                found: raw.read_version,
            };
            return Err(kind.at(at("read_version"), "read_version"));
        }
        if raw.write_version < raw.read_version {
            let kind = ParseErrorKind::WriteVersion {
                read: raw.read_version,
                found: raw.write_version,
            };
            return Err(kind.at(at("write_version"), "write_version"));
        }
        if raw.flags != 0 {
            return Err(ParseErrorKind::Flags { found: raw.flags }.at(at("flags"), "flags"));
        }
        if raw.file_length != file_length {
            let kind = ParseErrorKind::FileLength {
                expected: file_length,
                found: raw.file_length,
            };
            return Err(kind.at(at("file_length"), "file_length"));
        }
        let sizes = [
            (
                "manifest_size",
                raw.manifest_size,
                limits::MIN_MANIFEST,
                limits::MAX_MANIFEST,
            ),
            (
                "signature_size",
                raw.signature_size,
                0,
                limits::MAX_SIGNATURE,
            ),
            (
                "timestamp_size",
                raw.timestamp_size,
                0,
                limits::MAX_TIMESTAMP,
            ),
        ];
        for (field, found, min, max) in sizes {
            if !(min..=max).contains(&found) {
                return Err(ParseErrorKind::Size { min, max, found }.at(at(field), field));
            }
        }
        Ok(Self {
            read_version: raw.read_version,
            write_version: raw.write_version,
            file_length,
            manifest_size: raw.manifest_size,
            signature_size: raw.signature_size,
            timestamp_size: raw.timestamp_size,
            manifest_sha256: Sha256Digest::from_bytes(raw.manifest_sha256),
            signature_sha256: Sha256Digest::from_bytes(raw.signature_sha256),
            timestamp_sha256: Sha256Digest::from_bytes(raw.timestamp_sha256),
        })
    }
}

/// Length of the footer section as a file offset.
pub(super) fn size_of_footer() -> u64 {
    u64::try_from(FOOTER_SIZE).unwrap_or(u64::MAX)
}

fn offset_of(field: &str) -> u64 {
    let found = FOOTER.iter().find(|candidate| candidate.name == field);
    found
        .and_then(|field| u64::try_from(field.offset).ok())
        .unwrap_or(0)
}

/// The footer's fields before any of them is believed.
#[derive(Default)]
struct Raw {
    magic: u32,
    length: u32,
    read_version: u16,
    write_version: u16,
    flags: u32,
    file_length: u64,
    manifest_size: u64,
    signature_size: u64,
    timestamp_size: u64,
    manifest_sha256: [u8; 32],
    signature_sha256: [u8; 32],
    timestamp_sha256: [u8; 32],
    crc32c: u32,
    end_magic: [u8; 8],
}

/// Splits the fixed number of bytes into fields; their sum is the array's length.
fn raw(bytes: &[u8; FOOTER_SIZE]) -> Raw {
    let digest = || take::<_, &[u8], nom::error::Error<&[u8]>>(32_usize);
    let mut fields = (
        (le_u32, le_u32, le_u16, le_u16, le_u32),
        (le_u64, le_u64, le_u64, le_u64),
        (digest(), digest(), digest()),
        (le_u32, take(8_usize)),
    );
    let Ok((_, (head, sizes, digests, tail))) = fields.parse(bytes.as_slice()) else {
        return Raw::default();
    };
    Raw {
        magic: head.0,
        length: head.1,
        read_version: head.2,
        write_version: head.3,
        flags: head.4,
        file_length: sizes.0,
        manifest_size: sizes.1,
        signature_size: sizes.2,
        timestamp_size: sizes.3,
        manifest_sha256: digests.0.try_into().unwrap_or_default(),
        signature_sha256: digests.1.try_into().unwrap_or_default(),
        timestamp_sha256: digests.2.try_into().unwrap_or_default(),
        crc32c: tail.0,
        end_magic: tail.1.try_into().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_is_castagnoli() {
        // RFC 3720, appendix B.4: 32 bytes of zeroes.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }
}
