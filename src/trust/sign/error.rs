use openssl::error::ErrorStack;

/// A signature that was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The cryptographic library refused.
    #[error("cannot {operation}")]
    Crypto {
        /// What was attempted, as in "cannot ...".
        operation: &'static str,
        /// Why it failed.
        source: ErrorStack,
    },
}

impl SignError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Crypto { .. } => "E_CRYPTO",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        None
    }
}

/// A timestamp that was not obtained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// The authority's own signature could not be made.
    #[error("cannot sign the timestamp")]
    Sign(#[source] SignError),
}

impl TimestampError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sign(error) => error.code(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Sign(error) => error.hint(),
        }
    }
}
