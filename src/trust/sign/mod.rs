//! Making signatures and timestamps.

mod attach;
mod command;
mod credential;
mod error;
mod http_authority;
mod key_signer;
mod local_authority;
mod request;

pub use attach::{AttachError, check_signature_belongs, check_token_belongs, token_from_der};
pub use command::CommandSigner;
pub use credential::{Credential, DetachedKey, Passphrase};
pub use error::{SignError, TimestampError};
pub use http_authority::HttpAuthority;
pub use key_signer::{KeySigner, append_signature};
pub use local_authority::LocalAuthority;

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
