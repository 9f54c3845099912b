use std::path::PathBuf;

use super::seal;
use super::side_files::SideFileArgs;
use crate::cli::{CommandError, Context, Exit};
use crate::fsio;
use crate::limits;
use crate::package::Seal;
use crate::trust::check_signature_belongs;

/// Give a package a signature that was made elsewhere
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// The package
    #[arg(long, short, value_name = "FILE")]
    package: PathBuf,

    /// The signature over its manifest: detached CMS, DER, with the signer's certificate
    #[arg(long, short, value_name = "FILE")]
    signature: PathBuf,

    #[command(flatten)]
    side_files: SideFileArgs,
}

const HELP: &str = "\
Refuses a signature over anything else. Whether the signer is trusted is left to verify.

Examples:
  isi_packager export-manifest --package tools.isi --output tools.manifest
  isi_packager attach-signature --package tools.isi --signature tools.cms";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let side_files = self.side_files.prepare(&self.package, context)?;
        let signature = fsio::read_bounded(&self.signature, limits::MAX_SIGNATURE)?;
        seal::replace(&self.package, |envelope| {
            check_signature_belongs(&signature, &envelope.manifest).map_err(|error| {
                let attempt = format!("cannot attach {}", self.signature.display());
                CommandError::from(error).attempting(attempt)
            })?;
            Ok(Seal {
                signature: signature.clone(),
                timestamp: Vec::new(),
            })
        })?;
        side_files.refresh(context)?;
        context
            .out
            .note(&format!("signed {}", self.package.display()));
        Ok(Exit::Done)
    }
}
