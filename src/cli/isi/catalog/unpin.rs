use super::call;
use crate::cli::args::OutputArgs;
use crate::cli::{CommandError, Context, Exit};
use crate::digest::IdPrefix;
use crate::service::UnpinRequest;

/// Let a package be removed again
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Package in the catalog: its ID or the first digits of it
    #[arg(long, value_name = "ID")]
    id: IdPrefix,

    /// Whose pin ends, unless it is your own
    #[arg(long, value_name = "HOLDER")]
    holder: Option<String>,

    /// Why; kept in the event log
    #[arg(long, value_name = "REASON")]
    reason: String,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Ends a pin. Other reasons why a package is needed end with what they are for.

Examples:
  isi upgrade catalog unpin --id 3a145 --reason \"rack is gone\"
  isi upgrade catalog unpin --id 3a145 --holder \"uid 1001\" --reason \"left the team\"";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = UnpinRequest {
            id: self.id,
            holder: self.holder,
            reason: self.reason,
        };
        let id = &request.id;
        let reply = call(context, |service, call| service.unpin(&request, call))
            .map_err(|error| error.attempting(format!("cannot unpin {id}")))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
            return Ok(Exit::Done);
        }
        context.out.note(&format!("unpinned {id}"));
        Ok(Exit::Done)
    }
}
