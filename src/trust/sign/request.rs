//! `TimeStampReq` (RFC 3161, section 2.4.1).

use super::super::der::{DerError, DerFault, Reader, oid, tag, write};
use super::super::key::DigestAlgorithm;

/// A request, as a server reads it.
pub(super) struct Request<'a> {
    pub(super) digest: DigestAlgorithm,
    pub(super) imprint: &'a [u8],
    /// Content of the INTEGER.
    pub(super) nonce: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, DerError> {
        let mut reader = Reader::new(der);
        let mut request = reader.sequence("TimeStampReq")?;
        reader.finish("TimeStampReq")?;
        request.small("version")?;
        let mut imprint = request.sequence("messageImprint")?;
        let at = imprint;
        let digest = imprint.sequence("hashAlgorithm")?.oid("hashAlgorithm")?;
        let digest = DigestAlgorithm::from_oid(digest)
            .ok_or_else(|| at.error(DerFault::BadValue, "hashAlgorithm"))?;
        let imprint = imprint.octets("hashedMessage")?;
        request.optional(tag::OID, "reqPolicy")?;
        let nonce = match request.peek() {
            Some(tag::INTEGER) => Some(request.integer("nonce")?),
            _ => None,
        };
        Ok(Self {
            digest,
            imprint,
            nonce,
        })
    }
}

/// Writes a request over SHA-256 that asks for the certificates.
pub(super) fn write(imprint: &[u8], nonce: &[u8]) -> Vec<u8> {
    write::sequence(&[
        &write::unsigned(&[1]),
        &write::sequence(&[
            &write::sequence(&[&write::oid(oid::SHA256), &write::null()]),
            &write::octets(imprint),
        ]),
        &write::unsigned(nonce),
        &write::tlv(tag::BOOLEAN, &[&[0xff]]),
    ])
}
