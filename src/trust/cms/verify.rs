use super::super::Refusal;
use super::super::certificate::Certificate;
use super::super::der::{oid, tag};
use super::super::key::{DigestAlgorithm, KeyKind, PublicKey, verify_detached};
use super::SignerInfo;

/// Checks one signer's signature over `content` with the key of its certificate.
///
/// Says nothing about whether the certificate can be trusted.
pub(in crate::trust) fn check_signer(
    signer: &SignerInfo<'_>,
    certificate: &Certificate,
    content: &[u8],
) -> Result<(), Refusal> {
    check_algorithm(signer, certificate)?;
    if signer.digest.digest(content) != signer.message_digest {
        return Err(Refusal::Signature {
            problem: "the signature belongs to other content",
        });
    }
    let unusable = |_| Refusal::KeyType {
        subject: certificate.subject.to_text(),
        found: certificate.key.to_string(),
    };
    let key = PublicKey::from_der(&certificate.spki).map_err(unusable)?;
    verify_detached(
        &key,
        signer.digest,
        &attributes_as_set(signer.attributes),
        signer.signature,
    )
    .map_err(|_| Refusal::Signature {
        problem: "the signature does not fit the signer's key",
    })
}

/// What is signed: the attributes under the tag of a SET (RFC 5652, section 5.4).
fn attributes_as_set(attributes: &[u8]) -> Vec<u8> {
    let mut set = attributes.to_vec();
    if let Some(first) = set.first_mut() {
        *first = tag::SET;
    }
    set
}

fn check_algorithm(signer: &SignerInfo<'_>, certificate: &Certificate) -> Result<(), Refusal> {
    let is_rsa = match &certificate.key {
        KeyKind::Rsa { .. } => true,
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => false,
        KeyKind::Other(found) => {
            return Err(Refusal::KeyType {
                subject: certificate.subject.to_text(),
                found: found.clone(),
            });
        }
    };
    let (with_rsa, with_ecdsa) = match signer.digest {
        DigestAlgorithm::Sha256 => (oid::RSA_SHA256, oid::ECDSA_SHA256),
        DigestAlgorithm::Sha384 => (oid::RSA_SHA384, oid::ECDSA_SHA384),
        DigestAlgorithm::Sha512 => (oid::RSA_SHA512, oid::ECDSA_SHA512),
    };
    let fits = if is_rsa {
        signer.algorithm == oid::RSA || signer.algorithm == with_rsa
    } else {
        signer.algorithm == with_ecdsa
    };
    if fits {
        Ok(())
    } else {
        Err(Refusal::SignatureAlgorithm {
            found: oid::dotted(signer.algorithm),
            digest: signer.digest.to_string(),
            key: certificate.key.to_string(),
        })
    }
}
