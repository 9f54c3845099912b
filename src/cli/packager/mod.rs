//! `isi_packager`: builds, signs, timestamps, shows and unpacks packages, as a vendor does.

mod attach_signature;
mod attach_timestamp;
mod create;
mod credentials;
mod dev_pki;
mod export;
mod extract;
mod open;
mod seal;
mod side_files;
mod sign;
mod timestamp;
mod verify;
mod view;

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
    // Boxed: its flags are by far the most.
    Create(Box<create::Args>),
    Sign(sign::Args),
    Timestamp(timestamp::Args),
    /// Write a package's manifest, for signing it elsewhere
    #[command(after_help = export::MANIFEST_HELP)]
    ExportManifest(export::Args),
    /// Write a package's signature, for checking or timestamping it elsewhere
    #[command(after_help = export::SIGNATURE_HELP)]
    ExportSignature(export::Args),
    /// Write a package's timestamp, for checking it elsewhere
    #[command(after_help = export::TIMESTAMP_HELP)]
    ExportTimestamp(export::Args),
    AttachSignature(attach_signature::Args),
    AttachTimestamp(attach_timestamp::Args),
    View(view::Args),
    Verify(verify::Args),
    Extract(extract::Args),
    DevPki(dev_pki::Args),
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
            Some(Command::Create(args)) => args.run(context),
            Some(Command::Sign(args)) => args.run(context),
            Some(Command::Timestamp(args)) => args.run(context),
            Some(Command::ExportManifest(args)) => args.run(export::Part::Manifest, context),
            Some(Command::ExportSignature(args)) => args.run(export::Part::Signature, context),
            Some(Command::ExportTimestamp(args)) => args.run(export::Part::Timestamp, context),
            Some(Command::AttachSignature(args)) => args.run(context),
            Some(Command::AttachTimestamp(args)) => args.run(context),
            Some(Command::View(args)) => args.run(context),
            Some(Command::Verify(args)) => args.run(context),
            Some(Command::Extract(args)) => args.run(context),
            Some(Command::DevPki(args)) => args.run(context),
            Some(Command::Generate(args)) => args.run::<Self>(context),
            None => Err(CommandError::usage("a command is needed").hint("isi_packager --help")),
        }
    }
}
