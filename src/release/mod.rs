//! What a package says it is: its type, its version, and the ranges of versions others ask for.
//!
//! These words are spoken by the manifest, by the identities that limit a signer, and by the catalog.

mod package_type;
mod range;
mod version;

pub use package_type::{PackageType, UnknownPackageType};
pub use range::{RangeError, VersionRange};
pub use version::{Version, VersionError};
