use std::path::PathBuf;

use super::side_files::SideFileArgs;
use super::{credentials, seal};
use crate::cli::args::TimestampingArgs;
use crate::cli::{CommandError, Context, Exit};
use crate::package::Seal;

/// Timestamp a package's signature; the payload is not touched
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
#[command(group = clap::ArgGroup::new("authority").required(true).args(["tsa_url", "tsa_key"]))]
pub(super) struct Args {
    /// The package, signed
    #[arg(long, short, value_name = "FILE")]
    package: PathBuf,

    #[command(flatten)]
    timestamping: TimestampingArgs,

    #[command(flatten)]
    side_files: SideFileArgs,
}

const HELP: &str = "\
The timestamp proves that the signature existed while the signer's certificate was valid, so that
the package stays usable when the certificate is not.

Examples:
  isi_packager timestamp --package tools.isi --tsa-url http://timestamp.example/tsr
  isi_packager timestamp --package tools.isi --tsa-key tsa.key --tsa-cert tsa.pem";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let side_files = self.side_files.prepare(&self.package, context)?;
        let authority = credentials::authority(&self.timestamping, context)?
            .ok_or_else(|| CommandError::usage("there is no timestamp authority"))?;
        seal::replace(&self.package, |envelope| {
            let signature = seal::existing(envelope, "timestamp")?;
            Ok(Seal {
                timestamp: seal::timestamp(authority.as_ref(), &signature)?,
                signature,
            })
        })?;
        side_files.refresh(context)?;
        context
            .out
            .note(&format!("timestamped {}", self.package.display()));
        Ok(Exit::Done)
    }
}
