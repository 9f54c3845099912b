use jiff::{Timestamp, ToSpan as _};
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rand::rand_bytes;
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

use crate::digest::Sha256Digest;

use super::super::{DigestAlgorithm, ffi, pem};
use super::DevPkiError;

/// An authority with its key.
#[derive(Clone)]
pub struct Authority {
    pub(super) key: PKey<Private>,
    pub(super) certificate: X509,
    pub(super) digest: DigestAlgorithm,
    /// Certificates above this one, without the root, PEM.
    chain: String,
    /// Years that its signers are valid.
    leaf_years: i64,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

/// A signer's key and certificates.
#[derive(Clone)]
pub struct Leaf {
    /// PKCS #8 in PEM, without a passphrase.
    pub key: String,
    /// The own certificate and those of its issuers without the root, PEM.
    pub certificates: String,
    /// The own certificate, DER.
    pub der: Vec<u8>,
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Leaf")
    }
}

/// What a certificate is for, with the kind of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Signing packages with ECDSA on P-256.
    CodeSigningP256,
    /// Signing packages with ECDSA on P-384.
    CodeSigningP384,
    /// Signing packages with RSA of 3072 bits.
    CodeSigningRsa3072,
    /// Issuing timestamps with ECDSA on P-256.
    TimeStamping,
}

/// Years that an authority and its lists are valid.
const AUTHORITY_YEARS: i64 = 10;
/// Years that a signer is valid.
const LEAF_YEARS: i64 = 3;

impl Authority {
    /// Makes a self-signed root on P-256, valid for ten years from an hour before `now`.
    ///
    /// `subject` is pairs of short name and text, in the order of the DER.
    pub fn root(subject: &[(&str, &str)], now: Timestamp) -> Result<Self, DevPkiError> {
        Self::root_for(subject, AUTHORITY_YEARS, LEAF_YEARS, now)
    }

    /// As [`Authority::root`], with other years for itself and its signers.
    pub(in crate::trust) fn root_for(
        subject: &[(&str, &str)],
        years: i64,
        leaf_years: i64,
        now: Timestamp,
    ) -> Result<Self, DevPkiError> {
        ffi::init();
        let key = ec_key(Nid::X9_62_PRIME256V1).map_err(DevPkiError::crypto("make a key"))?;
        let (from, until) = validity(now, years)?;
        let make = || -> Result<X509, ErrorStack> {
            let mut builder = start(subject, &key, &from, &until)?;
            let name = name(subject)?;
            builder.set_issuer_name(&name)?;
            authority_extensions(&mut builder, None, None)?;
            builder.sign(&key, MessageDigest::sha256())?;
            Ok(builder.build())
        };
        let certificate = make().map_err(DevPkiError::crypto("make a certificate"))?;
        Ok(Self {
            key,
            certificate,
            digest: DigestAlgorithm::Sha256,
            chain: String::new(),
            leaf_years,
        })
    }

    /// Issues an authority on P-256 below this one.
    pub fn authority(&self, subject: &[(&str, &str)], now: Timestamp) -> Result<Self, DevPkiError> {
        let key = ec_key(Nid::X9_62_PRIME256V1).map_err(DevPkiError::crypto("make a key"))?;
        let (from, until) = validity(now, AUTHORITY_YEARS)?;
        let make = || -> Result<X509, ErrorStack> {
            let mut builder = start(subject, &key, &from, &until)?;
            builder.set_issuer_name(self.certificate.subject_name())?;
            authority_extensions(&mut builder, Some(&self.certificate), Some(0))?;
            builder.sign(&self.key, self.digest.message_digest())?;
            Ok(builder.build())
        };
        let certificate = make().map_err(DevPkiError::crypto("make a certificate"))?;
        let own = encode(&certificate)?;
        Ok(Self {
            key,
            certificate,
            digest: DigestAlgorithm::Sha256,
            chain: format!("{own}{}", self.chain),
            leaf_years: self.leaf_years,
        })
    }

