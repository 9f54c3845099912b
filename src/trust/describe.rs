//! What a signature and a timestamp say of themselves: for looking at, proof of nothing.

use jiff::Timestamp;
use serde::Serialize;

use crate::digest::Sha256Digest;

use super::Refusal;
use super::certificate::Certificate;
use super::cms::SignedData;
use super::key::{DigestAlgorithm, digest_name};
use super::memo::Memo;
use super::tst_info::TstInfo;

/// What a certificate says of its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateDescription {
    /// SHA-1 of the DER, 40 hex digits: for look-alike output only.
    pub sha1: String,
    /// SHA-256 of the DER.
    pub sha256: Sha256Digest,
    /// Subject in RFC 2253 form.
    pub subject: String,
    /// Short name and text of every part of the subject, in the order of the DER.
    pub subject_parts: Vec<(String, String)>,
    /// Common name of the issuer, or its organization, or the whole name.
    pub issuer_name: String,
    /// Issuer in RFC 2253 form.
    pub issuer: String,
    /// Organization of the subject.
    pub organization: Option<String>,
    /// Serial number, hex.
    pub serial: String,
    /// First second of the validity.
    pub not_before: Timestamp,
    /// Last second of the validity.
    pub not_after: Timestamp,
    /// Names of the extended key usages, such as `codeSigning`.
    pub extended_key_usage: Vec<String>,
    /// Kind of the key, such as `P-256`.
    pub key: String,
    /// SHA-256 of the public key, as `issuer_spki_sha256` of an identity wants it of an issuer.
    pub spki_sha256: Sha256Digest,
}

/// What a signer says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignerDescription {
    /// Its digest algorithm.
    pub digest: String,
    /// Its certificate, if it came along.
    pub certificate: Option<CertificateDescription>,
    /// The certificate that should have issued it, if it came along.
    pub issuer: Option<CertificateDescription>,
}

/// What a timestamp says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimestampDescription {
    /// The time it claims.
    pub time: Timestamp,
    /// Digest algorithm of its imprint.
    pub digest: String,
    /// Its imprint, hex.
    pub imprint: String,
    /// Policy it was issued under, dotted.
    pub policy: String,
    /// Serial number, hex.
    pub serial: String,
    /// The authority's certificate, if it came along.
    pub certificate: Option<CertificateDescription>,
}

/// Describes every signer of a signature section.
pub fn describe_signature(der: &[u8]) -> Result<Vec<SignerDescription>, Refusal> {
    let cms = SignedData::signature(der, &Memo::default())?;
    let describe_signer = |signer| {
        let certificate = cms.certificate_of(signer);
        let issuer = certificate.and_then(|certificate| {
            cms.certificates
                .iter()
                .find(|other| other.subject.der == certificate.issuer.der)
        });
        SignerDescription {
            digest: signer.digest.to_string(),
            certificate: certificate.map(describe),
            issuer: issuer.map(describe),
        }
    };
    Ok(cms.signers.iter().map(describe_signer).collect())
}

/// Describes a timestamp section.
pub fn describe_timestamp(der: &[u8]) -> Result<TimestampDescription, Refusal> {
    let (cms, content) = SignedData::token(der, &Memo::default())?;
    let info = TstInfo::from_der(content).map_err(Refusal::format("timestamp"))?;
    let certificate = cms
        .signers
        .first()
        .and_then(|signer| cms.certificate_of(signer));
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    Ok(TimestampDescription {
        time: info.time,
        digest: DigestAlgorithm::from_oid(info.algorithm)
            .map_or_else(|| digest_name(info.algorithm), |digest| digest.to_string()),
        imprint: hex(info.imprint),
        serial: hex(info.serial),
        certificate: certificate.map(describe),
        policy: info.policy,
    })
}

fn describe(certificate: &Certificate) -> CertificateDescription {
    const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    const ORGANIZATION: &[u8] = &[0x55, 4, 10];
    let issuer = &certificate.issuer;
    let usage = certificate.extended_key_usage.as_ref();
    CertificateDescription {
        sha1: certificate.sha1(),
        sha256: certificate.sha256(),
        subject: certificate.subject.to_text(),
        subject_parts: certificate.subject.attributes(),
        issuer_name: issuer
            .attribute(COMMON_NAME)
            .or_else(|| issuer.attribute(ORGANIZATION))
            .unwrap_or_else(|| issuer.to_text()),
        issuer: issuer.to_text(),
        organization: certificate.subject.attribute(ORGANIZATION),
        serial: data_encoding::HEXLOWER.encode(&certificate.serial),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        extended_key_usage: usage
            .map(super::certificate::ExtendedKeyUsage::names)
            .unwrap_or_default(),
        key: certificate.key.to_string(),
        spki_sha256: certificate.spki_sha256(),
    }
}
