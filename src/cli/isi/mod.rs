//! `isi`: manages the system, as an operator does.

mod bootenv;
mod catalog;
mod config;
mod trust;
mod upgrade;
mod verify_installed;
mod work;

use super::args::{CommonArgs, InstallationArgs};
use super::generate::GenerateArgs;
use super::{CommandError, Context, Exit, Front};

/// Keep, show and install signed software packages
#[derive(clap::Parser, Debug)]
#[command(
    name = "isi",
    disable_version_flag = true,
    arg_required_else_help = true
)]
#[command(after_help = EXAMPLES)]
pub struct Isi {
    #[command(flatten)]
    common: CommonArgs,

    #[command(flatten)]
    installation: InstallationArgs,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Upgrade(upgrade::Args),
    Config(config::Args),
    #[command(hide = true)]
    Generate(GenerateArgs),
}

const EXAMPLES: &str = "\
Examples:
  isi upgrade catalog import /ifs/install.isi
  isi upgrade catalog list

Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 problems found, 4 not trusted,
130 interrupted";

impl Front for Isi {
    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        self.installation.apply(context);
        match self.command {
            Some(Command::Upgrade(args)) => args.run(context),
            Some(Command::Config(args)) => args.run(context),
            Some(Command::Generate(args)) => args.run::<Self>(context),
            None => Err(CommandError::usage("a command is needed").hint("isi --help")),
        }
    }
}
