//! What the library refuses, as the command lines say it.

use super::error::{CommandError, Kind};
use crate::package::{OpenError, VerifyError};
use crate::trust::{Check, LoadError, SignError, TimestampError};

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        let (code, hint) = (error.code(), error.hint().map(str::to_owned));
        Self::failed(error).code(code).maybe_hint(hint)
    }
}

impl From<VerifyError> for CommandError {
    fn from(error: VerifyError) -> Self {
        let kind = match &error {
            VerifyError::Refused(_) => Kind::NotTrusted,
            VerifyError::Cancelled => Kind::Interrupted(2),
            _ => Kind::Failed,
        };
        let failure = match &error {
            VerifyError::Refused(verdict) => verdict.first_failure().cloned(),
            _ => None,
        };
        let (code, hint) = (error.code().to_owned(), error.hint().map(str::to_owned));
        let refusal = Self::new(kind, error);
        let facts = failure.into_iter().flat_map(|check: Check| check.facts);
        facts
            .fold(refusal, |refusal, (name, value)| refusal.fact(name, value))
            .code(code)
            .maybe_hint(hint)
    }
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::failed(error)
            .attempting("cannot read what is trusted")
            .code(code)
            .maybe_hint(hint)
    }
}

impl From<SignError> for CommandError {
    fn from(error: SignError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::failed(error).code(code).maybe_hint(hint)
    }
}

impl From<TimestampError> for CommandError {
    fn from(error: TimestampError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::failed(error).code(code).maybe_hint(hint)
    }
}
