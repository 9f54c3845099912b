//! A development PKI: authorities, signers and revocation lists for trying things out and for tests.
//!
//! Nothing made here is meant to protect anything: keys are written without a passphrase, and the
//! authorities' keys are forgotten as soon as the files are written.

mod authority;
mod crl;
mod files;

pub(super) use authority::validity;
pub use authority::{Authority, Leaf, Purpose};
pub use crl::Revoked;
pub(super) use files::Home;
pub use files::{DevPki, generate};

use openssl::error::ErrorStack;

use crate::fsio::FsError;

/// A development PKI that was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevPkiError {
    /// The cryptographic library refused.
    #[error("cannot {operation}")]
    Crypto {
        /// What was attempted, as in "cannot ...".
        operation: &'static str,
        /// Why it failed.
        source: ErrorStack,
    },
    /// A file could not be written.
    #[error("cannot write the development PKI")]
    File(#[source] FsError),
    /// The time lies beyond what certificates can say.
    #[error("time out of range")]
    Time,
}

impl DevPkiError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Crypto { .. } => "E_CRYPTO",
            Self::File(error) => error.code(),
            Self::Time => "E_TIME",
        }
    }

    fn crypto(operation: &'static str) -> impl FnOnce(ErrorStack) -> Self {
        move |source| Self::Crypto { operation, source }
    }
}
