use super::super::certificate::Certificate;
use super::super::der::{oid, tag, write};
use super::super::key::{DigestAlgorithm, KeyKind};

/// One `SignerInfo` ready to be put into a `SignedData`.
#[derive(Debug)]
pub(in crate::trust) struct SignerEntry {
    /// The `SignerInfo`, DER.
    pub(in crate::trust) der: Vec<u8>,
    /// The digest it uses.
    pub(in crate::trust) digest: DigestAlgorithm,
}

/// The signed attributes over `content`, as the SET that is signed.
///
/// `contentType`, `messageDigest` and `signingCertificateV2`; no `signingTime`, because nobody may
/// believe it and it would make two signatures over the same bytes differ.
pub(in crate::trust) fn attributes_for(
    content_type: &[u8],
    content: &[u8],
    digest: DigestAlgorithm,
    certificate: &Certificate,
) -> Vec<u8> {
    let attribute = |kind: &[u8], value: &[u8]| {
        write::sequence(&[&write::oid(kind), &write::tlv(tag::SET, &[value])])
    };
    let hash = write::octets(certificate.sha256().as_bytes());
    // The default hash algorithm, SHA-256, is left out as DER asks for.
    let certificate_id = write::sequence(&[&hash]);
    let signing_certificate = write::sequence(&[&write::sequence(&[&certificate_id])]);
    write::set_of(
        tag::SET,
        vec![
            attribute(oid::CONTENT_TYPE, &write::oid(content_type)),
            attribute(oid::MESSAGE_DIGEST, &write::octets(&digest.digest(content))),
            attribute(oid::SIGNING_CERTIFICATE_V2, &signing_certificate),
        ],
    )
}

/// A `SignerInfo` of version 1, from the attributes as a SET and the signature over them.
pub(in crate::trust) fn signer_info(
    certificate: &Certificate,
    digest: DigestAlgorithm,
    attributes: &[u8],
    signature: &[u8],
) -> SignerEntry {
    let mut tagged = attributes.to_vec();
    if let Some(first) = tagged.first_mut() {
        *first = tag::context(0);
    }
    let serial = write::tlv(tag::INTEGER, &[&certificate.serial]);
    let algorithm = match certificate.key {
        KeyKind::Rsa { .. } => write::sequence(&[&write::oid(oid::RSA), &write::null()]),
        _ => write::sequence(&[&write::oid(match digest {
            DigestAlgorithm::Sha256 => oid::ECDSA_SHA256,
            DigestAlgorithm::Sha384 => oid::ECDSA_SHA384,
            DigestAlgorithm::Sha512 => oid::ECDSA_SHA512,
        })]),
    };
    let der = write::sequence(&[
        &write::tlv(tag::INTEGER, &[&[1]]),
        &write::sequence(&[&certificate.issuer.der, &serial]),
        &digest_algorithm(digest),
        &tagged,
        &algorithm,
        &write::octets(signature),
    ]);
    SignerEntry { der, digest }
}

/// A `ContentInfo` around a `SignedData`; `content` is left out where it is detached.
pub(in crate::trust) fn signed_data(
    content_type: &[u8],
    content: Option<&[u8]>,
    certificates: Vec<Vec<u8>>,
    signers: Vec<SignerEntry>,
) -> Vec<u8> {
    let version: u8 = if content_type == oid::DATA { 1 } else { 3 };
    let encapsulated = match content {
        Some(content) => write::sequence(&[
            &write::oid(content_type),
            &write::tlv(tag::context(0), &[&write::octets(content)]),
        ]),
        None => write::sequence(&[&write::oid(content_type)]),
    };
    let digests = signers
        .iter()
        .map(|signer| digest_algorithm(signer.digest))
        .collect();
    let signers = signers.into_iter().map(|signer| signer.der).collect();
    let signed = write::sequence(&[
        &write::tlv(tag::INTEGER, &[&[version]]),
        &write::set_of(tag::SET, digests),
        &encapsulated,
        &write::set_of(tag::context(0), certificates),
        &write::set_of(tag::SET, signers),
    ]);
    write::sequence(&[
        &write::oid(oid::SIGNED_DATA),
        &write::tlv(tag::context(0), &[&signed]),
    ])
}

fn digest_algorithm(digest: DigestAlgorithm) -> Vec<u8> {
    write::sequence(&[&write::oid(digest.oid())])
}
