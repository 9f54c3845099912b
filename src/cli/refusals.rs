//! What the library refuses, as the command lines say it.

use super::error::{CommandError, EXISTS, Kind};
use crate::package::builder::BuildError;
use crate::package::{OpenError, SealPackageError, TreeError, VerifyError};
use crate::payload::PayloadError;
use crate::payload::lists::ListError;
use crate::payload::mtree::MtreeError;
use crate::service::ServiceError;
use crate::service::config::ConfigError;
use crate::trust::dev_pki::DevPkiError;
use crate::trust::{AttachError, LoadError, SignError, TimestampError, Verdict};

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        let (code, hint) = (error.code(), error.hint().map(str::to_owned));
        Self::failed(error).code(code).maybe_hint(hint)
    }
}

impl From<TreeError> for CommandError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Region(error) => error.into(),
            TreeError::Payload(error) => error.into(),
        }
    }
}

impl From<VerifyError> for CommandError {
    fn from(error: VerifyError) -> Self {
        let (code, hint) = (error.code().to_owned(), error.hint().map(str::to_owned));
        let refusal = match &error {
            VerifyError::Refused(verdict) => refused(verdict),
            VerifyError::Cancelled => Some(Self::new(Kind::Interrupted(2), "interrupted")),
            _ => None,
        };
        refusal
            .unwrap_or_else(|| Self::failed(error))
            .code(code)
            .maybe_hint(hint)
    }
}

impl From<ServiceError> for CommandError {
    fn from(error: ServiceError) -> Self {
        let (code, hint) = (error.code().to_owned(), error.hint());
        let exists = (code == "E_EXISTS").then(|| EXISTS.to_owned());
        let locked = (code == "E_LOCKED").then(|| LOCKED.to_owned());
        let refusal = error.verdict().and_then(refused);
        refusal
            .unwrap_or_else(|| Self::failed(error))
            .code(code)
            .maybe_hint(hint.or(exists))
            .maybe_hint(locked)
    }
}

/// What to do when others keep the catalog for long.
const LOCKED: &str = "to wait longer: --lock-timeout 5m";

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::failed(error)
            .attempting("cannot read the configuration")
            .code(code)
            .maybe_hint(hint)
    }
}

/// The first check that failed; that the package was refused is said by the exit code.
fn refused(verdict: &Verdict) -> Option<CommandError> {
    let failure = verdict.first_failure()?;
    let detail = failure
        .detail
        .clone()
        .unwrap_or_else(|| "refused".to_owned());
    let refusal = CommandError::new(Kind::NotTrusted, detail);
    let facts = failure.facts.iter();
    Some(facts.fold(refusal, |refusal, (name, value)| {
        refusal.fact(name.clone(), value)
    }))
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
        let (code, hint) = (error.code(), error.hint());
        Self::failed(error).code(code).maybe_hint(hint)
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

impl From<ListError> for CommandError {
    fn from(error: ListError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::failed(error).code(code).maybe_hint(hint)
    }
}

impl From<MtreeError> for CommandError {
    fn from(error: MtreeError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::failed(error).code(code).maybe_hint(hint)
    }
}
