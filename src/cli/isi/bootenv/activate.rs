use super::{call, shown};
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::{CommandError, Context, Exit};
use crate::service::{ActivateRequest, EnvName, MAX_TRIES};

/// Let a boot environment boot by default, or once
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// The boot environment
    #[arg(value_name = "NAME")]
    name: EnvName,

    /// Only for the next boot: the default stays
    #[arg(long, short = 't')]
    next_boot_only: bool,

    /// With the kernel that was kept from before, see `start --keep-old-kernel`
    #[arg(long, requires = "next_boot_only")]
    old_kernel: bool,

    /// Put it on trial for N boots, 1 to 99; without this a good one stays good
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_TRIES)))]
    tries: Option<u32>,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
One that has no try left gets new ones. Nothing is restarted. A boot with the old kernel takes a
try as every other does, and the one after it is with its own again.

Examples:
  isi upgrade bootenv activate before-tuning
  isi upgrade bootenv activate spare --next-boot-only
  isi upgrade bootenv activate spare --next-boot-only --old-kernel
  isi upgrade bootenv activate spare --tries 2";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = ActivateRequest {
            target: self.target.target(),
            name: self.name,
            next_boot_only: self.next_boot_only,
            old_kernel: self.old_kernel,
            tries: self.tries,
        };
        let name = &request.name;
        let reply = call(context, |service, call| {
            service.activate_environment(&request, call)
        })
        .map_err(|error| error.attempting(format!("cannot activate boot environment {name}")))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
            return Ok(Exit::Done);
        }
        let when = match (request.next_boot_only, request.old_kernel) {
            (true, true) => "boots next with its old kernel, once",
            (true, false) => "boots next, once",
            (false, _) => "boots by default",
        };
        let state = shown::state(&reply.environment);
        context.out.note(&format!("{name} {when} ({state})"));
        Ok(Exit::Done)
    }
}
