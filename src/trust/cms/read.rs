use openssl::cms::CmsContentInfo;

use super::super::certificate::Certificate;
use super::super::der::{DerError, DerFault, Reader, Tlv, check_strict, oid, tag};
use super::super::key::{DigestAlgorithm, digest_name};
use super::super::memo::Memo;
use super::super::{Refusal, ffi, limits};
use super::uncovered;

/// A CMS `SignedData`, read and not yet believed.
#[derive(Debug)]
pub(in crate::trust) struct SignedData<'a> {
    /// OID of the content, content bytes.
    pub(in crate::trust) content_type: &'a [u8],
    /// The content, where it comes along.
    pub(in crate::trust) content: Option<&'a [u8]>,
    /// Certificates that came along: never anchors.
    pub(in crate::trust) certificates: Vec<Certificate>,
    /// The signers in the order of the DER.
    pub(in crate::trust) signers: Vec<SignerInfo<'a>>,
}

/// One signer.
#[derive(Debug)]
pub(in crate::trust) struct SignerInfo<'a> {
    pub(in crate::trust) id: SignerId<'a>,
    pub(in crate::trust) digest: DigestAlgorithm,
    /// The signed attributes as they are, under their own tag.
    pub(in crate::trust) attributes: &'a [u8],
    /// The attribute `messageDigest`.
    pub(in crate::trust) message_digest: &'a [u8],
    /// The attribute `signingCertificateV2` or, failing that, `signingCertificate`.
    pub(in crate::trust) signing_certificate: Option<SigningCertificate<'a>>,
    /// OID of the signature algorithm, content bytes.
    pub(in crate::trust) algorithm: &'a [u8],
    pub(in crate::trust) signature: &'a [u8],
    /// The whole `SignerInfo`, DER.
    pub(in crate::trust) der: &'a [u8],
}

/// How a signer names its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::trust) enum SignerId<'a> {
    /// Issuer name (DER) and serial number (content).
    IssuerAndSerial(&'a [u8], &'a [u8]),
    /// Subject key identifier.
    KeyId(&'a [u8]),
}

/// The first certificate hash of an ESS attribute (RFC 5035).
#[derive(Debug, Clone, Copy)]
pub(in crate::trust) struct SigningCertificate<'a> {
    /// OID of the hash algorithm, content bytes; none in the old form, which always means SHA-1.
    pub(in crate::trust) algorithm: Option<&'a [u8]>,
    pub(in crate::trust) hash: &'a [u8],
}

impl SignerId<'_> {
    fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial(issuer, serial) => {
                certificate.issuer.der == *issuer && certificate.serial == *serial
            }
            Self::KeyId(id) => certificate.subject_key_id.as_deref() == Some(id),
        }
    }
}

impl<'a> SignedData<'a> {
    /// Reads the signature section of a package: detached, over `id-data`, one canonical encoding.
    pub(in crate::trust) fn signature(der: &'a [u8], memo: &Memo) -> Result<Self, Refusal> {
        const PART: &str = "signature";
        let cms = Self::read(der, PART, limits::MAX_SIGNATURE_LENGTH, memo)?;
        if cms.content.is_some() {
            return Err(Refusal::NotDetached);
        }
        expect_content_type(cms.content_type, oid::DATA)?;
        if !is_canonical(der) {
            return Err(Refusal::format(PART)(DerError {
                fault: DerFault::NotCanonical,
                field: "ContentInfo",
                offset: 0,
            }));
        }
        Ok(cms)
    }

    /// Reads a timestamp token: a `TSTInfo` that comes along, one signer.
    pub(in crate::trust) fn token(der: &'a [u8], memo: &Memo) -> Result<(Self, &'a [u8]), Refusal> {
        let cms = Self::read(der, "timestamp", limits::MAX_TOKEN_LENGTH, memo)?;
        expect_content_type(cms.content_type, oid::TST_INFO)?;
        if cms.signers.len() != 1 {
            return Err(Refusal::TimestampSignature {
                problem: "expected exactly one signer",
            });
        }
        let content = cms.content.ok_or(Refusal::TimestampSignature {
            problem: "the token does not carry its content",
        })?;
        Ok((cms, content))
    }

    /// The certificate of a signer, if it came along.
    pub(in crate::trust) fn certificate_of(&self, signer: &SignerInfo<'_>) -> Option<&Certificate> {
        self.certificates
            .iter()
            .find(|certificate| signer.id.names(certificate))
    }

