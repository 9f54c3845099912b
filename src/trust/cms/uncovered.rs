//! What no signature covers: everything in a `SignedData` around the signed attributes.
//!
//! A forger can change these parts and leave every signature valid. Each of them therefore has one
//! value that is accepted, or a few where authorities in the field differ, so that a sealed package has
//! as few valid twins as can be (`format-spec/identities.md`).

use super::super::der::{DerError, DerFault, Reader, Tlv, oid, tag};

const ECDSA: [&[u8]; 3] = [oid::ECDSA_SHA256, oid::ECDSA_SHA384, oid::ECDSA_SHA512];
const RSA: [&[u8]; 4] = [oid::RSA, oid::RSA_SHA256, oid::RSA_SHA384, oid::RSA_SHA512];

/// Checks versions, digest algorithms, algorithm parameters, certificates and what must not be there.
pub(super) fn check(der: &[u8]) -> Result<(), DerError> {
    let mut info = Reader::new(der).sequence("ContentInfo")?;
    info.oid("contentType")?;
    let mut signed = info
        .enter(tag::context(0), "content")?
        .sequence("SignedData")?;
    let at_version = signed;
    let version = signed.small("version")?;
    let at_digests = signed;
    let mut listed = Vec::new();
    let mut digests = signed.enter(tag::SET, "digestAlgorithms")?;
    while !digests.is_empty() {
        listed.push(digest_algorithm(&mut digests)?);
    }
    let content_type = signed.sequence("encapContentInfo")?.oid("eContentType")?;
    let at_certificates = signed;
    if let Some(value) = signed.optional(tag::context(0), "certificates")? {
        let certificates = all(signed.inside(value), "certificate")?;
        if repeats(&certificates) {
            return Err(at_certificates.error(DerFault::Repeated, "certificate"));
        }
    }
    absent(&mut signed, tag::context(1), "crls")?;
    let mut signers = signed.enter(tag::SET, "signerInfos")?;
    let mut used = Vec::new();
    let mut by_key_id = false;
    while !signers.is_empty() {
        let one = Signer::read(signers.sequence("SignerInfo")?)?;
        used.push(one.digest);
        by_key_id |= one.version == 3;
    }
    // RFC 5652, section 5.1.
    let expected = if content_type == oid::DATA && !by_key_id {
        1
    } else {
        3
    };
    if version != expected {
        return Err(at_version.error(DerFault::BadValue, "version"));
    }
    listed.sort_unstable();
    used.sort_unstable();
    used.dedup();
    if listed == used {
        Ok(())
    } else {
        Err(at_digests.error(DerFault::BadValue, "digestAlgorithms"))
    }
}

/// The parts of a `SignerInfo` that its signature does not cover.
struct Signer<'a> {
    version: u8,
    digest: &'a [u8],
}

impl<'a> Signer<'a> {
    fn read(mut reader: Reader<'a>) -> Result<Self, DerError> {
        let version = reader.small("version")?;
        reader.any("sid")?;
        let digest = digest_algorithm(&mut reader)?;
        reader.optional(tag::context(0), "signedAttrs")?;
        let mut algorithm = reader.sequence("signatureAlgorithm")?;
        let kind = algorithm.oid("signatureAlgorithm")?;
        // RFC 5754, section 3: absent for ECDSA, NULL for RSA. Others are refused by name elsewhere.
        if ECDSA.contains(&kind) {
            algorithm.finish("signatureAlgorithm")?;
        } else if RSA.contains(&kind) {
            null_or_absent(algorithm, "signatureAlgorithm")?;
        }
        reader.octets("signature")?;
        absent(&mut reader, tag::context(1), "unsignedAttrs")?;
        Ok(Self { version, digest })
    }
}

/// The OID of a digest; its parameters are absent or NULL, and both are in use (RFC 5754, section 2).
fn digest_algorithm<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DerError> {
    let mut algorithm = reader.sequence("digestAlgorithm")?;
    let oid = algorithm.oid("digestAlgorithm")?;
    null_or_absent(algorithm, "digestAlgorithm")?;
    Ok(oid)
}

fn null_or_absent(mut algorithm: Reader<'_>, field: &'static str) -> Result<(), DerError> {
    if algorithm.is_empty() {
        return Ok(());
    }
    let at = algorithm;
    let parameters = algorithm.any(field)?;
    if (parameters.tag, parameters.content) == (tag::NULL, &[]) {
        algorithm.finish(field)
    } else {
        Err(at.error(DerFault::BadValue, field))
    }
}

fn absent(reader: &mut Reader<'_>, tag: u8, field: &'static str) -> Result<(), DerError> {
    let at = *reader;
    match reader.optional(tag, field)? {
        None => Ok(()),
        Some(_) => Err(at.error(DerFault::BadValue, field)),
    }
}

fn all<'a>(mut reader: Reader<'a>, field: &'static str) -> Result<Vec<Tlv<'a>>, DerError> {
    let mut values = Vec::new();
    while !reader.is_empty() {
        values.push(reader.any(field)?);
    }
    Ok(values)
}

fn repeats(values: &[Tlv<'_>]) -> bool {
    let mut seen: Vec<&[u8]> = values.iter().map(|value| value.whole).collect();
    seen.sort_unstable();
    seen.windows(2).any(|pair| pair.first() == pair.last())
}
