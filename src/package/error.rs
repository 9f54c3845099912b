use std::io;

use crate::fsio::FsError;
use crate::isi_file::ParseError;
use crate::manifest::ManifestError;
use crate::trust::{Check, CheckName, Verdict};

/// A file whose structure or manifest is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The container is invalid.
    #[error(transparent)]
    Container(ParseError),
    /// The manifest is invalid.
    #[error(transparent)]
    Manifest(ManifestError),
    /// The README is not the text it must be.
    #[error("the README is not UTF-8 from byte {valid_up_to} on")]
    Readme {
        /// Bytes before the first that is not UTF-8.
        valid_up_to: usize,
    },
    /// The file could not be read.
    #[error("cannot read the package")]
    Read(#[source] io::Error),
}

impl OpenError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Container(error) => error.code(),
            Self::Manifest(error) => error.code(),
            Self::Readme { .. } => "E_README",
            Self::Read(_) => "E_IO",
        }
    }

    /// What the person may do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Container(error) => error.hint(),
            Self::Manifest(error) => error.hint(),
            Self::Readme { .. } | Self::Read(_) => None,
        }
    }

    /// The refusal as a verdict of one row, for those who show verdicts.
    pub fn verdict(&self) -> Verdict {
        let check = Check::failed(CheckName::Structure, self.code(), self);
        Verdict::new(
            vec![check.hint(self.hint().map(str::to_owned))],
            Vec::new(),
            None,
        )
    }
}

/// A package that could not be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It was checked and is refused; the verdict says why.
    #[error("the package is refused: {}", reason(.0))]
    Refused(Box<Verdict>),
    /// It could not be read to the end.
    #[error("cannot read the package")]
    Read(#[source] io::Error),
    /// It could not be copied.
    #[error("cannot copy the package")]
    Copy(#[source] FsError),
    /// The caller wanted the work to stop.
    #[error("interrupted")]
    Cancelled,
}

fn reason(verdict: &Verdict) -> String {
    let detail = verdict
        .first_failure()
        .and_then(|check| check.detail.clone());
    detail.unwrap_or_else(|| "no check passed".to_owned())
}

impl VerifyError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(verdict) => verdict
                .first_failure()
                .and_then(|check| check.code.as_deref())
                .unwrap_or("E_REFUSED"),
            Self::Read(_) => "E_IO",
            Self::Copy(error) => error.code(),
            Self::Cancelled => "E_INTERRUPTED",
        }
    }

    /// What the person may do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused(verdict) => verdict
                .first_failure()
                .and_then(|check| check.hint.as_deref()),
            Self::Read(_) | Self::Copy(_) | Self::Cancelled => None,
        }
    }
}

impl From<OpenError> for VerifyError {
    /// A refusal of structure is a verdict like any other; trouble with reading stays trouble.
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Read(source) => Self::Read(source),
            refusal => Self::Refused(Box::new(refusal.verdict())),
        }
    }
}