    fn read(der: &'a [u8], part: &'static str, limit: usize, memo: &Memo) -> Result<Self, Refusal> {
        ffi::init();
        if der.len() > limit {
            return Err(Refusal::TooLarge {
                part,
                length: der.len(),
                limit,
            });
        }
        check_strict(der, "ContentInfo").map_err(Refusal::format(part))?;
        let raw = RawSignedData::read(der).map_err(Refusal::format(part))?;
        uncovered::check(der).map_err(Refusal::format(part))?;
        let count = |what, found, limit| {
            if found > limit {
                Err(Refusal::TooMany { what, found, limit })
            } else {
                Ok(())
            }
        };
        count(
            "certificates",
            raw.certificates.len(),
            limits::MAX_CERTIFICATES,
        )?;
        count("signers", raw.signers.len(), limits::MAX_SIGNERS)?;
        let certificates = raw
            .certificates
            .iter()
            .map(|certificate| memo.certificate(certificate.whole))
            .collect::<Result<Vec<_>, _>>()?;
        let signers = raw
            .signers
            .iter()
            .map(|signer| read_signer(*signer, raw.content_type, part))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            content_type: raw.content_type,
            content: raw.content,
            certificates,
            signers,
        })
    }
}

fn expect_content_type(found: &[u8], expected: &[u8]) -> Result<(), Refusal> {
    if found == expected {
        Ok(())
    } else {
        Err(Refusal::ContentType {
            expected: oid::dotted(expected),
            found: oid::dotted(found),
        })
    }
}

/// Whether openssl writes the same bytes again, sets in order included.
fn is_canonical(der: &[u8]) -> bool {
    CmsContentInfo::from_der(der)
        .and_then(|cms| cms.to_der())
        .is_ok_and(|again| again == der)
}

/// The parts of a `SignedData` before any of them is understood.
struct RawSignedData<'a> {
    content_type: &'a [u8],
    content: Option<&'a [u8]>,
    certificates: Vec<Tlv<'a>>,
    signers: Vec<Tlv<'a>>,
}

impl<'a> RawSignedData<'a> {
    fn read(der: &'a [u8]) -> Result<Self, DerError> {
        let mut reader = Reader::new(der);
        let mut info = reader.sequence("ContentInfo")?;
        let at = info;
        if info.oid("contentType")? != oid::SIGNED_DATA {
            return Err(at.error(DerFault::BadValue, "contentType"));
        }
        let mut wrapper = info.enter(tag::context(0), "content")?;
        let mut signed = wrapper.sequence("SignedData")?;
        wrapper.finish("content")?;
        info.finish("ContentInfo")?;
        reader.finish("ContentInfo")?;

        // What stands here without being used is checked by `uncovered`.
        signed.any("version")?;
        signed.any("digestAlgorithms")?;
        let mut encapsulated = signed.sequence("encapContentInfo")?;
        let content_type = encapsulated.oid("eContentType")?;
        let content = match encapsulated.optional(tag::context(0), "eContent")? {
            Some(value) => {
                let mut inside = encapsulated.inside(value);
                let content = inside.octets("eContent")?;
                inside.finish("eContent")?;
                Some(content)
            }
            None => None,
        };
        encapsulated.finish("encapContentInfo")?;
        let certificates = match signed.optional(tag::context(0), "certificates")? {
            Some(value) => values(signed.inside(value), tag::SEQUENCE, "certificate")?,
            None => Vec::new(),
        };
        signed.optional(tag::context(1), "crls")?;
        let signers = signed.enter(tag::SET, "signerInfos")?;
        let signers = values(signers, tag::SEQUENCE, "SignerInfo")?;
        signed.finish("SignedData")?;
        Ok(Self {
            content_type,
            content,
            certificates,
            signers,
        })
    }
}

fn values<'a>(
    mut reader: Reader<'a>,
    tag: u8,
    field: &'static str,
) -> Result<Vec<Tlv<'a>>, DerError> {
    let mut found = Vec::new();
    while !reader.is_empty() {
        found.push(reader.expect(tag, field)?);
    }
    Ok(found)
}

/// The parts of a `SignerInfo` before any of them is understood.
struct RawSigner<'a> {
    id: SignerId<'a>,
    digest: &'a [u8],
    attributes: Option<Tlv<'a>>,
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> RawSigner<'a> {
    fn read(value: Tlv<'a>) -> Result<Self, DerError> {
        let mut reader = Reader::new(value.whole).sequence("SignerInfo")?;
        let version = reader.small("version")?;
        let at = reader;
        let id = match (version, reader.peek()) {
            (1, Some(tag::SEQUENCE)) => {
                let mut pair = reader.sequence("issuerAndSerialNumber")?;
                let issuer = pair.expect(tag::SEQUENCE, "issuer")?.whole;
                let serial = pair.integer("serialNumber")?;
                pair.finish("issuerAndSerialNumber")?;
                SignerId::IssuerAndSerial(issuer, serial)
            }
            (3, Some(_)) => {
                let id = reader.expect(tag::context_primitive(0), "subjectKeyIdentifier")?;
                SignerId::KeyId(id.content)
            }
            _ => return Err(at.error(DerFault::BadValue, "sid")),
        };
        let digest = reader.sequence("digestAlgorithm")?.oid("digestAlgorithm")?;
        let attributes = reader.optional(tag::context(0), "signedAttrs")?;
        let algorithm = reader
            .sequence("signatureAlgorithm")?
            .oid("signatureAlgorithm")?;
        let signature = reader.octets("signature")?;
        reader.optional(tag::context(1), "unsignedAttrs")?;
        reader.finish("SignerInfo")?;
        Ok(Self {
            id,
            digest,
            attributes,
            algorithm,
            signature,
        })
    }
}

