use crate::cli::args::{ListArgs, TargetArgs};
use crate::cli::isi::catalog::call;
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit};
use crate::service::UpgradeItem;

/// Show the upgrades of a system, when and by whom
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    list: ListArgs,
}

const HELP: &str = "\
The last one comes last. What was done with an image is in `isi upgrade catalog history`, too.

Examples:
  isi upgrade history
  isi upgrade history --format json";

const COLUMNS: &[Column] = &[
    column("No", Place::Fixed),
    column("Started", Place::Fixed),
    column("State", Place::Fixed),
    column("Image", Place::GivesWay),
    column("From", Place::Fixed),
    column("Environment", Place::GivesWay),
    column("Actor", Place::Fixed),
    column("Code", Place::Fixed),
    column("ID", Place::Full),
];

const fn column(title: &'static str, place: Place) -> Column {
    Column { title, place }
}

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let target = self.target.target();
        let reply = call(context, |service, call| {
            service.upgrade_history(&target, call)
        })
        .map_err(|error| error.attempting("cannot show the upgrades"))?;
        let mut listing = Listing::new(COLUMNS, &self.list)?;
        for upgrade in &reply.upgrades {
            listing.item(upgrade, cells, &mut context.out)?;
        }
        let total = [("total", reply.upgrades.len().into())];
        listing.finish(&total, &mut context.out)?;
        Ok(Exit::Done)
    }
}

fn cells(item: &UpgradeItem) -> Vec<Cell> {
    let from = item.from.as_ref().map(ToString::to_string);
    vec![
        item.number.to_string().into(),
        item.started
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string()
            .into(),
        item.state.clone().into(),
        format!("{} {}", item.name, item.version).into(),
        from.unwrap_or_default().into(),
        item.environment.to_string().into(),
        item.actor.clone().into(),
        item.code.clone().unwrap_or_default().into(),
        item.package.to_string().into(),
    ]
}
