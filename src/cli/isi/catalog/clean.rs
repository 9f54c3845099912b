use super::{call, discarded};
use crate::cli::args::{ChangeArgs, ListArgs};
use crate::cli::{CommandError, Context, Exit, prompt};
use crate::service::{CleanRequest, CleanSets};

/// Remove what is in the catalog's directory and in nobody's list
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(flatten)]
    sets: Sets,

    #[command(flatten)]
    change: ChangeArgs,

    #[command(flatten)]
    list: ListArgs,
}

/// What to clean away; everything where nothing is named.
#[derive(clap::Args, Debug)]
struct Sets {
    /// Remove artifacts without metadata in the database
    #[arg(long)]
    orphans: bool,

    /// Remove metadata of artifacts that are missing and that nobody needs
    #[arg(long)]
    dangling: bool,

    /// Remove what is left of interrupted imports and removals
    #[arg(long)]
    leftovers: bool,
}

const HELP: &str = "\
Removes all three sets unless some are named. Names that are not the catalog's own are reported and
left alone.

Examples:
  isi upgrade catalog clean --dry-run
  isi upgrade catalog clean
  isi upgrade catalog clean --leftovers --force";

/// What is said before the question, by set.
const ORPHANS: &str =
    "This will remove any artifacts that do not have associated metadata in the database.";
const DANGLING: &str = "This will remove the metadata of missing artifacts that nobody needs.";
const LEFTOVERS: &str = "This will remove what is left of interrupted imports and removals.";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = CleanRequest {
            sets: self.sets.named(),
            dry_run: self.change.dry_run,
        };
        if !self.change.dry_run {
            prompt::confirm(context, &explanation(request.sets), self.change.force)?;
        }
        let reply = call(context, |service, call| service.clean(request, call))
            .map_err(|error| error.attempting("cannot clean the catalog"))?;
        discarded::show(&reply, &self.list, context)?;
        Ok(Exit::Done)
    }
}

impl Sets {
    fn named(&self) -> CleanSets {
        if !self.orphans && !self.dangling && !self.leftovers {
            return CleanSets::ALL;
        }
        CleanSets {
            orphans: self.orphans,
            dangling: self.dangling,
            leftovers: self.leftovers,
        }
    }
}

fn explanation(sets: CleanSets) -> String {
    let sentences = [
        (sets.orphans, ORPHANS),
        (sets.dangling, DANGLING),
        (sets.leftovers, LEFTOVERS),
    ];
    let wanted = sentences.into_iter().filter(|(wanted, _)| *wanted);
    let wanted: Vec<_> = wanted.map(|(_, sentence)| sentence).collect();
    wanted.join(" ")
}
