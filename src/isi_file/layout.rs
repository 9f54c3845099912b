//! The container's layout in numbers: the one thing that parser and writer share.
//!
//! `format-spec/isi-file.md` prints these tables; `tests/spec` compares the two.

/// One field of a fixed structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Name, as the specification has it.
    pub name: &'static str,
    /// Distance from the structure's first byte.
    pub offset: usize,
    /// Length in bytes.
    pub size: usize,
}

/// Version of the format that a reader must know to read these packages.
pub const READ_VERSION: u16 = 1;
/// Version of the format that wrote the package; a reader may be older.
pub const WRITE_VERSION: u16 = 1;

/// First four bytes of each kind of section, little-endian: magic numbers of zstd skippable frames
/// (RFC 8878, section 3.1.2), so that a zstd reader passes over what follows the payload.
pub mod section {
    /// A region after the first.
    pub const REGION: u32 = 0x184D_2A50;
    /// The manifest.
    pub const MANIFEST: u32 = 0x184D_2A51;
    /// The CMS signature.
    pub const SIGNATURE: u32 = 0x184D_2A52;
    /// The RFC 3161 timestamp token.
    pub const TIMESTAMP: u32 = 0x184D_2A53;
    /// The footer.
    pub const FOOTER: u32 = 0x184D_2A54;
}

/// Fields of a section header.
pub const SECTION_HEADER: [Field; 2] = [
    Field {
        name: "magic",
        offset: 0,
        size: 4,
    },
    Field {
        name: "length",
        offset: 4,
        size: 4,
    },
];

/// Length of a section header in bytes.
pub const SECTION_HEADER_SIZE: usize = 8;

/// Fields of the footer section, its header included.
pub const FOOTER: [Field; 14] = [
    Field {
        name: "magic",
        offset: 0,
        size: 4,
    },
    Field {
        name: "length",
        offset: 4,
        size: 4,
    },
    Field {
        name: "read_version",
        offset: 8,
        size: 2,
    },
    Field {
        name: "write_version",
        offset: 10,
        size: 2,
    },
    Field {
        name: "flags",
        offset: 12,
        size: 4,
    },
    Field {
        name: "file_length",
        offset: 16,
        size: 8,
    },
    Field {
        name: "manifest_size",
        offset: 24,
        size: 8,
    },
    Field {
        name: "signature_size",
        offset: 32,
        size: 8,
    },
    Field {
        name: "timestamp_size",
        offset: 40,
        size: 8,
    },
    Field {
        name: "manifest_sha256",
        offset: 48,
        size: 32,
    },
    Field {
        name: "signature_sha256",
        offset: 80,
        size: 32,
    },
    Field {
        name: "timestamp_sha256",
        offset: 112,
        size: 32,
    },
    Field {
        name: "crc32c",
        offset: 144,
        size: 4,
    },
    Field {
        name: "end_magic",
        offset: 148,
        size: 8,
    },
];

/// Length of the footer section in bytes, its header included.
pub const FOOTER_SIZE: usize = 156;
/// The first bytes of the footer, which its CRC-32C covers.
pub const FOOTER_CRC_COVERS: usize = 144;

/// The last eight bytes of every package; the odd ones show a transfer that changed line ends.
pub const END_MAGIC: [u8; 8] = *b"\x89ISI\r\n\x1a\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_follow_each_other_without_gaps() {
        for (fields, size) in [
            (&SECTION_HEADER[..], SECTION_HEADER_SIZE),
            (&FOOTER[..], FOOTER_SIZE),
        ] {
            let end = fields.iter().fold(0, |offset, field| {
                assert_eq!(field.offset, offset, "{}", field.name);
                offset + field.size
            });
            assert_eq!(end, size);
        }
    }
}
