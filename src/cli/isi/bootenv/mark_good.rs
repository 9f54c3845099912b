use super::call;
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::{CommandError, Context, Exit};
use crate::service::{EnvName, MarkGoodRequest};

/// Mark a boot environment good: its boots are not counted any more
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// The boot environment [default: the one that runs]
    #[arg(value_name = "NAME")]
    name: Option<EnvName>,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Examples:
  isi upgrade bootenv mark-good
  isi upgrade bootenv mark-good before-tuning";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = MarkGoodRequest {
            target: self.target.target(),
            name: self.name,
        };
        let reply = call(context, |service, call| service.mark_good(&request, call))
            .map_err(|error| error.attempting("cannot mark the boot environment good"))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
        } else {
            let name = &reply.environment.name;
            context.out.note(&format!("{name} is good"));
        }
        Ok(Exit::Done)
    }
}
