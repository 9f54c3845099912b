//! Opening packages, and what is said when that fails.

use std::fs::File;
use std::path::Path;

use crate::cli::args::TrustArgs;
use crate::cli::{CommandError, Context};
use crate::fsio;
use crate::package::{Hashing, Package, Unverified, Verified, VerifyError, VerifyRequest};
use crate::progress::Progress;

/// Opens a regular file.
pub(super) fn regular(path: &Path) -> Result<File, CommandError> {
    fsio::open_regular(path).map_err(CommandError::from)
}

/// Opens a package without believing it anything.
pub(super) fn package(path: &Path) -> Result<Package<Unverified>, CommandError> {
    Package::open(regular(path)?)
        .map_err(|error| CommandError::from(error).attempting(attempt("read", path)))
}

/// Opens a package and verifies it, or says why it is not trusted.
pub(super) fn verified(
    path: &Path,
    trust: &TrustArgs,
    progress: &dyn Progress,
    context: &Context,
) -> Result<Package<Verified>, CommandError> {
    let store = trust.load(context)?;
    let request = VerifyRequest {
        now: trust.time(context),
        hashing: Hashing::Chunks,
        unsigned: trust.allow_unsigned.as_deref(),
        progress,
    };
    package(path)?
        .verify(&store, &request)
        .map_err(|error| failed("verify", path, error, context))
}

/// The error of a verification, with the package's name.
pub(super) fn failed(
    verb: &str,
    path: &Path,
    error: VerifyError,
    context: &Context,
) -> CommandError {
    match error {
        VerifyError::Cancelled => context.interrupt.error(),
        error => CommandError::from(error).attempting(attempt(verb, path)),
    }
}

pub(super) fn attempt(verb: &str, path: &Path) -> String {
    format!("cannot {verb} package {}", path.display())
}
