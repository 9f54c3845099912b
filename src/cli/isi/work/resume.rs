use super::steps;
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::isi::catalog::follow;
use crate::cli::{CommandError, Context, Exit};

/// Go on with an upgrade that was paused or interrupted
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
A step that was begun and not done is done again; what changes the new root begins with an empty one.
Exit code 3: installed, with configuration that could not be merged (`isi upgrade resolve`).

Examples:
  isi upgrade resume
  isi upgrade resume --format json";

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let (target, json) = (self.target.target(), self.output.is_json());
        let done = follow(
            context,
            &mut |event, out| steps::tell(event, json, out),
            |service, call| service.upgrade_resume(&target, call),
        );
        super::ended(done, "cannot go on", &target, json, context)
    }
}
