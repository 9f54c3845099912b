//! Giving a package its signature and timestamp.

use std::path::Path;

use super::{credentials, open};
use crate::cli::args::{SigningArgs, TimestampingArgs};
use crate::cli::{CommandError, Context};
use crate::isi_file::Envelope;
use crate::manifest;
use crate::package::builder::BuildError;
use crate::package::{OpenError, Seal, SealPackageError, replace_seal};
use crate::trust::{Sign, TimestampAuthority};

/// Who will sign and who will timestamp, as far as anybody shall.
pub(super) struct Signing {
    signer: Option<Box<dyn Sign>>,
    authority: Option<Box<dyn TimestampAuthority>>,
}

impl Signing {
    /// Reads all keys and asks for all passphrases, before any work begins.
    pub(super) fn prepare(
        signing: &SigningArgs,
        timestamping: &TimestampingArgs,
        context: &Context,
    ) -> Result<Self, CommandError> {
        if timestamping.is_given() && !signing.is_given() {
            return Err(
                CommandError::usage("a timestamp needs a signature to be over")
                    .hint("give --key and --cert, too"),
            );
        }
        Ok(Self {
            signer: credentials::signer(signing, context)?,
            authority: credentials::authority(timestamping, context)?,
        })
    }

    /// Makes signature and timestamp; each is empty where nobody shall make it.
    pub(super) fn seal(&self, manifest: &[u8]) -> Result<Seal, CommandError> {
        let signature = match &self.signer {
            Some(signer) => signer
                .sign(manifest)
                .map_err(|error| CommandError::from(error).attempting("cannot sign the package"))?,
            None => Vec::new(),
        };
        let timestamp = match &self.authority {
            Some(authority) => timestamp(authority.as_ref(), &signature)?,
            None => Vec::new(),
        };
        Ok(Seal {
            signature,
            timestamp,
        })
    }
}

/// Has `signature` timestamped.
pub(super) fn timestamp(
    authority: &dyn TimestampAuthority,
    signature: &[u8],
) -> Result<Vec<u8>, CommandError> {
    authority
        .timestamp(signature)
        .map_err(|error| CommandError::from(error).attempting("cannot timestamp the package"))
}

/// The signature of a package, which it must have.
pub(super) fn existing(envelope: &Envelope, verb: &str) -> Result<Vec<u8>, CommandError> {
    if envelope.signature.is_empty() {
        return Err(CommandError::failed(format!(
            "the package is not signed: there is nothing to {verb}"
        ))
        .code("E_UNSIGNED")
        .hint("isi_packager sign --package FILE --key K --cert C"));
    }
    Ok(envelope.signature.clone())
}

/// Gives the package another seal, made from what it is; region 1 is not touched.
pub(super) fn replace(
    path: &Path,
    change: impl Fn(&Envelope) -> Result<Seal, CommandError>,
) -> Result<(), CommandError> {
    let change = |envelope: &Envelope| {
        // Nobody should put a name to a manifest that no reader accepts.
        let readable = manifest::decode(&envelope.manifest).map_err(OpenError::Manifest);
        readable.map_err(SealPackageError::Open)?;
        change(envelope).map_err(|error| SealPackageError::Change(Box::new(error)))
    };
    replace_seal(path, &change).map_err(|error| match error {
        SealPackageError::Change(inner) => match inner.downcast::<CommandError>() {
            Ok(own) => *own,
            Err(other) => CommandError::failed(other),
        },
        error => CommandError::from(error).attempting(open::attempt("seal", path)),
    })
}

/// The error of building a package, with the package's name.
pub(super) fn build_failed(error: BuildError, path: &Path, context: &Context) -> CommandError {
    if context.interrupt.raised() {
        return context.interrupt.error();
    }
    CommandError::from(error).attempting(open::attempt("create", path))
}
