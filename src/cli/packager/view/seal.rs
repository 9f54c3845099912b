//! What signature and timestamp say of themselves.

use jiff::Timestamp;
use serde::Serialize;

use crate::trust::{
    CertificateDescription, SignerDescription, TimestampDescription, describe_signature,
    describe_timestamp,
};

/// The signers, or why they cannot be read.
#[derive(Serialize, Debug)]
pub(super) struct SignatureView {
    pub(super) signers: Vec<SignerDescription>,
    pub(super) problem: Option<String>,
}

/// The timestamp, or why it cannot be read.
#[derive(Serialize, Debug)]
pub(super) struct TimestampView {
    pub(super) token: Option<TimestampDescription>,
    pub(super) problem: Option<String>,
}

impl SignatureView {
    pub(super) fn new(signature: &[u8]) -> Self {
        let described = match signature {
            [] => Ok(Vec::new()),
            signature => describe_signature(signature),
        };
        match described {
            Ok(signers) => Self {
                signers,
                problem: None,
            },
            Err(refusal) => Self {
                signers: Vec::new(),
                problem: Some(refusal.to_string()),
            },
        }
    }
}

impl TimestampView {
    pub(super) fn new(token: &[u8]) -> Self {
        let described = match token {
            [] => Ok(None),
            token => describe_timestamp(token).map(Some),
        };
        match described {
            Ok(token) => Self {
                token,
                problem: None,
            },
            Err(refusal) => Self {
                token: None,
                problem: Some(refusal.to_string()),
            },
        }
    }
}

/// The subject as the original shows it: the parts in order, the organization on a line of its own.
pub(super) fn subject_path(certificate: &CertificateDescription) -> String {
    let parts = certificate.subject_parts.iter();
    let parts = parts
        .filter(|(name, _)| name != "O")
        .map(|(_, value)| value.as_str());
    parts.collect::<Vec<_>>().join(" / ")
}

/// A time as the original shows it: UTC, without saying so.
pub(super) fn plain_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
