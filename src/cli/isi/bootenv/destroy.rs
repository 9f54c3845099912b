use super::call;
use crate::cli::args::{ChangeArgs, OutputArgs, TargetArgs};
use crate::cli::{CommandError, Context, Exit, prompt};
use crate::service::{DestroyEnvironmentRequest, EnvName};

/// Remove a boot environment and all that is in it
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// The boot environment
    #[arg(value_name = "NAME")]
    name: EnvName,

    #[command(flatten)]
    change: ChangeArgs,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
One that runs, boots, is what boots when the default does not work, holds the committed image or
is mounted is refused; --force does not change that.

Examples:
  isi upgrade bootenv destroy spare
  isi upgrade bootenv destroy spare --dry-run
  isi upgrade bootenv destroy spare --force";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let mut request = DestroyEnvironmentRequest {
            target: self.target.target(),
            name: self.name,
            dry_run: true,
        };
        let attempt = format!("cannot destroy boot environment {}", request.name);
        let destroy = |request: &DestroyEnvironmentRequest, context: &mut Context| {
            call(context, |service, call| {
                service.destroy_environment(request, call)
            })
            .map_err(|error| error.attempting(attempt.clone()))
        };
        // What would be refused is not asked about.
        let mut reply = destroy(&request, context)?;
        if !self.change.dry_run {
            let explanation = format!(
                "This will remove boot environment {} and all files in it.",
                request.name
            );
            prompt::confirm(context, &explanation, self.change.force)?;
            request.dry_run = false;
            reply = destroy(&request, context)?;
        }
        if self.output.is_json() {
            context.out.json(&reply)?;
            return Ok(Exit::Done);
        }
        let name = &reply.name;
        context.out.note(&if reply.dry_run {
            format!("{name} would be destroyed; nothing was changed")
        } else {
            format!("{name} is destroyed")
        });
        Ok(Exit::Done)
    }
}