    /// Issues a signer, valid for three years from an hour before `now`.
    pub fn leaf(
        &self,
        subject: &[(&str, &str)],
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Leaf, DevPkiError> {
        let key = match purpose {
            Purpose::CodeSigningP256 | Purpose::TimeStamping => ec_key(Nid::X9_62_PRIME256V1),
            Purpose::CodeSigningP384 => ec_key(Nid::SECP384R1),
            Purpose::CodeSigningRsa3072 => Rsa::generate(3072).and_then(PKey::from_rsa),
        }
        .map_err(DevPkiError::crypto("make a key"))?;
        let (from, until) = validity(now, self.leaf_years)?;
        let make = || -> Result<X509, ErrorStack> {
            let mut builder = start(subject, &key, &from, &until)?;
            builder.set_issuer_name(self.certificate.subject_name())?;
            leaf_extensions(&mut builder, &self.certificate, purpose)?;
            builder.sign(&self.key, self.digest.message_digest())?;
            Ok(builder.build())
        };
        let certificate = make().map_err(DevPkiError::crypto("make a certificate"))?;
        let pkcs8 = key
            .private_key_to_pkcs8()
            .map_err(DevPkiError::crypto("write a key"))?;
        Ok(Leaf {
            key: pem::encode("PRIVATE KEY", &pkcs8),
            certificates: format!("{}{}", encode(&certificate)?, self.chain),
            der: certificate
                .to_der()
                .map_err(DevPkiError::crypto("write a certificate"))?,
        })
    }

    /// The authority's own certificate, PEM.
    pub fn certificate_pem(&self) -> Result<String, DevPkiError> {
        encode(&self.certificate)
    }

    /// SHA-256 of the authority's public key, as an identity asks for it.
    pub fn spki_sha256(&self) -> Result<Sha256Digest, DevPkiError> {
        self.key
            .public_key_to_der()
            .map(|der| Sha256Digest::of(&der))
            .map_err(DevPkiError::crypto("write a key"))
    }
}

fn encode(certificate: &X509) -> Result<String, DevPkiError> {
    certificate
        .to_der()
        .map(|der| pem::encode("CERTIFICATE", &der))
        .map_err(DevPkiError::crypto("write a certificate"))
}

fn ec_key(curve: Nid) -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(curve)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

pub(in crate::trust) fn validity(
    now: Timestamp,
    years: i64,
) -> Result<(Timestamp, Timestamp), DevPkiError> {
    let from = now.checked_sub(1.hour());
    let until = now.checked_add((years * 365 * 24).hours());
    from.ok().zip(until.ok()).ok_or(DevPkiError::Time)
}

fn start(
    subject: &[(&str, &str)],
    key: &PKey<Private>,
    from: &Timestamp,
    until: &Timestamp,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial()?)?;
    builder.set_subject_name(&*name(subject)?)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::from_unix(from.as_second())?)?;
    builder.set_not_after(&*Asn1Time::from_unix(until.as_second())?)?;
    Ok(builder)
}

/// 127 random bits: positive, and never twice.
fn serial() -> Result<Asn1Integer, ErrorStack> {
    let mut bytes = [0; 16];
    rand_bytes(&mut bytes)?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    BigNum::from_slice(&bytes)?.to_asn1_integer()
}

fn name(parts: &[(&str, &str)]) -> Result<openssl::x509::X509Name, ErrorStack> {
    let mut builder = X509NameBuilder::new()?;
    for (kind, value) in parts {
        builder.append_entry_by_text(kind, value)?;
    }
    Ok(builder.build())
}

fn authority_extensions(
    builder: &mut X509Builder,
    issuer: Option<&X509>,
    path_length: Option<u32>,
) -> Result<(), ErrorStack> {
    let mut constraints = BasicConstraints::new();
    constraints.critical().ca();
    if let Some(length) = path_length {
        constraints.pathlen(length);
    }
    builder.append_extension(constraints.build()?)?;
    let usage = KeyUsage::new()
        .critical()
        .key_cert_sign()
        .crl_sign()
        .build()?;
    builder.append_extension(usage)?;
    key_identifiers(builder, issuer)
}

fn leaf_extensions(
    builder: &mut X509Builder,
    issuer: &X509,
    purpose: Purpose,
) -> Result<(), ErrorStack> {
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
    let mut usage = ExtendedKeyUsage::new();
    match purpose {
        Purpose::TimeStamping => usage.critical().time_stamping(),
        _ => usage.code_signing(),
    };
    builder.append_extension(usage.build()?)?;
    key_identifiers(builder, Some(issuer))
}

fn key_identifiers(builder: &mut X509Builder, issuer: Option<&X509>) -> Result<(), ErrorStack> {
    let context = builder.x509v3_context(issuer.map(|issuer| &**issuer), None);
    let subject = SubjectKeyIdentifier::new().build(&context)?;
    builder.append_extension(subject)?;
    if issuer.is_some() {
        let context = builder.x509v3_context(issuer.map(|issuer| &**issuer), None);
        let authority = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(authority)?;
    }
    Ok(())
}
