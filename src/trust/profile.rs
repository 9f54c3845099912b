//! What a certificate must be to be used here, beyond what openssl asks for.
//!
//! openssl with purpose ANY, strict checks and level 2 still accepts version 1 certificates, a serial of
//! zero, signers that are authorities, and any extended key usage. These rules close that.

use super::certificate::Certificate;
use super::der::oid;
use super::key::KeyFault;
use super::{Refusal, limits};

/// The two things chains are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Signing packages.
    CodeSigning,
    /// Signing timestamps.
    TimeStamping,
}

impl Use {
    pub(super) fn minimum_rsa_bits(self) -> usize {
        match self {
            Self::CodeSigning => limits::MIN_RSA_BITS,
            Self::TimeStamping => limits::MIN_TSA_RSA_BITS,
        }
    }

    fn purpose(self) -> &'static [u8] {
        match self {
            Self::CodeSigning => oid::CODE_SIGNING,
            Self::TimeStamping => oid::TIME_STAMPING,
        }
    }
}

/// Checks every certificate of a chain, signer first.
pub(super) fn check_chain(chain: &[Certificate], wanted: Use) -> Result<(), Refusal> {
    for (index, certificate) in chain.iter().enumerate() {
        check_form(certificate, wanted)?;
        if index == 0 && certificate.is_ca {
            return Err(broken(
                certificate,
                "an authority may not sign itself what it certifies others for (cA is true)",
            ));
        }
        if index > 0 && !certificate.is_ca {
            return Err(broken(
                certificate,
                "an issuer must be an authority (cA is not true)",
            ));
        }
        // The anchor's own signature proves nothing and is not relied on.
        if index + 1 < chain.len() {
            check_signature_algorithm(certificate)?;
        }
    }
    Ok(())
}

/// Checks what can be said of a signer certificate alone.
pub(super) fn check_signer(certificate: &Certificate, wanted: Use) -> Result<(), Refusal> {
    check_form(certificate, wanted)?;
    if certificate.is_ca {
        return Err(broken(
            certificate,
            "an authority may not sign itself what it certifies others for (cA is true)",
        ));
    }
    check_signature_algorithm(certificate)
}

fn check_form(certificate: &Certificate, wanted: Use) -> Result<(), Refusal> {
    if certificate.version != 2 {
        return Err(broken(certificate, "expected version 3"));
    }
    let serial = certificate.serial.as_slice();
    // One byte more is the sign of a number whose first bit is set.
    let length = serial.strip_prefix(&[0]).unwrap_or(serial).len();
    if matches!(serial, [0] | [0x80..=0xff, ..]) || length > limits::MAX_SERIAL_LENGTH {
        return Err(broken(
            certificate,
            "expected a positive serial number of at most 20 bytes",
        ));
    }
    let minimum = wanted.minimum_rsa_bits();
    let subject = || certificate.subject.to_text();
    let found = || certificate.key.to_string();
    certificate.key.check(minimum).map_err(|fault| match fault {
        KeyFault::Unsupported => Refusal::KeyType {
            subject: subject(),
            found: found(),
        },
        KeyFault::TooShort { minimum } => Refusal::WeakKey {
            subject: subject(),
            found: found(),
            minimum,
        },
        KeyFault::TooLong => Refusal::KeySize {
            subject: subject(),
            found: found(),
        },
    })
}

fn check_signature_algorithm(certificate: &Certificate) -> Result<(), Refusal> {
    match certificate.signature_algorithm.as_slice() {
        oid::RSA_SHA256
        | oid::RSA_SHA384
        | oid::RSA_SHA512
        | oid::ECDSA_SHA256
        | oid::ECDSA_SHA384
        | oid::ECDSA_SHA512 => Ok(()),
        other => Err(broken(
            certificate,
            &format!(
                "signed with algorithm {}, expected RSA PKCS #1 v1.5 or ECDSA with SHA-256, SHA-384 or SHA-512",
                oid::dotted(other)
            ),
        )),
    }
}

/// Checks what the certificates of a package signer may be used for, signer first.
pub(super) fn check_code_signing(chain: &[Certificate]) -> Result<(), Refusal> {
    let Some((signer, issuers)) = chain.split_first() else {
        return Ok(());
    };
    let allowed = signer.extended_key_usage.as_ref().is_some_and(|usage| {
        usage.allows(oid::CODE_SIGNING)
            && !usage.allows(oid::ANY_PURPOSE)
            && !usage.allows(oid::TIME_STAMPING)
    });
    if !allowed {
        return Err(Refusal::ExtendedKeyUsage {
            subject: signer.subject.to_text(),
            expected: "expected codeSigning, and neither timeStamping nor anyExtendedKeyUsage",
            found: purposes(signer),
        });
    }
    if let Some(usage) = signer.key_usage
        && !usage.digital_signature()
    {
        return Err(Refusal::KeyUsage {
            subject: signer.subject.to_text(),
            expected: "digitalSignature",
            found: usage.names(),
        });
    }
    check_issuers(issuers, Use::CodeSigning)
}

/// Checks what the certificates of a timestamp authority may be used for, signer first.
pub(super) fn check_time_stamping(chain: &[Certificate]) -> Result<(), Refusal> {
    let Some((signer, issuers)) = chain.split_first() else {
        return Ok(());
    };
    let alone = signer
        .extended_key_usage
        .as_ref()
        .is_some_and(|usage| usage.critical && usage.purposes == [oid::TIME_STAMPING]);
    if !alone {
        return Err(Refusal::TimestampExtendedKeyUsage {
            subject: signer.subject.to_text(),
            found: purposes(signer),
        });
    }
    if let Some(usage) = signer.key_usage
        && (usage.has_more_than_signing()
            || !(usage.digital_signature() || usage.content_commitment()))
    {
        return Err(Refusal::KeyUsage {
            subject: signer.subject.to_text(),
            expected: "digitalSignature or contentCommitment alone",
            found: usage.names(),
        });
    }
    check_issuers(issuers, Use::TimeStamping)
}

/// An authority that is limited to purposes must be allowed this one.
fn check_issuers(issuers: &[Certificate], wanted: Use) -> Result<(), Refusal> {
    for issuer in issuers {
        if let Some(usage) = &issuer.extended_key_usage
            && !usage.allows(wanted.purpose())
            && !usage.allows(oid::ANY_PURPOSE)
        {
            return Err(Refusal::ExtendedKeyUsage {
                subject: issuer.subject.to_text(),
                expected: match wanted {
                    Use::CodeSigning => {
                        "expected none, codeSigning or anyExtendedKeyUsage for an authority"
                    }
                    Use::TimeStamping => {
                        "expected none, timeStamping or anyExtendedKeyUsage for an authority"
                    }
                },
                found: purposes(issuer),
            });
        }
        if let Some(usage) = issuer.key_usage
            && !usage.key_cert_sign()
        {
            return Err(Refusal::KeyUsage {
                subject: issuer.subject.to_text(),
                expected: "keyCertSign",
                found: usage.names(),
            });
        }
    }
    Ok(())
}

fn purposes(certificate: &Certificate) -> String {
    match &certificate.extended_key_usage {
        None => "absent".to_owned(),
        Some(usage) => {
            let critical = if usage.critical { " (critical)" } else { "" };
            format!("{}{critical}", usage.names().join(", "))
        }
    }
}

fn broken(certificate: &Certificate, problem: &str) -> Refusal {
    Refusal::CertificateProfile {
        subject: certificate.subject.to_text(),
        problem: problem.to_owned(),
    }
}
