use std::path::PathBuf;

use super::seal;
use super::side_files::SideFileArgs;
use crate::cli::{CommandError, Context, Exit};
use crate::fsio;
use crate::limits;
use crate::package::Seal;
use crate::trust::{check_token_belongs, token_from_der};

/// Give a package a timestamp that was made elsewhere
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// The package, signed
    #[arg(long, short, value_name = "FILE")]
    package: PathBuf,

    /// The timestamp over its signature: a token or an authority's whole answer, DER
    #[arg(long, short, value_name = "FILE")]
    token: PathBuf,

    #[command(flatten)]
    side_files: SideFileArgs,
}

const HELP: &str = "\
Refuses a timestamp over anything else. Whether the authority is trusted is left to verify.

Examples:
  isi_packager export-signature --package tools.isi --output tools.cms
  openssl ts -query -data tools.cms -sha256 -cert -out tools.tsq
  curl -H 'Content-Type: application/timestamp-query' --data-binary @tools.tsq \\
      -o tools.tsr http://timestamp.example/tsr
  isi_packager attach-timestamp --package tools.isi --token tools.tsr";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let side_files = self.side_files.prepare(&self.package, context)?;
        let refused = |error: CommandError| {
            error.attempting(format!("cannot attach {}", self.token.display()))
        };
        let answer = fsio::read_bounded(&self.token, limits::MAX_TIMESTAMP)?;
        let token = token_from_der(&answer).map_err(|error| refused(error.into()))?;
        seal::replace(&self.package, |envelope| {
            let signature = seal::existing(envelope, "timestamp")?;
            check_token_belongs(&token, &signature).map_err(|error| refused(error.into()))?;
            Ok(Seal {
                signature,
                timestamp: token.clone(),
            })
        })?;
        side_files.refresh(context)?;
        context
            .out
            .note(&format!("timestamped {}", self.package.display()));
        Ok(Exit::Done)
    }
}
