use super::{call, discarded};
use crate::cli::args::{ChangeArgs, ListArgs};
use crate::cli::{CommandError, Context, Exit, prompt};
use crate::digest::IdPrefix;
use crate::service::RemoveRequest;

/// Remove packages from the catalog
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Package in the catalog: its ID or the first digits of it; several times for several
    #[arg(long, value_name = "ID", num_args = 1.., required = true)]
    id: Vec<IdPrefix>,

    #[command(flatten)]
    change: ChangeArgs,

    #[command(flatten)]
    list: ListArgs,
}

const HELP: &str = "\
Removes all of them or none. A package that is needed is refused, with the name of who needs it.

Examples:
  isi upgrade catalog remove --id 840b8
  isi upgrade catalog remove --id 840b8 --id aa19b --dry-run
  isi upgrade catalog remove --id 840b8 --force";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let explanation = if self.id.len() == 1 {
            "This will remove the specified artifact and all related metadata."
        } else {
            "This will remove the specified artifacts and all related metadata."
        };
        let mut request = RemoveRequest {
            ids: self.id,
            dry_run: true,
        };
        let attempt = |error: CommandError| error.attempting("cannot remove");
        if self.change.dry_run || !self.change.force {
            // What would be refused is not asked about.
            let plan = call(context, |service, call| service.remove(&request, call));
            let plan = plan.map_err(attempt)?;
            if self.change.dry_run {
                discarded::show(&plan, &self.list, context)?;
                return Ok(Exit::Done);
            }
        }
        prompt::confirm(context, explanation, self.change.force)?;
        request.dry_run = false;
        let reply = call(context, |service, call| service.remove(&request, call));
        discarded::show(&reply.map_err(attempt)?, &self.list, context)?;
        Ok(Exit::Done)
    }
}
