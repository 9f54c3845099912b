use super::steps;
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::isi::catalog::follow;
use crate::cli::{CommandError, Context, Exit};

/// Do the step again that failed, and go on
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
For when the cause is removed: an upgrade, a commit or a rollback goes on where it failed.
Exit code 3: installed, with configuration that could not be merged (`isi upgrade resolve`).

Examples:
  isi upgrade retry-last-action";

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let (target, json) = (self.target.target(), self.output.is_json());
        let done = follow(
            context,
            &mut |event, out| steps::tell(event, json, out),
            |service, call| service.upgrade_retry(&target, call),
        );
        super::ended(done, "cannot go on", &target, json, context)
    }
}
