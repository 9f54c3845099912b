use super::{bootenv, catalog, trust};
use crate::cli::{CommandError, Context, Exit};

/// Upgrade the system, and keep the packages for it
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  isi upgrade catalog list
  isi upgrade trust check";

#[derive(clap::Subcommand, Debug)]
enum Command {
    Catalog(catalog::Args),
    Trust(trust::Args),
    Bootenv(bootenv::Args),
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        match self.command {
            Command::Catalog(args) => args.run(context),
            Command::Trust(args) => args.run(context),
            Command::Bootenv(args) => args.run(context),
        }
    }
}
