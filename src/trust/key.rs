//! Keys and algorithms: which are supported, and the one place a signature is checked against a key.

use std::fmt;

use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, PKeyRef, Private, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;

use super::der::{DerError, DerFault, Reader, oid, tag};
use super::limits;

/// A digest that signatures may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-384 (FIPS 180-4).
    Sha384,
    /// SHA-512 (FIPS 180-4).
    Sha512,
}

impl DigestAlgorithm {
    /// Hashes `bytes`.
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        use sha2::{Digest as _, Sha256, Sha384, Sha512};
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    /// The digest of this OID, given as content bytes.
    pub(super) fn from_oid(content: &[u8]) -> Option<Self> {
        match content {
            oid::SHA256 => Some(Self::Sha256),
            oid::SHA384 => Some(Self::Sha384),
            oid::SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn oid(self) -> &'static [u8] {
        match self {
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
        }
    }

    pub(super) fn message_digest(self) -> MessageDigest {
        match self {
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// The name of a digest's OID for messages, refused ones included.
pub(super) fn digest_name(content: &[u8]) -> String {
    match content {
        oid::MD5 => "MD5".to_owned(),
        oid::SHA1 => "SHA-1".to_owned(),
        oid::SHA224 => "SHA-224".to_owned(),
        other => DigestAlgorithm::from_oid(other)
            .map_or_else(|| oid::dotted(other), |digest| digest.to_string()),
    }
}

/// The kind of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// RSA for PKCS #1 v1.5 signatures, with the bits of modulus and exponent.
    Rsa { bits: usize, exponent_bits: usize },
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// Anything else, by name or OID.
    Other(String),
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits, .. } => write!(f, "RSA-{bits}"),
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::P521 => f.write_str("P-521"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// Why a key is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyFault {
    Unsupported,
    TooShort { minimum: usize },
    TooLong,
}

impl KeyKind {
    /// Reads a `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    pub(super) fn from_spki(reader: &mut Reader<'_>) -> Result<Self, DerError> {
        let mut spki = reader.sequence("subjectPublicKeyInfo")?;
        let mut algorithm = spki.sequence("algorithm")?;
        let kind = algorithm.oid("algorithm")?;
        let kind = match kind {
            oid::RSA => {
                algorithm.expect(tag::NULL, "parameters")?;
                rsa(spki.bits("subjectPublicKey")?)
                    .ok_or_else(|| spki.error(DerFault::BadValue, "subjectPublicKey"))?
            }
            oid::EC if algorithm.peek() == Some(tag::OID) => {
                let curve = algorithm.oid("namedCurve")?;
                match curve {
                    oid::P256 => Self::P256,
                    oid::P384 => Self::P384,
                    oid::P521 => Self::P521,
                    other => Self::Other(format!("curve {}", oid::dotted(other))),
                }
            }
            oid::EC => Self::Other("EC with explicit parameters".to_owned()),
            oid::RSA_PSS => Self::Other("RSA-PSS".to_owned()),
            oid::ED25519 => Self::Other("Ed25519".to_owned()),
            oid::DSA => Self::Other("DSA".to_owned()),
            other => Self::Other(oid::dotted(other)),
        };
        Ok(kind)
    }

    /// Whether a key of this kind may be used, RSA from `minimum` bits on.
    pub(super) fn check(&self, minimum: usize) -> Result<(), KeyFault> {
        match self {
            Self::Rsa { bits, .. } if *bits < minimum => Err(KeyFault::TooShort { minimum }),
            Self::Rsa { .. } => self.check_size(),
            Self::P256 | Self::P384 | Self::P521 => Ok(()),
            Self::Other(_) => Err(KeyFault::Unsupported),
        }
    }

    /// Whether checking a signature of this key takes a bounded time.
    pub(super) fn check_size(&self) -> Result<(), KeyFault> {
        /// Every exponent in use is 65537 or shorter than this.
        const MAX_EXPONENT_BITS: usize = 32;
        match self {
            Self::Rsa {
                bits,
                exponent_bits,
            } if *bits > limits::MAX_RSA_BITS || *exponent_bits > MAX_EXPONENT_BITS => {
                Err(KeyFault::TooLong)
            }
            _ => Ok(()),
        }
    }

    /// The digest that fits the key's strength.
    pub(super) fn preferred_digest(&self) -> DigestAlgorithm {
        match self {
            Self::P384 => DigestAlgorithm::Sha384,
            Self::P521 => DigestAlgorithm::Sha512,
            _ => DigestAlgorithm::Sha256,
        }
    }
}

fn rsa(bytes: &[u8]) -> Option<KeyKind> {
    let mut reader = Reader::new(bytes);
    let mut key = reader.sequence("RSAPublicKey").ok()?;
    let modulus = key.integer("modulus").ok()?;
    let exponent = key.integer("publicExponent").ok()?;
    key.finish("RSAPublicKey").ok()?;
    reader.finish("RSAPublicKey").ok()?;
    Some(KeyKind::Rsa {
        bits: bits(modulus)?,
        exponent_bits: bits(exponent)?,
    })
}

/// Length in bits of a positive INTEGER's content.
fn bits(content: &[u8]) -> Option<usize> {
    match content {
        [] | [0x80..=0xff, ..] => None,
        [0] => Some(0),
        [0, rest @ ..] | rest => bits_unsigned(rest),
    }
}

fn bits_unsigned(bytes: &[u8]) -> Option<usize> {
    let zeros = usize::try_from(bytes.first()?.leading_zeros()).ok()?;
    Some(bytes.len() * 8 - zeros)
}

/// A public key that detached signatures are checked with: P-256, P-384, P-521, or RSA from 2048 bits.
#[derive(Clone)]
pub struct PublicKey {
    key: PKey<Public>,
    kind: KeyKind,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.kind)
    }
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo`, DER.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        super::ffi::init();
        let mut reader = Reader::new(der);
        let kind = KeyKind::from_spki(&mut reader).map_err(KeyError::Format)?;
        reader
            .finish("subjectPublicKeyInfo")
            .map_err(KeyError::Format)?;
        kind.check(limits::MIN_TSA_RSA_BITS)
            .map_err(|_| KeyError::Unsupported {
                found: kind.to_string(),
            })?;
        let key = PKey::public_key_from_der(der).map_err(|_| KeyError::Invalid)?;
        Ok(Self { key, kind })
    }

    /// Reads a `PUBLIC KEY` in PEM.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let blocks = super::pem::blocks(text).map_err(|_| KeyError::Invalid)?;
        match blocks.as_slice() {
            [block] if block.label == "PUBLIC KEY" => Self::from_der(&block.der),
            _ => Err(KeyError::Invalid),
        }
    }

    /// The public half of a private key.
    pub(super) fn of(key: &PKeyRef<Private>) -> Result<Self, KeyError> {
        let der = key.public_key_to_der().map_err(|_| KeyError::Invalid)?;
        Self::from_der(&der)
    }

    pub(super) fn kind(&self) -> &KeyKind {
        &self.kind
    }

    /// The `SubjectPublicKeyInfo`, DER.
    pub fn to_der(&self) -> Result<Vec<u8>, KeyError> {
        self.key.public_key_to_der().map_err(|_| KeyError::Invalid)
    }
}

/// A public key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes are not DER.
    #[error("public key: {0}")]
    Format(DerError),
    /// The key is of a kind or size that is not supported.
    #[error("{found} key: expected P-256, P-384, P-521 or RSA of 2048 to 8192 bits")]
    Unsupported {
        /// The kind found.
        found: String,
    },
    /// The bytes are no key, or its numbers are no key of its kind.
    #[error("not a public key")]
    Invalid,
}

impl KeyError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Format(_) | Self::Invalid => "E_KEY",
            Self::Unsupported { .. } => "E_KEY_TYPE",
        }
    }
}

/// A detached signature that does not belong to this key and message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not belong to this key and content")]
pub struct BadSignature;

impl BadSignature {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        "E_SIGNATURE"
    }
}

/// Checks a detached signature over `message`: ECDSA in DER, or RSA PKCS #1 v1.5.
pub fn verify_detached(
    key: &PublicKey,
    digest: DigestAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    verify_digest(key, digest, &digest.digest(message), signature)
}

/// As [`verify_detached`], for a message already hashed.
pub fn verify_digest(
    key: &PublicKey,
    digest: DigestAlgorithm,
    hash: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    let is_rsa = matches!(key.kind, KeyKind::Rsa { .. });
    if !is_rsa && !is_ecdsa_signature(signature) {
        return Err(BadSignature);
    }
    let verified = PkeyCtx::new(&key.key).and_then(|mut context| {
        context.verify_init()?;
        if is_rsa {
            context.set_rsa_padding(Padding::PKCS1)?;
        }
        let digest = openssl::md::Md::from_nid(digest.message_digest().type_());
        if let Some(digest) = digest {
            context.set_signature_md(digest)?;
        }
        context.verify(hash, signature)
    });
    match verified {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(BadSignature),
    }
}

/// Whether the bytes are a strict `ECDSA-Sig-Value` (RFC 3279, section 2.2.3) of two positive numbers.
///
/// openssl checks that both are below the group order.
fn is_ecdsa_signature(signature: &[u8]) -> bool {
    let read = || -> Result<bool, DerError> {
        let mut reader = Reader::new(signature);
        let mut numbers = reader.sequence("ECDSA-Sig-Value")?;
        let (r, s) = (numbers.integer("r")?, numbers.integer("s")?);
        numbers.finish("ECDSA-Sig-Value")?;
        reader.finish("ECDSA-Sig-Value")?;
        let positive = |content: &[u8]| bits(content).is_some_and(|bits| bits > 0);
        Ok(positive(r) && positive(s))
    };
    read().unwrap_or(false)
}
