//! Timestamps over HTTP (RFC 3161, section 3.4).
//!
//! # Threats met here
//!
//! - An answer without end, or none at all: the body and the whole exchange are bounded.
//! - An answer to another request: imprint and nonce are compared.
//! - An authority that nobody trusts: that is decided when the package is verified; HTTPS protects
//!   nothing but privacy here.

use std::time::Duration;

use openssl::rand::rand_bytes;
use ureq::Agent;
use ureq::tls::{TlsConfig, TlsProvider};

use super::super::cms::SignedData;
use super::super::key::DigestAlgorithm;
use super::super::memo::Memo;
use super::super::tst_info::TstInfo;
use super::super::{Refusal, ffi, limits};
use super::attach::{check_token_belongs, token_of};
use super::{AttachError, SignError, TimestampAuthority, TimestampError, request};

/// Asks an authority over HTTP.
#[derive(Debug, Clone)]
pub struct HttpAuthority {
    url: String,
    agent: Agent,
}

impl HttpAuthority {
    /// Longest time of one whole exchange.
    pub const TIMEOUT: Duration = Duration::from_secs(30);
    /// Most redirections followed.
    pub const MAX_REDIRECTS: u32 = 3;

    /// Takes an address that begins with `http://` or `https://`.
    pub fn new(url: &str) -> Result<Self, TimestampError> {
        Self::with_timeout(url, Self::TIMEOUT)
    }

    /// As [`HttpAuthority::new`], with another bound on the exchange.
    pub fn with_timeout(url: &str, timeout: Duration) -> Result<Self, TimestampError> {
        ffi::init();
        let is_http = ["http://", "https://"]
            .iter()
            .any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
        if !is_http
            || url
                .chars()
                .any(|character| character.is_control() || character == ' ')
        {
            return Err(TimestampError::Url {
                url: url.to_owned(),
            });
        }
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .build();
        let agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .max_redirects(Self::MAX_REDIRECTS)
            .tls_config(tls)
            .build()
            .new_agent();
        Ok(Self {
            url: url.to_owned(),
            agent,
        })
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, TimestampError> {
        let failed = |error: ureq::Error| TimestampError::Http {
            url: self.url.clone(),
            problem: error.to_string(),
        };
        let mut response = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/timestamp-query")
            .header("Accept", "application/timestamp-reply")
            .send(request)
            .map_err(failed)?;
        let kind = response
            .headers()
            .get("Content-Type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !kind.starts_with("application/timestamp-reply") {
            return Err(TimestampError::Http {
                url: self.url.clone(),
                problem: format!("content type {kind:?}: expected application/timestamp-reply"),
            });
        }
        let limit = u64::try_from(limits::MAX_TOKEN_LENGTH).unwrap_or(u64::MAX);
        response
            .body_mut()
            .with_config()
            .limit(limit)
            .read_to_vec()
            .map_err(failed)
    }
}

impl TimestampAuthority for HttpAuthority {
    fn timestamp(&self, message: &[u8]) -> Result<Vec<u8>, TimestampError> {
        let mut nonce = [0; 16];
        rand_bytes(&mut nonce)
            .map_err(SignError::crypto("draw a nonce"))
            .map_err(TimestampError::Sign)?;
        let imprint = DigestAlgorithm::Sha256.digest(message);
        let answer = self.ask(&request::write(&imprint, &nonce))?;
        let token = token_of(&answer, &self.url)?;
        check_token_belongs(&token, message).map_err(|error| match error {
            AttachError::Signature(refusal) | AttachError::Timestamp(refusal) => {
                TimestampError::Refused(refusal)
            }
        })?;
        check_nonce(&token, &nonce)?;
        Ok(token)
    }
}

fn check_nonce(token: &[u8], nonce: &[u8]) -> Result<(), TimestampError> {
    let refused = |refusal| TimestampError::Refused(Box::new(refusal));
    let (_, content) = SignedData::token(token, &Memo::default()).map_err(refused)?;
    let info = TstInfo::from_der(content)
        .map_err(Refusal::format("timestamp"))
        .map_err(refused)?;
    let without_zeros = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).unwrap_or_default().to_vec()
    };
    match info.nonce {
        Some(found) if without_zeros(found) == without_zeros(nonce) => Ok(()),
        Some(_) => Err(TimestampError::Mismatch {
            problem: "another nonce",
        }),
        None => Err(TimestampError::Mismatch {
            problem: "no nonce",
        }),
    }
}
