use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::isi::catalog::call;
use crate::cli::{CommandError, Context, Exit};

/// Put an upgrade that ended away, with the environment that a rollback left
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Its journal stays and `isi upgrade history` goes on showing it.

Examples:
  isi upgrade archive";

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let target = self.target.target();
        let reply = call(context, |service, call| {
            service.upgrade_archive(&target, call)
        })
        .map_err(|error| error.attempting("cannot archive the upgrade"))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
            return Ok(Exit::Done);
        }
        let number = reply.number;
        context.out.note(&format!("archived upgrade {number}"));
        if let Some(removed) = &reply.removed {
            context
                .out
                .note(&format!("removed the boot environment {removed}"));
        }
        if !reply.kept.is_empty() {
            let why = reply.kept.join("; ");
            context
                .out
                .note(&format!("its boot environment stays: {why}"));
        }
        Ok(Exit::Done)
    }
}
