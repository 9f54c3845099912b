use super::shown;
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::isi::catalog::call;
use crate::cli::{CommandError, Context, Exit};

/// Let an upgrade stop before its next step
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
The process that does the steps ends with 1 and says how to go on.

Examples:
  isi upgrade pause";

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let target = self.target.target();
        let status = call(context, |service, call| {
            service.upgrade_pause(&target, call)
        })
        .map_err(|error| error.attempting("cannot pause"))?;
        if self.output.is_json() {
            context.out.json(&status)?;
        } else {
            shown::next(&status, context);
        }
        Ok(Exit::Done)
    }
}
