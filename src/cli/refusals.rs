//! What the library refuses, as the command lines say it.

use super::error::{CommandError, Kind};
use crate::package::build::BuildError;
use crate::package::{OpenError, SealPackageError, VerifyError};
use crate::payload::PayloadError;
use crate::service::ServiceError;
use crate::trust::dev_pki::DevPkiError;
use crate::trust::{AttachError, Check, LoadError, SignError, TimestampError};

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
        with_facts(refusal, failure.as_ref())
            .code(code)
            .maybe_hint(hint)
    }
}

impl From<ServiceError> for CommandError {
    fn from(error: ServiceError) -> Self {
        let failure = error
            .verdict()
            .map(|verdict| verdict.first_failure().cloned());
        let kind = if failure.is_some() {
            Kind::NotTrusted
        } else {
            Kind::Failed
        };
        let (code, hint) = (error.code().to_owned(), error.hint());
        with_facts(Self::new(kind, error), failure.flatten().as_ref())
            .code(code)
            .maybe_hint(hint)
    }
}

/// Adds what the check that failed expected and found.
fn with_facts(error: CommandError, failure: Option<&Check>) -> CommandError {
    let facts = failure.into_iter().flat_map(|check| &check.facts);
    facts.fold(error, |error, (name, value)| {
        error.fact(name.clone(), value)
    })
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        let code = error.code();
        let hint = error.hint().or_else(|| match &error {
            LoadError::Missing { .. } => Some(
                "name a home with --home DIR; isi_packager dev-pki makes one for trying things out"
                    .to_owned(),
            ),
            _ => None,
        });
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

impl From<AttachError> for CommandError {
    fn from(error: AttachError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::failed(error).code(code).maybe_hint(hint)
    }
}

impl From<BuildError> for CommandError {
    fn from(error: BuildError) -> Self {
        let code = error.code();
        Self::failed(error).code(code)
    }
}

impl From<SealPackageError> for CommandError {
    fn from(error: SealPackageError) -> Self {
        let code = error.code();
        Self::failed(error).code(code)
    }
}

impl From<DevPkiError> for CommandError {
    fn from(error: DevPkiError) -> Self {
        let code = error.code();
        Self::failed(error)
            .attempting("cannot make a development PKI")
            .code(code)
    }
}

impl From<PayloadError> for CommandError {
    fn from(error: PayloadError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::failed(error).code(code).maybe_hint(hint)
    }
}
