use jiff::Timestamp;
use openssl::rand::rand_bytes;

use super::super::cms::signed_data;
use super::super::der::{oid, tag, time, write};
use super::super::key::DigestAlgorithm;
use super::super::profile::{self, Use};
use super::{Credential, SignError, TimestampAuthority, TimestampError};

/// Issues timestamps with a key at hand, always of the time it was given.
#[derive(Debug, Clone)]
pub struct LocalAuthority {
    credential: Credential,
    time: Timestamp,
}

/// Policy that says nothing: `anyPolicy` of RFC 5280.
const ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];

impl LocalAuthority {
    /// Takes a credential for timestamps; refuses one whose timestamps verification would refuse.
    pub fn new(credential: Credential, time: Timestamp) -> Result<Self, SignError> {
        let unfit = |refusal| SignError::Unfit(Box::new(refusal));
        let certificate = &credential.certificate;
        profile::check_signer(certificate, Use::TimeStamping).map_err(unfit)?;
        profile::check_time_stamping(std::slice::from_ref(certificate)).map_err(unfit)?;
        Ok(Self { credential, time })
    }

    /// Answers a request over an imprint, with its nonce if it has one (content of the INTEGER).
    pub(in crate::trust) fn answer(
        &self,
        digest: DigestAlgorithm,
        imprint: &[u8],
        nonce: Option<&[u8]>,
    ) -> Result<Vec<u8>, SignError> {
        let mut serial = [0; 16];
        rand_bytes(&mut serial).map_err(SignError::crypto("draw a serial number"))?;
        let mut parts = vec![
            write::unsigned(&[1]),
            write::oid(ANY_POLICY),
            write::sequence(&[
                &write::sequence(&[&write::oid(digest.oid())]),
                &write::octets(imprint),
            ]),
            write::unsigned(&serial),
            write::tlv(
                tag::GENERALIZED_TIME,
                &[time::to_generalized(self.time).as_bytes()],
            ),
        ];
        parts.extend(nonce.map(|nonce| write::tlv(tag::INTEGER, &[nonce])));
        let info = write::sequence(&[&parts.concat()]);
        let entry = self.credential.signer_entry(oid::TST_INFO, &info)?;
        let certificates = self.credential.certificates();
        Ok(signed_data(
            oid::TST_INFO,
            Some(&info),
            certificates,
            vec![entry],
        ))
    }

    /// Answers a `TimeStampReq` with a `TimeStampResp`, as a server does.
    pub fn respond(&self, request: &[u8]) -> Result<Vec<u8>, TimestampError> {
        use super::super::Refusal;
        let refused = |refusal| TimestampError::Refused(Box::new(refusal));
        let request = super::request::Request::read(request)
            .map_err(Refusal::format("timestamp request"))
            .map_err(refused)?;
        let token = self
            .answer(request.digest, request.imprint, request.nonce)
            .map_err(TimestampError::Sign)?;
        let granted = write::sequence(&[&write::unsigned(&[])]);
        Ok(write::sequence(&[&granted, &token]))
    }
}

impl TimestampAuthority for LocalAuthority {
    fn timestamp(&self, message: &[u8]) -> Result<Vec<u8>, TimestampError> {
        const DIGEST: DigestAlgorithm = DigestAlgorithm::Sha256;
        self.answer(DIGEST, &DIGEST.digest(message), None)
            .map_err(TimestampError::Sign)
    }
}
