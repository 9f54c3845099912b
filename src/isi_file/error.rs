use std::io;

/// A file that is not a package, and where that shows.
#[derive(Debug, thiserror::Error)]
#[error("not a valid package at byte {offset} ({field}): {kind}")]
#[non_exhaustive]
pub struct ParseError {
    /// What is wrong, with what was expected and found.
    pub kind: ParseErrorKind,
    /// Distance from the start of the file.
    pub offset: u64,
    /// Name of the field or part, as the specification has it.
    pub field: &'static str,
}

/// What is wrong with the structure of a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Shorter than the smallest package.
    #[error("the file has {found} bytes, a package has at least {expected}")]
    TooShort {
        /// Fewest bytes a package has.
        expected: u64,
        /// Bytes in the file.
        found: u64,
    },
    /// The last bytes are not the end magic: no package, or a truncated one.
    #[error("the file does not end with the package magic; found {found}")]
    EndMagic {
        /// The last eight bytes in hex.
        found: String,
    },
    /// The footer's checksum does not match: damage, not forgery.
    #[error("the footer is damaged: expected CRC-32C {expected:08x}, found {found:08x}")]
    FooterDamaged {
        /// Computed over the footer's bytes.
        expected: u32,
        /// Stored in the footer.
        found: u32,
    },
    /// The package needs a newer reader.
    #[error("needs format version {found}, this program reads up to {supported}")]
    ReadVersion {
        /// Newest version this program reads.
        supported: u16,
        /// Version the package needs.
        found: u16,
    },
    /// The write version is older than the read version.
    #[error("write version {found} is older than read version {read}")]
    WriteVersion {
        /// Read version in the footer.
        read: u16,
        /// Write version in the footer.
        found: u16,
    },
    /// Bits are set that this version does not define.
    #[error("unknown flags {found:#010x}, expected none")]
    Flags {
        /// The flags as found.
        found: u32,
    },
    /// The footer was written for a file of another length.
    #[error("the footer says {found} bytes, the file has {expected}")]
    FileLength {
        /// Bytes in the file.
        expected: u64,
        /// Bytes according to the footer.
        found: u64,
    },
    /// A size is outside its limits.
    #[error("size {found} is outside {min} to {max}")]
    Size {
        /// Least size.
        min: u64,
        /// Greatest size.
        max: u64,
        /// Size as found.
        found: u64,
    },
    /// Parts are larger than the file that should hold them.
    #[error("the parts need {needed} bytes before this place, there are {available}")]
    Overlap {
        /// Bytes the parts need.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// A section starts with something else than its header.
    #[error(
        "expected a section header {expected:08x} with length {length}, found {found:08x} with length {found_length}"
    )]
    SectionHeader {
        /// Magic expected at this place.
        expected: u32,
        /// Length expected at this place.
        length: u64,
        /// Magic found.
        found: u32,
        /// Length found.
        found_length: u32,
    },
    /// The regions do not fill the place before the manifest exactly.
    #[error("the regions and their headers take {needed} bytes, there are {available}")]
    Tiling {
        /// Bytes the regions need with their headers.
        needed: u64,
        /// Bytes before the manifest section.
        available: u64,
    },
    /// The manifest names no region or too many.
    #[error("{found} regions, expected 1 to {max}")]
    RegionCount {
        /// Most regions allowed.
        max: usize,
        /// Regions named.
        found: usize,
    },
    /// A section does not have the digest that the footer names.
    #[error("expected SHA-256 {expected}, found {found}")]
    SectionDigest {
        /// Digest in the footer.
        expected: crate::digest::Sha256Digest,
        /// Digest of the bytes.
        found: crate::digest::Sha256Digest,
    },
    /// The file could not be read.
    #[error("cannot read")]
    Read(#[source] io::Error),
}

impl ParseError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What the person may do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self.kind {
            ParseErrorKind::TooShort { .. } | ParseErrorKind::EndMagic { .. } => Some(
                "is this an .isi package, and was it copied whole? compare it with its .isi.sha256",
            ),
            ParseErrorKind::FooterDamaged { .. }
            | ParseErrorKind::FileLength { .. }
            | ParseErrorKind::SectionDigest { .. } => Some(
                "the file changed after it was made: fetch it again and compare it with its .isi.sha256",
            ),
            ParseErrorKind::ReadVersion { .. } => Some("use a newer version of this program"),
            _ => None,
        }
    }
}

impl ParseErrorKind {
    /// Every code of this module, for the specification and its vectors.
    pub const CODES: [&'static str; 12] = [
        "E_FORMAT_SHORT",
        "E_FORMAT_MAGIC",
        "E_FORMAT_CRC",
        "E_FORMAT_READ_VERSION",
        "E_FORMAT_WRITE_VERSION",
        "E_FORMAT_FLAGS",
        "E_FORMAT_LENGTH",
        "E_FORMAT_SIZE",
        "E_FORMAT_TILING",
        "E_FORMAT_SECTION",
        "E_FORMAT_REGIONS",
        "E_FORMAT_DIGEST",
    ];

    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "E_FORMAT_SHORT",
            Self::EndMagic { .. } => "E_FORMAT_MAGIC",
            Self::FooterDamaged { .. } => "E_FORMAT_CRC",
            Self::ReadVersion { .. } => "E_FORMAT_READ_VERSION",
            Self::WriteVersion { .. } => "E_FORMAT_WRITE_VERSION",
            Self::Flags { .. } => "E_FORMAT_FLAGS",
            Self::FileLength { .. } => "E_FORMAT_LENGTH",
            Self::Size { .. } => "E_FORMAT_SIZE",
            Self::Overlap { .. } | Self::Tiling { .. } => "E_FORMAT_TILING",
            Self::SectionHeader { .. } => "E_FORMAT_SECTION",
            Self::RegionCount { .. } => "E_FORMAT_REGIONS",
            Self::SectionDigest { .. } => "E_FORMAT_DIGEST",
            Self::Read(_) => "E_IO",
        }
    }

    pub(crate) fn at(self, offset: u64, field: &'static str) -> ParseError {
        ParseError {
            kind: self,
            offset,
            field,
        }
    }
}
