//! Strict DER (ITU-T X.690, 2021, section 10 and 11): what openssl reads generously is read here as written.
//!
//! # Threats met here
//!
//! - Two encodings of one value, so that two readers see different things: lengths are definite and
//!   minimal, integers have no padding, booleans are `00` or `FF`, strings are not cut into pieces.
//! - Bytes that belong to nothing: every structure is read to its end, and leftovers are an error.
//! - Lengths that lie: nothing is read beyond the bytes given, nothing is allocated for a length.
//! - Nesting without end: [`check_strict`] follows at most [`MAX_NESTING`] levels.

pub(super) mod oid;
mod reader;
pub(super) mod time;
pub(super) mod write;

pub(super) use reader::{Reader, Tlv, check_strict};

use std::fmt;

/// Deepest nesting followed; a CMS with certificates needs about 16.
pub(super) const MAX_NESTING: usize = 32;

/// Tags of the types used here (X.680, section 8.4).
pub(super) mod tag {
    pub(in crate::trust) const BOOLEAN: u8 = 0x01;
    pub(in crate::trust) const INTEGER: u8 = 0x02;
    pub(in crate::trust) const BIT_STRING: u8 = 0x03;
    pub(in crate::trust) const OCTET_STRING: u8 = 0x04;
    pub(in crate::trust) const NULL: u8 = 0x05;
    pub(in crate::trust) const OID: u8 = 0x06;
    pub(in crate::trust) const UTF8_STRING: u8 = 0x0c;
    pub(in crate::trust) const PRINTABLE_STRING: u8 = 0x13;
    pub(in crate::trust) const T61_STRING: u8 = 0x14;
    pub(in crate::trust) const IA5_STRING: u8 = 0x16;
    pub(in crate::trust) const UTC_TIME: u8 = 0x17;
    pub(in crate::trust) const GENERALIZED_TIME: u8 = 0x18;
    pub(in crate::trust) const BMP_STRING: u8 = 0x1e;
    pub(in crate::trust) const SEQUENCE: u8 = 0x30;
    pub(in crate::trust) const SET: u8 = 0x31;

    /// The constructed context-specific tag `[number]`, for numbers up to 30.
    pub(in crate::trust) const fn context(number: u8) -> u8 {
        0xa0 | number
    }

    /// The primitive context-specific tag `[number]`, for numbers up to 30.
    pub(in crate::trust) const fn context_primitive(number: u8) -> u8 {
        0x80 | number
    }
}

/// Bytes that are not the DER they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{fault} in {field} at byte {offset}")]
pub struct DerError {
    /// What is wrong.
    pub fault: DerFault,
    /// Where it was found, by the name its standard gives it.
    pub field: &'static str,
    /// Where it was found, in bytes from the start of the input.
    pub offset: usize,
}

/// What is wrong with DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DerFault {
    /// The bytes end within a value.
    Truncated,
    /// A length of indefinite form.
    Indefinite,
    /// A length that could be written shorter, or a number with padding.
    NotMinimal,
    /// A value of another type than expected.
    WrongType,
    /// Bytes left over after the last value.
    Trailing,
    /// Nesting deeper than followed.
    TooDeep,
    /// A value outside of what its type or its field allows.
    BadValue,
    /// A value that may only be there once.
    Repeated,
    /// The bytes differ from their own re-encoding.
    NotCanonical,
}

impl fmt::Display for DerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "bytes missing",
            Self::Indefinite => "indefinite length",
            Self::NotMinimal => "number or length that is not in its shortest form",
            Self::WrongType => "unexpected type",
            Self::Trailing => "bytes left over",
            Self::TooDeep => "nesting too deep",
            Self::BadValue => "value out of range",
            Self::Repeated => "repeated value",
            Self::NotCanonical => "encoding that is not DER",
        })
    }
}
