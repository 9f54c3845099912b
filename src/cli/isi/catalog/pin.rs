use super::call;
use crate::cli::args::OutputArgs;
use crate::cli::{CommandError, Context, Exit};
use crate::digest::IdPrefix;
use crate::service::PinRequest;

/// Keep a package from being removed
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Package in the catalog: its ID or the first digits of it
    #[arg(long, value_name = "ID")]
    id: IdPrefix,

    /// Why; kept in the event log
    #[arg(long, value_name = "REASON")]
    reason: String,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Pins a package for whoever runs this, until that one unpins it. A second pin replaces the reason of
the first.

Examples:
  isi upgrade catalog pin --id 3a145 --reason \"drives of the second rack\"";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = PinRequest {
            id: self.id,
            reason: self.reason,
        };
        let id = &request.id;
        let reply = call(context, |service, call| service.pin(&request, call))
            .map_err(|error| error.attempting(format!("cannot pin {id}")))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
            return Ok(Exit::Done);
        }
        context.out.note(&if reply.changed {
            format!("pinned {id}")
        } else {
            format!("{id} is pinned for this reason already")
        });
        Ok(Exit::Done)
    }
}
