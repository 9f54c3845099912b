use jiff::Timestamp;

use super::super::cms::{self, SignedData};
use super::super::der::{Reader, tag};
use super::super::memo::Memo;
use super::super::timestamp;
use super::super::tst_info::TstInfo;
use super::super::{Refusal, TimestampError, limits};

/// A signature or timestamp made elsewhere that does not belong to a package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The signature cannot be read, has no signer, or is over something else.
    #[error("the signature does not belong to this package")]
    Signature(#[source] Box<Refusal>),
    /// The timestamp cannot be read, or is over something else.
    #[error("the timestamp does not belong to this package's signature")]
    Timestamp(#[source] Box<Refusal>),
}

impl AttachError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Signature(refusal) | Self::Timestamp(refusal) => refusal.code(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Signature(refusal) | Self::Timestamp(refusal) => refusal.hint(),
        }
    }
}

/// Whether a CMS is a signature over this manifest by the keys it carries; says nothing of trust.
pub fn check_signature_belongs(signature: &[u8], manifest: &[u8]) -> Result<(), AttachError> {
    belongs(signature, manifest).map_err(|refusal| AttachError::Signature(Box::new(refusal)))
}

pub(super) fn belongs(signature: &[u8], manifest: &[u8]) -> Result<(), Refusal> {
    let cms = SignedData::signature(signature, &Memo::default())?;
    if cms.signers.is_empty() {
        return Err(Refusal::SignerCount {
            good: 0,
            total: 0,
            first_bad: String::new(),
        });
    }
    for signer in &cms.signers {
        let certificate = cms.certificate_of(signer).ok_or(Refusal::Signature {
            problem: "a signer's certificate did not come with the signature",
        })?;
        cms::check_signer(signer, certificate, manifest)?;
    }
    Ok(())
}

/// Whether a token is a timestamp over this signature by the key it carries; says nothing of trust.
///
/// The answer is the time that it claims.
pub fn check_token_belongs(token: &[u8], signature: &[u8]) -> Result<Timestamp, AttachError> {
    let belongs = || -> Result<Timestamp, Refusal> {
        let (cms, content) = SignedData::token(token, &Memo::default())?;
        let info = TstInfo::from_der(content).map_err(Refusal::format("timestamp"))?;
        timestamp::check_imprint(&info, signature)?;
        for signer in &cms.signers {
            let certificate = cms
                .certificate_of(signer)
                .ok_or(Refusal::TimestampSignature {
                    problem: "the authority's certificate is not in the token",
                })?;
            cms::check_signer(signer, certificate, content)?;
        }
        Ok(info.time)
    };
    belongs().map_err(|refusal| AttachError::Timestamp(Box::new(refusal)))
}

/// The token in a bare `TimeStampToken` or a `TimeStampResp` (RFC 3161, section 2.4.2).
pub fn token_from_der(bytes: &[u8]) -> Result<Vec<u8>, TimestampError> {
    token_of(bytes, "the answer")
}

pub(super) fn token_of(bytes: &[u8], url: &str) -> Result<Vec<u8>, TimestampError> {
    const PART: &str = "timestamp";
    let refused = |refusal| TimestampError::Refused(Box::new(refusal));
    let format = |error| refused(Refusal::format(PART)(error));
    if bytes.len() > limits::MAX_TOKEN_LENGTH {
        return Err(refused(Refusal::TooLarge {
            part: PART,
            length: bytes.len(),
            limit: limits::MAX_TOKEN_LENGTH,
        }));
    }
    let mut reader = Reader::new(bytes);
    let mut outer = reader.sequence("TimeStampResp").map_err(format)?;
    reader.finish("TimeStampResp").map_err(format)?;
    if outer.peek() == Some(tag::OID) {
        return Ok(bytes.to_vec());
    }
    let mut status = outer.sequence("status").map_err(format)?;
    let code = status.small("status").map_err(format)?;
    if code > 1 {
        let reason = status
            .optional(tag::SEQUENCE, "statusString")
            .ok()
            .flatten()
            .and_then(|text| status.inside(text).any("statusString").ok())
            .map(|text| {
                let shown: String = String::from_utf8_lossy(text.content)
                    .chars()
                    .take(200)
                    .collect();
                shown.escape_debug().to_string()
            });
        return Err(TimestampError::Rejected {
            url: url.to_owned(),
            status: code,
            reason,
        });
    }
    let token = outer
        .expect(tag::SEQUENCE, "timeStampToken")
        .map_err(format)?;
    outer.finish("TimeStampResp").map_err(format)?;
    Ok(token.whole.to_vec())
}
