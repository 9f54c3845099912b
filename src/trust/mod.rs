//! Trust: who signed, when, and whether they may; the only module that knows openssl.

mod load_error;
mod sign;
mod store;
mod verdict;

pub use load_error::LoadError;
pub use sign::{Sign, SignError, TimestampAuthority, TimestampError};
pub use store::{
    Authentication, Authorization, Claims, Policy, Sealed, TimestampPolicy, TrustPaths, TrustStore,
    UnsignedPolicy,
};
pub use verdict::{Check, CheckName, Outcome, Signer, TimestampSummary, Verdict};

/// Name and version of the cryptographic library in use.
pub fn library_version() -> &'static str {
    openssl::version::version()
}
