use jiff::Timestamp;
use openssl::sign::Signer;

use super::super::certificate::Certificate;
use super::super::der::{oid, tag, time, write};
use super::super::pem;
use super::DevPkiError;
use super::authority::Authority;

/// One entry of a revocation list.
#[derive(Debug, Clone, Copy)]
pub struct Revoked<'a> {
    /// The revoked certificate, DER.
    pub certificate: &'a [u8],
    /// Since when.
    pub time: Timestamp,
    /// Reason code of RFC 5280, section 5.3.1; none where the entry gives no reason.
    pub reason: Option<u8>,
}

/// `cRLReason`, 2.5.29.21.
const REASON: &[u8] = &[0x55, 0x1d, 21];
const ENUMERATED: u8 = 0x0a;

impl Authority {
    /// Signs a revocation list, PEM.
    ///
    /// Entries whose certificate cannot be read are left out.
    pub fn crl_pem(
        &self,
        this_update: Timestamp,
        next_update: Timestamp,
        revoked: &[Revoked<'_>],
    ) -> Result<String, DevPkiError> {
        let algorithm = write::sequence(&[&write::oid(oid::ECDSA_SHA256)]);
        let issuer = self
            .certificate
            .subject_name()
            .to_der()
            .map_err(DevPkiError::crypto("write a name"))?;
        let entries: Vec<Vec<u8>> = revoked.iter().filter_map(entry).collect();
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let list = match entries.as_slice() {
            [] => Vec::new(),
            entries => write::sequence(entries),
        };
        let tbs = write::sequence(&[
            &write::unsigned(&[1]),
            &algorithm,
            &issuer,
            &generalized(this_update),
            &generalized(next_update),
            &list,
        ]);
        let signature = Signer::new(self.digest.message_digest(), &self.key)
            .and_then(|mut signer| signer.sign_oneshot_to_vec(&tbs))
            .map_err(DevPkiError::crypto("sign a revocation list"))?;
        let bits = write::tlv(tag::BIT_STRING, &[&[0], &signature]);
        let der = write::sequence(&[&tbs, &algorithm, &bits]);
        Ok(pem::encode("X509 CRL", &der))
    }
}

fn entry(revoked: &Revoked<'_>) -> Option<Vec<u8>> {
    let certificate = Certificate::from_der(revoked.certificate).ok()?;
    let serial = write::tlv(tag::INTEGER, &[&certificate.serial]);
    let time = generalized(revoked.time);
    let extensions = match revoked.reason {
        None => Vec::new(),
        Some(reason) => {
            let value = write::octets(&write::tlv(ENUMERATED, &[&[reason]]));
            write::sequence(&[&write::sequence(&[&write::oid(REASON), &value])])
        }
    };
    Some(write::sequence(&[&serial, &time, &extensions]))
}

/// RFC 5280 wants `UTCTime` until 2049; openssl and we read both.
fn generalized(moment: Timestamp) -> Vec<u8> {
    let text = time::to_generalized(moment);
    match text.strip_prefix("20") {
        Some(short) if short < "50" => write::tlv(tag::UTC_TIME, &[short.as_bytes()]),
        _ => write::tlv(tag::GENERALIZED_TIME, &[text.as_bytes()]),
    }
}
