//! The container: where a package's parts lie. Structure only; it proves nothing about who made them.
//!
//! Normative text: `format-spec/isi-file.md`.
//!
//! # Threats met here
//!
//! - Bytes nobody answers for, before, between or after the parts: every byte belongs to exactly one
//!   part, in one order, and sizes must add up to the file's length (strict tiling). The known case is
//!   Android's Janus, CVE-2017-13156.
//! - Sizes that overflow or claim more than there is: 64-bit checked arithmetic, each size compared with
//!   its limit and with the file before anything is read or allocated. The known case is RAUC's
//!   CVE-2026-34155.
//! - Two readings of one file: offsets are not stored but follow from sizes; reserved values must be
//!   zero; every part has one valid encoding.
//! - A second footer inside the payload: the footer is found only at the end of the file.
//!
//! Left to others: whether the manifest is authentic (`trust`), and whether the regions hold the bytes
//! that the manifest names (`package`).

mod envelope;
mod error;
mod footer;
pub mod layout;
mod write;

pub use envelope::{Envelope, Extent};
pub use error::{ParseError, ParseErrorKind};
pub use footer::Footer;
pub use write::{SealError, seal, section_header};

#[cfg(test)]
mod tests;
