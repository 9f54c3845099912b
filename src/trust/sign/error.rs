use std::path::PathBuf;
use std::time::Duration;

use openssl::error::ErrorStack;

use crate::fsio::FsError;

use super::super::{KeyError, Refusal};

/// A signature that was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// A key or certificate file cannot be read.
    #[error("cannot read the signer's files")]
    File(#[source] FsError),
    /// A file holds no private key.
    #[error("no private key: expected PEM, or PKCS #8 in DER")]
    NoKey,
    /// The private key does not open with the passphrase.
    #[error("the private key does not open: wrong passphrase, or a damaged key")]
    Locked {
        /// Why it failed.
        source: ErrorStack,
    },
    /// The private key is locked and there is no passphrase.
    #[error("the private key is locked and no passphrase was given")]
    NoPassphrase,
    /// A file holds no certificate.
    #[error("no certificate in {part}: expected PEM")]
    NoCertificate {
        /// Which input.
        part: &'static str,
    },
    /// A certificate that cannot be read.
    #[error("certificate in {part}")]
    Certificate {
        /// Which input.
        part: &'static str,
        /// What is wrong with it.
        source: Box<Refusal>,
    },
    /// The key is not the certificate's.
    #[error("the private key does not belong to the certificate of {subject}")]
    KeyMismatch {
        /// Subject of the certificate.
        subject: String,
    },
    /// A key of a kind that is not supported.
    #[error("private key")]
    Key(#[source] KeyError),
    /// Verification would refuse what this certificate signs.
    #[error("verification would refuse this certificate")]
    Unfit(#[source] Box<Refusal>),
    /// The existing signature cannot be added to.
    #[error("the existing signature cannot be added to")]
    Existing(#[source] Box<Refusal>),
    /// The signer has already signed.
    #[error("{subject} has signed already")]
    AlreadySigned {
        /// Subject of the signer's certificate.
        subject: String,
    },
    /// More signers than a package may have.
    #[error("{found} signers: expected at most {limit}")]
    TooManySigners {
        /// How many there would be.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The cryptographic library refused.
    #[error("cannot {operation}")]
    Crypto {
        /// What was attempted, as in "cannot ...".
        operation: &'static str,
        /// Why it failed.
        source: ErrorStack,
    },
    /// The outside signer is not a command.
    #[error("signer command {command:?}: {problem}")]
    Command {
        /// The command as given.
        command: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The outside signer could not be started or spoken to.
    #[error("cannot {operation} {}", program.display())]
    Program {
        /// What was attempted, as in "cannot ...".
        operation: &'static str,
        /// The program.
        program: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The outside signer said that it failed.
    #[error("{} failed with {status}: {said}", program.display())]
    ProgramFailed {
        /// The program.
        program: PathBuf,
        /// Its exit status.
        status: String,
        /// The beginning of what it said, escaped.
        said: String,
    },
    /// The outside signer took too long.
    #[error("{} did not answer within {} seconds", program.display(), limit.as_secs())]
    ProgramTimeout {
        /// The program.
        program: PathBuf,
        /// How long it had.
        limit: Duration,
    },
    /// The outside signer wrote more than a signature can have.
    #[error("{} wrote more than {limit} bytes", program.display())]
    ProgramOutput {
        /// The program.
        program: PathBuf,
        /// The most a signature may have, in bytes.
        limit: usize,
    },
    /// The outside signer wrote something else than a signature over the content.
    #[error("what the outside signer wrote is no signature over this package")]
    Foreign(#[source] Box<Refusal>),
}

impl SignError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File(error) => error.code(),
            Self::NoKey | Self::Locked { .. } => "E_KEY",
            Self::NoPassphrase => "E_KEY_LOCKED",
            Self::NoCertificate { .. } => "E_CERTIFICATE",
            Self::Certificate { source, .. } => source.code(),
            Self::KeyMismatch { .. } => "E_KEY_MISMATCH",
            Self::Key(error) => error.code(),
            Self::Unfit(refusal) | Self::Existing(refusal) | Self::Foreign(refusal) => {
                refusal.code()
            }
            Self::AlreadySigned { .. } => "E_ALREADY_SIGNED",
            Self::TooManySigners { .. } => "E_TOO_MANY",
            Self::Crypto { .. } => "E_CRYPTO",
            Self::Command { .. } => "E_SIGNER_COMMAND",
            Self::Program { .. } | Self::ProgramFailed { .. } => "E_SIGNER_PROGRAM",
            Self::ProgramTimeout { .. } => "E_SIGNER_TIMEOUT",
            Self::ProgramOutput { .. } => "E_TOO_LARGE",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Certificate { source, .. } => source.hint(),
            Self::Unfit(refusal) | Self::Existing(refusal) | Self::Foreign(refusal) => {
                refusal.hint()
            }
            Self::KeyMismatch { .. } => Some(
                "the first certificate of the file must be the signer's own, its issuers after it"
                    .to_owned(),
            ),
            Self::Key(KeyError::Unsupported { .. }) => {
                Some("sign with an ECDSA P-256 or P-384 key or RSA of 3072 bits or more".to_owned())
            }
            Self::Command { .. } => Some(
                "the command is cut into words at spaces, with quotes and backslashes, and no shell reads it"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// Wraps an error of the cryptographic library; use with `map_err`.
    pub(in crate::trust) fn crypto(operation: &'static str) -> impl FnOnce(ErrorStack) -> Self {
        move |source| Self::Crypto { operation, source }
    }
}

/// A timestamp that was not obtained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// The authority's own signature could not be made.
    #[error("cannot sign the timestamp")]
    Sign(#[source] SignError),
    /// The address is not `http://` or `https://`.
    #[error("{url:?} is no address of a timestamp authority: expected http:// or https://")]
    Url {
        /// The address as given.
        url: String,
    },
    /// The authority could not be reached, or its answer was no success.
    #[error("cannot get a timestamp from {url}: {problem}")]
    Http {
        /// The address.
        url: String,
        /// What went wrong.
        problem: String,
    },
    /// The authority refused.
    #[error("{url} refused: status {status}{}", reason.as_ref().map_or_else(String::new, |reason| format!(", {reason}")))]
    Rejected {
        /// The address, or "the answer".
        url: String,
        /// The status of the answer (RFC 3161, section 2.4.2).
        status: u8,
        /// The text of the answer, escaped.
        reason: Option<String>,
    },
    /// The answer is not one to our request.
    #[error("the timestamp does not answer the request: {problem}")]
    Mismatch {
        /// What differs.
        problem: &'static str,
    },
    /// The answer is no timestamp, or over something else.
    #[error("the timestamp cannot be used")]
    Refused(#[source] Box<Refusal>),
}

impl TimestampError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sign(error) => error.code(),
            Self::Url { .. } => "E_TSA_URL",
            Self::Http { .. } => "E_TSA_HTTP",
            Self::Rejected { .. } => "E_TSA_REJECTED",
            Self::Mismatch { .. } => "E_TSA_MISMATCH",
            Self::Refused(refusal) => refusal.code(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Sign(error) => error.hint(),
            Self::Refused(refusal) => refusal.hint(),
            _ => None,
        }
    }
}
