//! The manifest: what a package is and which bytes belong to it; the only part that is signed.
//!
//! Normative text: `format-spec/manifest.md`.
//!
//! # Threats met here
//!
//! - Decoding before authentication: [`decode`] is called on authenticated bytes, except to show a
//!   package that nobody vouched for; it is bounded and never panics either way.
//! - Two manifests that mean the same, or one that reads differently elsewhere: fields in ascending
//!   order, each once, and whatever would not be encoded to the very same bytes is refused.
//! - A field that this version does not know: refused when it is marked critical, kept otherwise.
//! - Counts and lengths that claim more than there is: checked against the bytes left before anything
//!   is allocated.
//! - Text that deceives on a terminal: control characters and bidirectional overrides are refused.

mod codec;
mod error;
mod model;
mod region;
mod rules;
pub mod tags;
mod text;
mod tlv;

pub use codec::{decode, encode};
pub use error::{ManifestError, ManifestErrorKind};
pub use model::{Dependency, Manifest, Restart, UnknownField};
pub use region::{Region, RegionKind, UnknownRegionKind};

#[cfg(test)]
mod tests;
