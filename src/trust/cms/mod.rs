//! CMS `SignedData` (RFC 5652): read strictly, checked by our own rules, and written.
//!
//! # Threats met here
//!
//! - openssl accepts content that comes along, other content types, no signed attributes, SHA-1, and
//!   bytes after the end: each has its own rule here.
//! - Two readers see different signers: what is read here is checked signature by signature, then
//!   openssl checks the same bytes as a whole, and both must agree.

mod build;
mod read;
mod uncovered;
mod verify;

pub(super) use build::{SignerEntry, attributes_for, signed_data, signer_info};
pub(super) use read::{SignedData, SignerInfo};
pub(super) use verify::check_signer;
