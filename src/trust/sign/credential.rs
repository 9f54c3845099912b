use std::path::Path;

use openssl::ecdsa::EcdsaSig;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;

use crate::fsio;

use super::super::certificate::Certificate;
use super::super::cms::{SignerEntry, attributes_for, signer_info};
use super::super::key::{KeyKind, PublicKey};
use super::super::{KeyError, ffi, limits, pem};
use super::SignError;

/// A private key with its certificate and the certificates of its issuers.
#[derive(Clone)]
pub struct Credential {
    key: PKey<Private>,
    pub(super) certificate: Certificate,
    pub(super) chain: Vec<Certificate>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({})", self.certificate.subject.to_text())
    }
}

/// Asks for the passphrase of a locked key; `None` means that there is none.
pub type Passphrase<'a> = &'a mut dyn FnMut() -> Option<Vec<u8>>;

impl Credential {
    /// Reads the files of [`Credential::from_bytes`].
    pub fn load(
        key: &Path,
        certificates: &Path,
        chain: Option<&Path>,
        passphrase: Passphrase<'_>,
    ) -> Result<Self, SignError> {
        let read = |path: &Path, limit| fsio::read_bounded(path, limit).map_err(SignError::File);
        let key = read(key, limits::MAX_KEY_FILE)?;
        let certificates = read(certificates, limits::MAX_CERTIFICATE_FILE)?;
        let chain = chain
            .map(|path| read(path, limits::MAX_CERTIFICATE_FILE))
            .transpose()?;
        Self::from_bytes(&key, &certificates, chain.as_deref(), passphrase)
    }

    /// Puts a credential together.
    ///
    /// `key` is PEM (PKCS #8, or the older forms) or PKCS #8 in DER. The first of `certificates` is the
    /// key's own; the others, and those of `chain`, are its issuers, in any order. A root among them is
    /// left out of signatures: it would have to be an anchor anyway.
    pub fn from_bytes(
        key: &[u8],
        certificates: &[u8],
        chain: Option<&[u8]>,
        passphrase: Passphrase<'_>,
    ) -> Result<Self, SignError> {
        ffi::init();
        let mut found = read_certificates(certificates, "the certificate file")?;
        if found.is_empty() {
            return Err(SignError::NoCertificate {
                part: "the certificate file",
            });
        }
        let certificate = found.remove(0);
        if let Some(chain) = chain {
            found.extend(read_certificates(chain, "the chain file")?);
        }
        found.retain(|issuer| !issuer.is_self_issued() && issuer.der != certificate.der);
        let key = read_private_key(key, passphrase)?;
        let public = PublicKey::of(&key).map_err(SignError::Key)?;
        if public.to_der().map_err(SignError::Key)? != certificate.spki {
            return Err(SignError::KeyMismatch {
                subject: certificate.subject.to_text(),
            });
        }
        Ok(Self {
            key,
            certificate,
            chain: found,
        })
    }

    /// Signs `content` as one CMS signer.
    pub(super) fn signer_entry(
        &self,
        content_type: &[u8],
        content: &[u8],
    ) -> Result<SignerEntry, SignError> {
        let digest = self.certificate.key.preferred_digest();
        let attributes = attributes_for(content_type, content, digest, &self.certificate);
        let signature = Signer::new(digest.message_digest(), &self.key)
            .and_then(|mut signer| signer.sign_oneshot_to_vec(&attributes))
            .map_err(SignError::crypto("sign"))?;
        Ok(signer_info(
            &self.certificate,
            digest,
            &attributes,
            &signature,
        ))
    }

    /// DER of the own certificate and its issuers.
    pub(super) fn certificates(&self) -> Vec<Vec<u8>> {
        std::iter::once(&self.certificate)
            .chain(&self.chain)
            .map(|certificate| certificate.der.clone())
            .collect()
    }
}

fn read_certificates(text: &[u8], part: &'static str) -> Result<Vec<Certificate>, SignError> {
    pem::blocks(text)
        .map_err(|_| SignError::NoCertificate { part })?
        .iter()
        .filter(|block| block.label == "CERTIFICATE")
        .map(|block| {
            Certificate::from_der(&block.der).map_err(|refusal| SignError::Certificate {
                part,
                source: Box::new(refusal),
            })
        })
        .collect()
}

/// Reads a key of PEM or DER; asks for a passphrase only where the key is locked, and never by itself.
pub(in crate::trust) fn read_private_key(
    bytes: &[u8],
    passphrase: Passphrase<'_>,
) -> Result<PKey<Private>, SignError> {
    ffi::init();
    let (mut asked, mut given) = (false, false);
    let mut ask = |buffer: &mut [u8]| {
        asked = true;
        let secret = passphrase().unwrap_or_default();
        match buffer.get_mut(..secret.len()) {
            Some(place) if !secret.is_empty() => {
                given = true;
                place.copy_from_slice(&secret);
                Ok(secret.len())
            }
            _ => Ok(0),
        }
    };
    let key = if bytes.starts_with(&[super::super::der::tag::SEQUENCE]) {
        PKey::private_key_from_pkcs8(bytes)
            .or_else(|_| PKey::private_key_from_pkcs8_callback(bytes, &mut ask))
    } else if pem::blocks(bytes).is_ok_and(|blocks| {
        blocks
            .iter()
            .any(|block| block.label.ends_with("PRIVATE KEY"))
    }) {
        PKey::private_key_from_pem_callback(bytes, &mut ask)
    } else {
        return Err(SignError::NoKey);
    };
    key.map_err(|source| match (asked, given) {
        (true, false) => SignError::NoPassphrase,
        (true, true) => SignError::Locked { source },
        (false, _) => SignError::NoKey,
    })
}

/// A key that signs whole files for users of detached signatures: ECDSA on P-256.
pub struct DetachedKey {
    key: PKey<Private>,
    public: PublicKey,
}

impl std::fmt::Debug for DetachedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DetachedKey")
    }
}

impl DetachedKey {
    /// Reads the file of [`DetachedKey::from_bytes`].
    pub fn load(path: &Path, passphrase: Passphrase<'_>) -> Result<Self, SignError> {
        let bytes = fsio::read_bounded(path, limits::MAX_KEY_FILE).map_err(SignError::File)?;
        Self::from_bytes(&bytes, passphrase)
    }

    /// Reads a P-256 key, PEM or PKCS #8 in DER.
    pub fn from_bytes(bytes: &[u8], passphrase: Passphrase<'_>) -> Result<Self, SignError> {
        let key = read_private_key(bytes, passphrase)?;
        let unsupported = |found: String| SignError::Key(KeyError::Unsupported { found });
        if key.id() != Id::EC {
            return Err(unsupported("this kind of".to_owned()));
        }
        let public = PublicKey::of(&key).map_err(SignError::Key)?;
        if *public.kind() == KeyKind::P256 {
            Ok(Self { key, public })
        } else {
            Err(unsupported(public.kind().to_string()))
        }
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a SHA-256 digest; the signature is DER.
    pub(in crate::trust) fn sign_digest(&self, digest: &[u8; 32]) -> Result<Vec<u8>, SignError> {
        self.key
            .ec_key()
            .and_then(|key| EcdsaSig::sign(digest, &key))
            .and_then(|signature| signature.to_der())
            .map_err(SignError::crypto("sign"))
    }
}
