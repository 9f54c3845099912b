//! Detached signatures over whole files, as cosign and `openssl dgst` check them.

use data_encoding::BASE64;
use serde_json::json;

use crate::digest::Sha256Digest;

use super::{DetachedKey, SignError};

/// Media type of a sigstore bundle, version 0.3.
const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A detached ECDSA P-256 signature over the SHA-256 of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetachedSignature {
    /// The digest signed.
    pub digest: Sha256Digest,
    /// The signature, DER.
    pub der: Vec<u8>,
    /// SHA-256 of the public key's `SubjectPublicKeyInfo`.
    pub key: Sha256Digest,
}

/// Signs a file by its digest.
pub fn sign_detached(
    key: &DetachedKey,
    digest: &Sha256Digest,
) -> Result<DetachedSignature, SignError> {
    let spki = key.public_key().to_der().map_err(SignError::Key)?;
    Ok(DetachedSignature {
        digest: *digest,
        der: key.sign_digest(digest.as_bytes())?,
        key: Sha256Digest::of(&spki),
    })
}

impl DetachedSignature {
    /// The content of the `.sig` file: base64 of the DER on one line, without a line end, as cosign writes it.
    pub fn base64(&self) -> String {
        BASE64.encode(&self.der)
    }

    /// The content of the `.sigstore.json` file: a bundle that names the key by its fingerprint.
    pub fn bundle_json(&self) -> String {
        let bundle = json!({
            "mediaType": BUNDLE_MEDIA_TYPE,
            "verificationMaterial": {
                "publicKey": { "hint": BASE64.encode(self.key.as_bytes()) },
                "tlogEntries": [],
            },
            "messageSignature": {
                "messageDigest": {
                    "algorithm": "SHA2_256",
                    "digest": BASE64.encode(self.digest.as_bytes()),
                },
                "signature": self.base64(),
            },
        });
        format!("{bundle}\n")
    }
}
