use super::text::TextError;
use crate::release::{RangeError, VersionError};

/// A manifest that is refused, and where.
#[derive(Debug, thiserror::Error)]
#[error("invalid manifest at byte {offset} of it ({field}): {kind}")]
#[non_exhaustive]
pub struct ManifestError {
    /// What is wrong, with what was expected and found.
    pub kind: ManifestErrorKind,
    /// Distance from the start of the manifest in bytes; 0 for a manifest that is not encoded yet.
    pub offset: u64,
    /// Name of the field, as the specification has it.
    pub field: &'static str,
}

/// What is wrong with a manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestErrorKind {
    /// A length leads past the end.
    #[error("needs {needed} bytes, {available} are left")]
    Truncated {
        /// Bytes the field claims.
        needed: u64,
        /// Bytes left.
        available: u64,
    },
    /// A tag is not greater than the one before it.
    #[error("tag {found} follows tag {previous}, expected a greater one")]
    Order {
        /// Tag number before.
        previous: u16,
        /// Tag number found.
        found: u16,
    },
    /// A critical field that this version does not know.
    #[error("unknown critical tag {found}")]
    UnknownCritical {
        /// Tag number found.
        found: u16,
    },
    /// A known field with the wrong critical bit.
    #[error("tag {found} has its critical bit wrong, expected {expected}")]
    CriticalBit {
        /// Whether the field is critical.
        expected: bool,
        /// Tag number found.
        found: u16,
    },
    /// A field that must be there is not.
    #[error("missing")]
    Missing,
    /// A value has the wrong length.
    #[error("has {found} bytes, expected {expected}")]
    Length {
        /// Bytes expected.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// A text breaks the rules for texts.
    #[error(transparent)]
    Text(TextError),
    /// A version is none.
    #[error(transparent)]
    Version(VersionError),
    /// A version range is none.
    #[error(transparent)]
    Range(RangeError),
    /// A number outside its set.
    #[error("value {found} is not among those defined")]
    Value {
        /// Number found.
        found: u64,
    },
    /// A list with too many items.
    #[error("{found} items, expected at most {max}")]
    TooMany {
        /// Most items allowed.
        max: u64,
        /// Items found.
        found: u64,
    },
    /// The number of chunk digests does not follow from the size.
    #[error("{found} chunk digests, a region of this size has {expected}")]
    Chunks {
        /// Chunks that the size makes.
        expected: u64,
        /// Digests found.
        found: u64,
    },
    /// The regions break a rule.
    #[error("{0}")]
    Regions(&'static str),
    /// The same content has another, canonical encoding.
    #[error("not the canonical encoding")]
    NotCanonical,
    /// The versions differ from the footer's.
    #[error("read and write version {found:?} differ from the footer's {expected:?}")]
    FormatVersion {
        /// Versions in the footer.
        expected: (u16, u16),
        /// Versions in the manifest.
        found: (u16, u16),
    },
}

impl ManifestErrorKind {
    /// Every code of this module, for the specification and its vectors.
    pub const CODES: [&'static str; 12] = [
        "E_MANIFEST_TRUNCATED",
        "E_MANIFEST_ORDER",
        "E_MANIFEST_CRITICAL",
        "E_MANIFEST_MISSING",
        "E_MANIFEST_LENGTH",
        "E_MANIFEST_TEXT",
        "E_MANIFEST_VALUE",
        "E_MANIFEST_LIMIT",
        "E_MANIFEST_CHUNKS",
        "E_MANIFEST_REGIONS",
        "E_MANIFEST_CANONICAL",
        "E_MANIFEST_VERSION",
    ];

    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "E_MANIFEST_TRUNCATED",
            Self::Order { .. } => "E_MANIFEST_ORDER",
            Self::UnknownCritical { .. } | Self::CriticalBit { .. } => "E_MANIFEST_CRITICAL",
            Self::Missing => "E_MANIFEST_MISSING",
            Self::Length { .. } => "E_MANIFEST_LENGTH",
            Self::Text(_) => "E_MANIFEST_TEXT",
            Self::Version(_) | Self::Range(_) | Self::Value { .. } => "E_MANIFEST_VALUE",
            Self::TooMany { .. } => "E_MANIFEST_LIMIT",
            Self::Chunks { .. } => "E_MANIFEST_CHUNKS",
            Self::Regions(_) => "E_MANIFEST_REGIONS",
            Self::NotCanonical => "E_MANIFEST_CANONICAL",
            Self::FormatVersion { .. } => "E_MANIFEST_VERSION",
        }
    }

    /// Names the place.
    pub const fn at(self, offset: u64, field: &'static str) -> ManifestError {
        ManifestError {
            kind: self,
            offset,
            field,
        }
    }
}

impl ManifestError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What the person may do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self.kind {
            ManifestErrorKind::UnknownCritical { .. } => {
                Some("use a newer version of this program")
            }
            _ => None,
        }
    }
}
