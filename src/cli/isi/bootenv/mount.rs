use std::path::PathBuf;

use super::call;
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::{CommandError, Context, Exit};
use crate::service::{EnvName, MountRequest};

/// Say where a boot environment is, or mount it
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// The boot environment
    #[arg(value_name = "NAME")]
    name: EnvName,

    /// Empty directory to mount it on; `umount` ends that
    #[arg(value_name = "DIR")]
    at: Option<PathBuf>,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Prints the directory to look at. What is changed there is changed in the environment.

Examples:
  isi upgrade bootenv mount before-tuning
  isi upgrade bootenv mount before-tuning /mnt";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = MountRequest {
            target: self.target.target(),
            name: self.name,
            at: self.at,
        };
        let name = &request.name;
        let reply = call(context, |service, call| {
            service.mount_environment(&request, call)
        })
        .map_err(|error| error.attempting(format!("cannot mount boot environment {name}")))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
        } else {
            context.out.line(&reply.path.display().to_string())?;
        }
        Ok(Exit::Done)
    }
}
