//! `isi upgrade bootenv`: the boot environments of a system.

mod activate;
mod check;
mod create;
mod destroy;
mod list;
mod mark_good;
mod mount;
mod select;
mod shown;

use super::catalog::follow;
use crate::cli::{CommandError, Context, Exit};
use crate::service::{Call, Management, ServiceError};

/// List, make, choose and remove boot environments
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "\
A boot environment is a whole root file system. One boots by default; one that is new is on trial:
when its tries are used up and nobody marked it good, the newest good one boots.

Examples:
  isi upgrade bootenv list
  isi upgrade bootenv create before-tuning
  isi upgrade bootenv activate before-tuning --next-boot-only";

#[derive(clap::Subcommand, Debug)]
enum Command {
    List(list::Args),
    Create(create::Args),
    Mount(mount::Args),
    Activate(activate::Args),
    MarkGood(mark_good::Args),
    Check(check::Args),
    Destroy(destroy::Args),
    Select(select::Args),
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        match self.command {
            Command::List(args) => args.run(context),
            Command::Create(args) => args.run(context),
            Command::Mount(args) => args.run(context),
            Command::Activate(args) => args.run(context),
            Command::MarkGood(args) => args.run(context),
            Command::Check(args) => args.run(context),
            Command::Destroy(args) => args.run(context),
            Command::Select(args) => args.run(context),
        }
    }
}

/// Calls the service, and shows its progress and what it warns of.
fn call<T>(
    context: &mut Context,
    work: impl FnOnce(&dyn Management, &Call<'_>) -> Result<T, ServiceError>,
) -> Result<T, CommandError> {
    follow(context, &mut |_, _| Ok(()), work)
}
