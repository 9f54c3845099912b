//! Trust: who signed, when, and whether they may; the only module that knows openssl.
//!
//! Bytes in, findings out: nothing here has heard of a container. [`TrustStore::authenticate`] checks the
//! signature, its certificates, the timestamp and revocation over a manifest that nobody has parsed yet;
//! [`TrustStore::authorize`] then checks whether those who signed may sign what the manifest claims. The
//! rules are in `format-spec/identities.md`.
//!
//! # Threats met here
//!
//! - openssl's defaults: with purpose ANY it accepts any extended key usage, SHA-1, no signed attributes
//!   and attached content; with its own purposes it refuses code signers. Every rule of ours is checked
//!   by our own code, then openssl judges the same bytes as a whole, and both must agree.
//! - Another authority below the same root issues the signer's very name: an identity names the key of
//!   the authority that must have issued it.
//! - A stolen key and a turned-back clock: only a timestamp of a trusted authority, or now, is a time.
//! - The environment: `OPENSSL_CONF`, `SSL_CERT_DIR` and the system's web authorities have no say.
//!
//! Supported: RSA of 3072 to 8192 bits with PKCS #1 v1.5 padding, ECDSA on P-256, P-384 and P-521, with
//! SHA-256, SHA-384 or SHA-512; for timestamp authorities RSA from 2048 bits. Ed25519 and RSA-PSS are
//! refused by name: openssl 3.0 does neither in CMS.

mod audit;
mod authenticate;
mod authorize;
mod certificate;
mod chain;
mod cms;
pub mod cosign;
mod der;
mod describe;
pub mod dev_pki;
mod ffi;
mod fingerprint;
mod identities;
mod inventory;
mod key;
pub mod limits;
mod load;
mod load_error;
mod local_key;
mod memo;
mod name;
mod name_text;
mod pem;
mod policy;
mod profile;
mod refusal;
mod revocation;
mod sign;
mod store;
mod timestamp;
mod tst_info;
mod verdict;

pub use audit::{Severity, TrustFinding};
pub use authenticate::Authentication;
pub use authorize::Authorization;
pub use der::{DerError, DerFault};
pub use describe::{
    CertificateDescription, SignerDescription, TimestampDescription, describe_signature,
    describe_timestamp,
};
pub use identities::{Identities, IdentitiesError};
pub use inventory::{TrustItem, TrustItemKind, TrustRule};
pub use key::{BadSignature, DigestAlgorithm, KeyError, PublicKey, verify_detached, verify_digest};
pub use load_error::LoadError;
pub use local_key::{LocalKey, LocalKeyError, LocalSeal};
pub use name_text::{NameError, name_keywords};
pub use policy::{Policy, TimestampPolicy, UnsignedPolicy};
pub use refusal::Refusal;
pub use sign::{
    AttachError, CommandSigner, Credential, DetachedKey, HttpAuthority, KeySigner, LocalAuthority,
    Passphrase, Sign, SignError, TimestampAuthority, TimestampError, append_signature,
    check_signature_belongs, check_token_belongs, token_from_der,
};
pub use store::{Claims, Sealed, TrustPaths, TrustStore};
pub use tst_info::TstInfo;
pub use verdict::{Check, CheckName, Outcome, Signer, TimestampSummary, Verdict};

/// Name and version of the cryptographic library in use.
pub fn library_version() -> &'static str {
    openssl::version::version()
}
