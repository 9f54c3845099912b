use super::call;
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::{CommandError, Context, Exit};

/// Choose the boot environment to boot now, and take one of its tries
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
For who starts a system, as an initial RAM disk or a container manager does: prints the root
directory to start from, which `current` in the system's directory then leads to. Where nothing
may be booted, nothing is changed and the exit code is 1.

Examples:
  isi upgrade bootenv select --root /sysroot
  isi upgrade bootenv select --jail web --format json";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let target = self.target.target();
        let reply = call(context, |service, call| {
            service.select_environment(&target, call)
        })
        .map_err(|error| error.attempting("cannot select a boot environment"))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
        } else {
            context.out.line(&reply.path.display().to_string())?;
        }
        Ok(Exit::Done)
    }
}
