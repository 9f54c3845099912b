use super::shown;
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::isi::catalog::call;
use crate::cli::{CommandError, Context, Exit};

/// Show where the upgrade of a system stands
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
States: committed, upgrading, upgraded, rolling back, error. The process is Not started, Running,
Pausing or Paused.

Examples:
  isi upgrade view
  isi upgrade view --jail web --format json";

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let target = self.target.target();
        let status = call(context, |service, call| service.upgrade_view(&target, call))
            .map_err(|error| error.attempting("cannot view the upgrade"))?;
        if self.output.is_json() {
            context.out.json(&status)?;
        } else {
            shown::status(&status, &mut context.out)?;
            shown::next(&status, context);
        }
        Ok(Exit::Done)
    }
}
