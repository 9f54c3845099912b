//! RFC 3161 timestamps: our own reading and openssl's must agree, or there is no timestamp.
//!
//! # Threats met here
//!
//! - A token signed by a web server or by the package signer itself: openssl accepts both when the
//!   store's purpose is ANY, so this store has its own anchors and the purpose `TIMESTAMP_SIGN`, and the
//!   extended key usage is checked by us too.
//! - A token over something else, or over a SHA-1 that somebody prepared: the imprint is computed anew.
//! - A time that cannot be: in the future, or before the format existed.

use jiff::{SignedDuration, Timestamp};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::error::ErrorStack;

use super::certificate::Certificate;
use super::chain::{Anchors, Judge};
use super::cms::{self, SignedData, SignerInfo};
use super::key::{DigestAlgorithm, digest_name};
use super::profile::{self, Use};
use super::tst_info::TstInfo;
use super::{Refusal, TimestampSummary, ffi, limits};

/// A timestamp that verified.
#[derive(Debug)]
pub(super) struct VerifiedTimestamp {
    pub(super) summary: TimestampSummary,
    /// The authority's chain, its own certificate first.
    pub(super) chain: Vec<Certificate>,
}

/// Checks that `token` says when `message` was seen.
pub(super) fn verify(
    token: &[u8],
    message: &[u8],
    anchors: &Anchors,
    now: Timestamp,
) -> Result<VerifiedTimestamp, Refusal> {
    let (cms, content) = SignedData::token(token, &anchors.memo)?;
    let info = TstInfo::from_der(content).map_err(Refusal::format("timestamp"))?;
    check_imprint(&info, message)?;
    check_time(info.time, now)?;
    let problem = |problem| Refusal::TimestampSignature { problem };
    let signer = cms
        .signers
        .first()
        .ok_or(problem("expected exactly one signer"))?;
    let certificate = cms
        .certificate_of(signer)
        .ok_or_else(|| Refusal::Untrusted {
            subject: "the timestamp authority".to_owned(),
            problem: "its certificate is not in the token".to_owned(),
        })?;
    profile::check_time_stamping(std::slice::from_ref(certificate))?;
    check_binding(signer, certificate)?;
    cms::check_signer(signer, certificate, content).map_err(|refusal| match refusal {
        Refusal::Signature { problem } => Refusal::TimestampSignature { problem },
        other => other,
    })?;
    let chain = anchors.chain(certificate, &cms.certificates, Use::TimeStamping, info.time)?;
    profile::check_time_stamping(&chain)?;
    agree(token, message, anchors, info.time)
        .map_err(|_| problem("openssl does not accept what our own check accepted"))?;
    Ok(VerifiedTimestamp {
        summary: summary(&info, certificate),
        chain,
    })
}

/// Whether the token is over these bytes.
pub(super) fn check_imprint(info: &TstInfo<'_>, message: &[u8]) -> Result<(), Refusal> {
    let digest = DigestAlgorithm::from_oid(info.algorithm).ok_or_else(|| Refusal::WeakDigest {
        field: "messageImprint",
        found: digest_name(info.algorithm),
    })?;
    let expected = digest.digest(message);
    if expected == info.imprint {
        return Ok(());
    }
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    Err(Refusal::TimestampImprint {
        found: hex(info.imprint),
        expected: hex(&expected),
    })
}

fn check_time(time: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    let latest = now.saturating_add(SignedDuration::from_secs(limits::MAX_CLOCK_SKEW));
    let latest = latest.unwrap_or(Timestamp::MAX);
    let expected = if time > latest {
        format!("up to {latest}")
    } else if time < limits::EARLIEST_TIMESTAMP {
        format!("from {}", limits::EARLIEST_TIMESTAMP)
    } else {
        return Ok(());
    };
    Err(Refusal::TimestampTime { time, expected })
}

/// The signed attribute that names the authority's certificate must name the one used.
fn check_binding(signer: &SignerInfo<'_>, certificate: &Certificate) -> Result<(), Refusal> {
    let problem = |problem| Refusal::TimestampSignature { problem };
    let named = signer.signing_certificate.ok_or(problem(
        "the token does not say which certificate signed it",
    ))?;
    let hash = match named.algorithm {
        // The old form of the attribute has no other digest; nothing rests on it alone.
        None => data_encoding::HEXLOWER
            .decode(certificate.sha1().as_bytes())
            .unwrap_or_default(),
        Some(named) => DigestAlgorithm::from_oid(named)
            .ok_or_else(|| Refusal::WeakDigest {
                field: "signingCertificateV2",
                found: digest_name(named),
            })?
            .digest(&certificate.der),
    };
    if hash == named.hash {
        Ok(())
    } else {
        Err(problem(
            "the token names another certificate than it carries",
        ))
    }
}

/// Asks openssl twice: as a timestamp, and as a CMS.
fn agree(
    token: &[u8],
    message: &[u8],
    anchors: &Anchors,
    time: Timestamp,
) -> Result<(), ErrorStack> {
    let store = || anchors.store(Use::TimeStamping, Judge::At(time));
    ffi::timestamp_is_valid(token, message, store()?)?;
    CmsContentInfo::from_der(token)?.verify(None, Some(&*store()?), None, None, CMSOptions::BINARY)
}

pub(super) fn summary(info: &TstInfo<'_>, certificate: &Certificate) -> TimestampSummary {
    TimestampSummary {
        time: info.time,
        authority: certificate.subject.to_text(),
        issuer: certificate.issuer.to_text(),
        sha256: certificate.sha256(),
        serial: data_encoding::HEXLOWER.encode(info.serial),
        policy: info.policy.clone(),
        not_after: certificate.not_after,
    }
}
