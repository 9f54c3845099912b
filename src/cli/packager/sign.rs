use std::path::PathBuf;

use super::credentials;
use super::seal::{self, Signing};
use super::side_files::SideFileArgs;
use crate::cli::args::{SigningArgs, TimestampingArgs};
use crate::cli::{CommandError, Context, Exit};
use crate::package::Seal;
use crate::trust::append_signature;

/// Sign a package; the payload is not touched
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
#[command(group = clap::ArgGroup::new("signer").required(true).args(["key", "signer_command"]))]
pub(super) struct Args {
    /// The package
    #[arg(long, short, value_name = "FILE")]
    package: PathBuf,

    /// Add a signer to those who have signed, instead of replacing them
    #[arg(long, conflicts_with = "signer_command")]
    append: bool,

    #[command(flatten)]
    signing: SigningArgs,

    #[command(flatten)]
    timestamping: TimestampingArgs,

    #[command(flatten)]
    side_files: SideFileArgs,
}

const HELP: &str = "\
A timestamp covers the signatures as they were, so it is removed: timestamp the package last, or
at once with the timestamp options.

Examples:
  isi_packager sign --package tools.isi --key signer.key --cert signer.pem
  isi_packager sign --package tools.isi --key second.key --cert second.pem --append
  isi_packager sign --package tools.isi --key signer.key --cert signer.pem \\
      --passphrase-fd 3 3<passphrase.txt
  isi_packager sign --package tools.isi --signer-command 'openssl cms -sign -binary \\
      -outform DER -md sha256 -signer signer.pem -inkey signer.key'";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let side_files = self.side_files.prepare(&self.package, context)?;
        if self.append {
            self.append(context)?;
        } else {
            let signing = Signing::prepare(&self.signing, &self.timestamping, context)?;
            seal::replace(&self.package, |envelope| signing.seal(&envelope.manifest))?;
        }
        side_files.refresh(context)?;
        context
            .out
            .note(&format!("signed {}", self.package.display()));
        Ok(Exit::Done)
    }

    fn append(&self, context: &Context) -> Result<(), CommandError> {
        let signer = credentials::key_signer(&self.signing, context)?
            .ok_or_else(|| CommandError::usage("--append needs --key and --cert"))?;
        let authority = credentials::authority(&self.timestamping, context)?;
        seal::replace(&self.package, |envelope| {
            let signature = append_signature(&envelope.signature, &envelope.manifest, &signer)
                .map_err(|error| {
                    CommandError::from(error).attempting("cannot add a signature to the package")
                })?;
            let timestamp = match &authority {
                Some(authority) => seal::timestamp(authority.as_ref(), &signature)?,
                None => Vec::new(),
            };
            Ok(Seal {
                signature,
                timestamp,
            })
        })
    }
}
