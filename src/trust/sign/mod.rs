//! Making signatures and timestamps.

mod error;

pub use error::{SignError, TimestampError};

/// Signs a manifest.
pub trait Sign {
    /// A detached CMS `SignedData` over `content`, DER, with one signer and signed attributes.
    fn sign(&self, content: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Says when it saw a message.
pub trait TimestampAuthority {
    /// An RFC 3161 `TimeStampToken` over the SHA-256 of `message`, DER.
    fn timestamp(&self, message: &[u8]) -> Result<Vec<u8>, TimestampError>;
}
