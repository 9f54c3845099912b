use jiff::Timestamp;
use openssl::hash::MessageDigest;
use openssl::x509::X509;

use crate::digest::Sha256Digest;

use super::der::{DerError, DerFault, Reader, check_strict, oid, tag, time};
use super::key::KeyKind;
use super::name::Name;
use super::{Refusal, limits};

/// An X.509 certificate, read by us for its profile and by openssl for its keys.
#[derive(Clone)]
pub(super) struct Certificate {
    pub(super) der: Vec<u8>,
    pub(super) x509: X509,
    /// As encoded: 2 means version 3.
    pub(super) version: u8,
    /// Content of the INTEGER.
    pub(super) serial: Vec<u8>,
    /// OID of the signature algorithm, content bytes.
    pub(super) signature_algorithm: Vec<u8>,
    pub(super) issuer: Name,
    pub(super) subject: Name,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) key: KeyKind,
    /// The `SubjectPublicKeyInfo`, DER.
    pub(super) spki: Vec<u8>,
    /// `basicConstraints` with `cA` true.
    pub(super) is_ca: bool,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) subject_key_id: Option<Vec<u8>>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", self.subject.to_text())
    }
}

/// The bits of `keyUsage` that are asked for here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyUsage {
    first: u8,
}

impl KeyUsage {
    pub(super) fn digital_signature(self) -> bool {
        self.first & 0x80 != 0
    }

    pub(super) fn content_commitment(self) -> bool {
        self.first & 0x40 != 0
    }

    pub(super) fn key_cert_sign(self) -> bool {
        self.first & 0x04 != 0
    }

    pub(super) fn crl_sign(self) -> bool {
        self.first & 0x02 != 0
    }

    /// Whether a bit other than signing and content commitment is set.
    pub(super) fn has_more_than_signing(self) -> bool {
        self.first & 0x3f != 0
    }

    /// Short names of the bits set.
    pub(super) fn names(self) -> String {
        const NAMES: [(u8, &str); 8] = [
            (0x80, "digitalSignature"),
            (0x40, "contentCommitment"),
            (0x20, "keyEncipherment"),
            (0x10, "dataEncipherment"),
            (0x08, "keyAgreement"),
            (0x04, "keyCertSign"),
            (0x02, "cRLSign"),
            (0x01, "encipherOnly"),
        ];
        let set: Vec<&str> = NAMES
            .iter()
            .filter(|(bit, _)| self.first & bit != 0)
            .map(|(_, name)| *name)
            .collect();
        set.join(", ")
    }
}

/// The extension `extendedKeyUsage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExtendedKeyUsage {
    pub(super) critical: bool,
    /// OIDs, content bytes.
    pub(super) purposes: Vec<Vec<u8>>,
}

impl ExtendedKeyUsage {
    pub(super) fn allows(&self, purpose: &[u8]) -> bool {
        self.purposes.iter().any(|found| found == purpose)
    }

    /// Short names of the purposes.
    pub(super) fn names(&self) -> Vec<String> {
        self.purposes
            .iter()
            .map(|purpose| match purpose.as_slice() {
                oid::SERVER_AUTH => "serverAuth".to_owned(),
                oid::CLIENT_AUTH => "clientAuth".to_owned(),
                oid::CODE_SIGNING => "codeSigning".to_owned(),
                oid::EMAIL_PROTECTION => "emailProtection".to_owned(),
                oid::TIME_STAMPING => "timeStamping".to_owned(),
                oid::OCSP_SIGNING => "OCSPSigning".to_owned(),
                oid::ANY_PURPOSE => "anyExtendedKeyUsage".to_owned(),
                other => oid::dotted(other),
            })
            .collect()
    }
}

impl Certificate {
    /// Reads one certificate; it must be strict DER of a bounded length and with a key of bounded size.
    pub(super) fn from_der(der: &[u8]) -> Result<Self, Refusal> {
        const PART: &str = "certificate";
        if der.len() > limits::MAX_CERTIFICATE_LENGTH {
            return Err(Refusal::TooLarge {
                part: PART,
                length: der.len(),
                limit: limits::MAX_CERTIFICATE_LENGTH,
            });
        }
        check_strict(der, "Certificate").map_err(Refusal::format(PART))?;
        let certificate = parse(der).map_err(Refusal::format(PART))?;
        let unreadable = || {
            Refusal::format(PART)(DerError {
                fault: DerFault::BadValue,
                field: "Certificate",
                offset: 0,
            })
        };
        let certificate = certificate.ok_or_else(unreadable)?;
        if certificate.key.check_size().is_err() {
            return Err(Refusal::KeySize {
                subject: certificate.subject.to_text(),
                found: certificate.key.to_string(),
            });
        }
        Ok(certificate)
    }

    pub(super) fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.der)
    }

    /// SHA-1 of the DER in hex: for look-alike output, nothing is decided by it.
    pub(super) fn sha1(&self) -> String {
        openssl::hash::hash(MessageDigest::sha1(), &self.der)
            .map(|digest| data_encoding::HEXLOWER.encode(&digest))
            .unwrap_or_default()
    }

    pub(super) fn spki_sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.spki)
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.subject.der == self.issuer.der
    }
}

