//! `isi_packager`: builds, signs, timestamps, shows and unpacks packages, as a vendor does.

mod export_manifest;
mod open;
mod verify;

use super::args::CommonArgs;
use super::generate::GenerateArgs;
use super::{CommandError, Context, Exit, Front};

/// Build, sign, timestamp, show, verify and unpack software packages
#[derive(clap::Parser, Debug)]
#[command(
    name = "isi_packager",
    disable_version_flag = true,
    arg_required_else_help = true
)]
#[command(after_help = EXAMPLES)]
pub struct IsiPackager {
    #[command(flatten)]
    common: CommonArgs,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    ExportManifest(export_manifest::Args),
    Verify(verify::Args),
    #[command(hide = true)]
    Generate(GenerateArgs),
}

const EXAMPLES: &str = "\
Examples:
  isi_packager dev-pki --dir try
  isi_packager create --tree ./files --type generic --name tools --version 1.0 \\
      --output tools.isi --key try/keys/signer.key --cert try/keys/signer.pem \\
      --tsa-key try/keys/tsa.key --tsa-cert try/keys/tsa.pem
  isi_packager view --package tools.isi
  isi_packager verify --package tools.isi --home try

Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 4 not trusted, 130 interrupted";

impl Front for IsiPackager {
    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        match self.command {
            Some(Command::ExportManifest(args)) => args.run(context),
            Some(Command::Verify(args)) => args.run(context),
            Some(Command::Generate(args)) => args.run::<Self>(context),
            None => Err(CommandError::usage("a command is needed").hint("isi_packager --help")),
        }
    }
}
