use super::{OneOfArgs, call};
use crate::cli::args::OutputArgs;
use crate::cli::{CommandError, Context, Exit, pager};

/// Show the README of a package
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["file", "id"]))]
pub(super) struct Args {
    #[command(flatten)]
    which: OneOfArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Shows nothing of a file that is not trusted; what is in the catalog was, when it was imported. On a
terminal the text goes through a pager: ISI_PAGER, else PAGER, else less.

Examples:
  isi upgrade catalog readme --file HealthCheck_9.2.1_2021-09.isi | less
  isi upgrade catalog readme --id 840b8";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let Some(which) = self.which.open()? else {
            return Err(CommandError::usage("name a package with --file or --id"));
        };
        let reply = call(context, |service, call| service.readme(&which, call))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
            return Ok(Exit::Done);
        }
        let Some(text) = &reply.readme else {
            return Err(
                CommandError::failed(format!("{} has no README", reply.item)).code("E_NO_README"),
            );
        };
        pager::show(text, context)?;
        Ok(Exit::Done)
    }
}