/// Reads the fields; `None` where openssl cannot read what we can.
fn parse(der: &[u8]) -> Result<Option<Certificate>, DerError> {
    let mut reader = Reader::new(der);
    let mut outer = reader.sequence("Certificate")?;
    let mut tbs = outer.sequence("tbsCertificate")?;
    let mut algorithm = outer.sequence("signatureAlgorithm")?;
    let signature_algorithm = algorithm.oid("signatureAlgorithm")?.to_vec();
    outer.bits("signatureValue")?;
    outer.finish("Certificate")?;
    reader.finish("Certificate")?;

    let version = match tbs.optional(tag::context(0), "version")? {
        Some(value) => tbs.inside(value).small("version")?,
        None => 0,
    };
    let serial = tbs.integer("serialNumber")?.to_vec();
    tbs.sequence("signature")?;
    let issuer = Name::read(&mut tbs, "issuer")?;
    let mut validity = tbs.sequence("validity")?;
    let not_before = time::validity(&mut validity, "notBefore")?;
    let not_after = time::validity(&mut validity, "notAfter")?;
    validity.finish("validity")?;
    let subject = Name::read(&mut tbs, "subject")?;
    let spki = {
        let mut ahead = tbs;
        ahead
            .expect(tag::SEQUENCE, "subjectPublicKeyInfo")?
            .whole
            .to_vec()
    };
    let key = KeyKind::from_spki(&mut tbs)?;
    tbs.optional(tag::context_primitive(1), "issuerUniqueID")?;
    tbs.optional(tag::context_primitive(2), "subjectUniqueID")?;
    let extensions = match tbs.optional(tag::context(3), "extensions")? {
        Some(value) => {
            let mut wrapper = tbs.inside(value);
            let list = wrapper.sequence("extensions")?;
            wrapper.finish("extensions")?;
            Extensions::read(list)?
        }
        None => Extensions::default(),
    };
    tbs.finish("tbsCertificate")?;
    let Ok(x509) = X509::from_der(der) else {
        return Ok(None);
    };
    Ok(Some(Certificate {
        der: der.to_vec(),
        x509,
        version,
        serial,
        signature_algorithm,
        issuer,
        subject,
        not_before,
        not_after,
        key,
        spki,
        is_ca: extensions.is_ca,
        key_usage: extensions.key_usage,
        extended_key_usage: extensions.extended_key_usage,
        subject_key_id: extensions.subject_key_id,
    }))
}

/// The extensions read here; openssl refuses critical ones that it does not know.
#[derive(Default)]
struct Extensions {
    is_ca: bool,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<ExtendedKeyUsage>,
    subject_key_id: Option<Vec<u8>>,
}

impl Extensions {
    fn read(mut list: Reader<'_>) -> Result<Self, DerError> {
        let mut found = Self::default();
        let mut seen: Vec<&[u8]> = Vec::new();
        while !list.is_empty() {
            let at = list;
            let mut extension = list.sequence("extension")?;
            let kind = extension.oid("extnID")?;
            if seen.contains(&kind) {
                return Err(at.error(DerFault::Repeated, "extnID"));
            }
            seen.push(kind);
            let critical = match extension.peek() {
                Some(tag::BOOLEAN) => extension.boolean("critical")?,
                _ => false,
            };
            let value = extension.octets("extnValue")?;
            extension.finish("extension")?;
            let inner = |error: DerError| DerError {
                offset: at.error(error.fault, error.field).offset,
                ..error
            };
            found.take(kind, critical, value).map_err(inner)?;
        }
        Ok(found)
    }

    fn take(&mut self, kind: &[u8], critical: bool, value: &[u8]) -> Result<(), DerError> {
        let mut reader = Reader::new(value);
        match kind {
            oid::BASIC_CONSTRAINTS => {
                let mut inside = reader.sequence("basicConstraints")?;
                self.is_ca = inside.peek() == Some(tag::BOOLEAN) && inside.boolean("cA")?;
                if !inside.is_empty() {
                    inside.integer("pathLenConstraint")?;
                }
                inside.finish("basicConstraints")?;
            }
            oid::KEY_USAGE => {
                let bits = reader.expect(tag::BIT_STRING, "keyUsage")?;
                let first = match bits.content {
                    [_, first, ..] => *first,
                    _ => 0,
                };
                self.key_usage = Some(KeyUsage { first });
            }
            oid::EXTENDED_KEY_USAGE => {
                let mut inside = reader.sequence("extKeyUsage")?;
                let mut purposes = Vec::new();
                while !inside.is_empty() {
                    purposes.push(inside.oid("keyPurposeId")?.to_vec());
                }
                self.extended_key_usage = Some(ExtendedKeyUsage { critical, purposes });
            }
            oid::SUBJECT_KEY_ID => {
                self.subject_key_id = Some(reader.octets("subjectKeyIdentifier")?.to_vec());
            }
            _ => return Ok(()),
        }
        reader.finish("extnValue")
    }
}
