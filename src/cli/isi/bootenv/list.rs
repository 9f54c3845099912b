use super::{call, shown};
use crate::cli::args::{ListArgs, TargetArgs};
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit};
use crate::service::EnvironmentItem;

/// List the boot environments
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(flatten)]
    target: TargetArgs,

    /// Show package, parent and what each is needed for, too
    #[arg(long, short = 'w')]
    wide: bool,

    #[command(flatten)]
    list: ListArgs,
}

const HELP: &str = "\
States: good, trial (with the boots that are left), bad, no-entry (nothing boots it), unfinished.
Ends with 3 where what is known of one of them cannot be read.

Examples:
  isi upgrade bootenv list
  isi upgrade bootenv list --root /mnt/disk --wide
  isi upgrade bootenv list --format csv --no-header";

const COLUMNS: &[Column] = &[
    column("Name", Place::Fixed),
    column("State", Place::Fixed),
    column("Role", Place::Fixed),
    column("Image", Place::GivesWay),
    column("Created", Place::Fixed),
    column("Needed", Place::Wide),
    column("Parent", Place::Wide),
    column("Package", Place::Wide),
    column("Good since", Place::Full),
    column("Tries left", Place::Full),
    column("Tries done", Place::Full),
    column("Old kernel", Place::Full),
    column("Path", Place::Full),
];

const fn column(title: &'static str, place: Place) -> Column {
    Column { title, place }
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let target = self.target.target();
        let reply = call(context, |service, call| service.environments(&target, call))
            .map_err(|error| error.attempting("cannot list the boot environments"))?;
        let mut listing = Listing::new(COLUMNS, &self.list)?.wide(self.wide);
        for item in &reply.environments {
            listing.item(item, cells, &mut context.out)?;
        }
        let totals = [
            ("root", reply.root.display().to_string().into()),
            ("target", reply.target.to_string().into()),
            ("storage", reply.storage.name().into()),
            ("total", reply.environments.len().into()),
        ];
        listing.finish(&totals, &mut context.out)?;
        let damages = reply
            .environments
            .iter()
            .filter_map(|item| item.damage.as_ref());
        let damages: Vec<_> = damages.collect();
        for damage in &damages {
            context.out.warn(damage);
        }
        Ok(if damages.is_empty() {
            Exit::Done
        } else {
            Exit::ProblemsFound
        })
    }
}

fn cells(item: &EnvironmentItem) -> Vec<Cell> {
    let time = |time: Option<jiff::Timestamp>| match time {
        Some(time) => Cell::short(time.strftime("%F %R").to_string(), time.to_string()),
        None => "-".into(),
    };
    let text = |text: Option<String>| Cell::from(text.unwrap_or_else(|| "-".to_owned()));
    let number = |number: Option<u32>| text(number.map(|number| number.to_string()));
    vec![
        item.name.to_string().into(),
        Cell::short(shown::state(item), item.state.name()),
        shown::roles(item).into(),
        text(item.image.clone()),
        time(item.created),
        item.needed.join("; ").into(),
        text(item.parent.as_ref().map(ToString::to_string)),
        match &item.package {
            Some(id) => {
                let id = id.to_string();
                Cell::short(id.chars().take(5).collect::<String>(), id)
            }
            None => "-".into(),
        },
        time(item.good_since),
        number(item.tries_left),
        number(item.tries_done),
        text((item.old_kernel.as_ref()).map(|path| path.display().to_string())),
        item.path.display().to_string().into(),
    ]
}
