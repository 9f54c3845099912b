//! Who signs and who timestamps, from the flags that name their keys.

use std::path::Path;

use crate::cli::args::{SigningArgs, TimestampingArgs};
use crate::cli::{CommandError, Context, prompt};
use crate::trust::{
    CommandSigner, Credential, DetachedKey, HttpAuthority, KeySigner, LocalAuthority, Passphrase,
    Sign, SignError, TimestampAuthority,
};

/// The signer that the flags name, if they name one.
pub(super) fn signer(
    arguments: &SigningArgs,
    context: &Context,
) -> Result<Option<Box<dyn Sign>>, CommandError> {
    if let Some(command) = &arguments.signer_command {
        return Ok(Some(Box::new(CommandSigner::parse(command)?)));
    }
    let signer = key_signer(arguments, context)?;
    Ok(signer.map(|signer| -> Box<dyn Sign> { Box::new(signer) }))
}

/// The signer whose key the flags name.
pub(super) fn key_signer(
    arguments: &SigningArgs,
    context: &Context,
) -> Result<Option<KeySigner>, CommandError> {
    let (Some(key), Some(cert)) = (&arguments.key, &arguments.cert) else {
        return Ok(None);
    };
    let from = (arguments.passphrase_fd, "--passphrase-fd");
    let credential = unlocked(context, key, from, |passphrase| {
        Credential::load(key, cert, arguments.chain.as_deref(), passphrase)
    })?;
    let signer = KeySigner::new(credential)
        .map_err(|error| CommandError::from(error).attempting(cannot_use(cert)))?;
    Ok(Some(signer))
}

/// The timestamp authority that the flags name, if they name one.
pub(super) fn authority(
    arguments: &TimestampingArgs,
    context: &Context,
) -> Result<Option<Box<dyn TimestampAuthority>>, CommandError> {
    if let Some(url) = &arguments.tsa_url {
        return Ok(Some(Box::new(HttpAuthority::new(url)?)));
    }
    let (Some(key), Some(cert)) = (&arguments.tsa_key, &arguments.tsa_cert) else {
        return Ok(None);
    };
    let from = (arguments.tsa_passphrase_fd, "--tsa-passphrase-fd");
    let credential = unlocked(context, key, from, |passphrase| {
        Credential::load(key, cert, arguments.tsa_chain.as_deref(), passphrase)
    })?;
    let authority = LocalAuthority::new(credential, context.now)
        .map_err(|error| CommandError::from(error).attempting(cannot_use(cert)))?;
    Ok(Some(Box::new(authority)))
}

/// The key of a detached signature.
pub(super) fn detached_key(
    key: &Path,
    descriptor: Option<u32>,
    context: &Context,
) -> Result<DetachedKey, CommandError> {
    let from = (descriptor, "--cosign-passphrase-fd");
    unlocked(context, key, from, |passphrase| {
        DetachedKey::load(key, passphrase)
    })
}

/// Loads a key, asking for its passphrase only if it has one.
fn unlocked<T>(
    context: &Context,
    key: &Path,
    (descriptor, flag): (Option<u32>, &'static str),
    load: impl FnOnce(Passphrase<'_>) -> Result<T, SignError>,
) -> Result<T, CommandError> {
    let mut trouble = None;
    let loaded = load(
        &mut || match prompt::passphrase(context, key, descriptor, flag) {
            Ok(passphrase) => Some(passphrase.into_bytes()),
            Err(error) => {
                trouble = Some(error);
                None
            }
        },
    );
    match trouble {
        Some(error) => Err(error),
        None => loaded.map_err(|error| CommandError::from(error).attempting(cannot_use(key))),
    }
}

fn cannot_use(path: &Path) -> String {
    format!("cannot use {}", path.display())
}