fn read_signer<'a>(
    value: Tlv<'a>,
    content_type: &[u8],
    part: &'static str,
) -> Result<SignerInfo<'a>, Refusal> {
    let raw = RawSigner::read(value).map_err(Refusal::format(part))?;
    let digest = DigestAlgorithm::from_oid(raw.digest).ok_or_else(|| Refusal::WeakDigest {
        field: "digestAlgorithm",
        found: digest_name(raw.digest),
    })?;
    let missing = |problem| Refusal::SignedAttributes { problem };
    let attributes = raw.attributes.ok_or(missing("there are none"))?;
    let list = Attributes::read(attributes).map_err(Refusal::format(part))?;
    let signed_type = list
        .one(oid::CONTENT_TYPE, tag::OID)
        .ok_or(missing("expected one contentType"))?;
    if signed_type != content_type {
        return Err(missing("contentType differs from the content's"));
    }
    let message_digest = list
        .one(oid::MESSAGE_DIGEST, tag::OCTET_STRING)
        .ok_or(missing("expected one messageDigest"))?;
    let signing_certificate = list.signing_certificate().map_err(Refusal::format(part))?;
    Ok(SignerInfo {
        id: raw.id,
        digest,
        attributes: attributes.whole,
        message_digest,
        signing_certificate,
        algorithm: raw.algorithm,
        signature: raw.signature,
        der: value.whole,
    })
}

/// Signed attributes: each kind once.
struct Attributes<'a>(Vec<(&'a [u8], Vec<Tlv<'a>>)>);

impl<'a> Attributes<'a> {
    fn read(value: Tlv<'a>) -> Result<Self, DerError> {
        let mut reader = Reader::new(value.whole).enter(value.tag, "signedAttrs")?;
        let mut found: Vec<(&[u8], Vec<Tlv<'_>>)> = Vec::new();
        while !reader.is_empty() {
            let at = reader;
            let mut attribute = reader.sequence("attribute")?;
            let kind = attribute.oid("attrType")?;
            if found.iter().any(|(other, _)| *other == kind) {
                return Err(at.error(DerFault::Repeated, "attrType"));
            }
            let mut set = attribute.enter(tag::SET, "attrValues")?;
            let mut all = Vec::new();
            while !set.is_empty() {
                all.push(set.any("attrValue")?);
            }
            attribute.finish("attribute")?;
            found.push((kind, all));
        }
        Ok(Self(found))
    }

    /// The only value of an attribute, if it has this tag.
    fn one(&self, kind: &[u8], tag: u8) -> Option<&'a [u8]> {
        let (_, values) = self.0.iter().find(|(found, _)| *found == kind)?;
        match values.as_slice() {
            [value] if value.tag == tag => Some(value.content),
            _ => None,
        }
    }

    fn signing_certificate(&self) -> Result<Option<SigningCertificate<'a>>, DerError> {
        if let Some(content) = self.one(oid::SIGNING_CERTIFICATE_V2, tag::SEQUENCE) {
            let mut certificate = first_certificate(content)?;
            let algorithm = match certificate.optional(tag::SEQUENCE, "hashAlgorithm")? {
                Some(value) => certificate.inside(value).oid("hashAlgorithm")?,
                None => oid::SHA256,
            };
            let hash = certificate.octets("certHash")?;
            let algorithm = Some(algorithm);
            return Ok(Some(SigningCertificate { algorithm, hash }));
        }
        if let Some(content) = self.one(oid::SIGNING_CERTIFICATE, tag::SEQUENCE) {
            let hash = first_certificate(content)?.octets("certHash")?;
            let algorithm = None;
            return Ok(Some(SigningCertificate { algorithm, hash }));
        }
        Ok(None)
    }
}

fn first_certificate(content: &[u8]) -> Result<Reader<'_>, DerError> {
    let mut list = Reader::new(content).sequence("certs")?;
    list.sequence("ESSCertID")
}
