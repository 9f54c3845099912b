use super::{bootenv, catalog, trust, verify_installed, work};
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
  isi upgrade start --install-image-path /ifs/install.isi
  isi upgrade view
  isi upgrade commit
  isi upgrade catalog list
  isi upgrade trust check";

#[derive(clap::Subcommand, Debug)]
enum Command {
    Start(work::start::Args),
    View(work::view::Args),
    History(work::history::Args),
    Assess(work::assess::Args),
    Pause(work::pause::Args),
    Resume(work::resume::Args),
    Resolve(work::resolve::Args),
    RetryLastAction(work::retry::Args),
    Commit(work::commit::Args),
    Rollback(work::rollback::Args),
    Archive(work::archive::Args),
    Catalog(catalog::Args),
    Trust(trust::Args),
    Bootenv(bootenv::Args),
    VerifyInstalled(verify_installed::Args),
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        match self.command {
            Command::Start(args) => args.run(context),
            Command::View(args) => args.run(context),
            Command::History(args) => args.run(context),
            Command::Assess(args) => args.run(context),
            Command::Pause(args) => args.run(context),
            Command::Resume(args) => args.run(context),
            Command::Resolve(args) => args.run(context),
            Command::RetryLastAction(args) => args.run(context),
            Command::Commit(args) => args.run(context),
            Command::Rollback(args) => args.run(context),
            Command::Archive(args) => args.run(context),
            Command::Catalog(args) => args.run(context),
            Command::Trust(args) => args.run(context),
            Command::Bootenv(args) => args.run(context),
            Command::VerifyInstalled(args) => args.run(context),
        }
    }
}
