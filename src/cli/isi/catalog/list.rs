use super::follow;
use crate::cli::args::ListArgs;
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit};
use crate::release::{PackageType, VersionRange};
use crate::service::{Event, Item, ListRequest, Order, State};

/// List the packages in the catalog
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(flatten)]
    filters: Filters,

    /// Show size, signers, time of import and references, too
    #[arg(long, short = 'w')]
    wide: bool,

    /// Leave out the first N packages
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    offset: u64,

    #[command(flatten)]
    list: ListArgs,
}

/// What is listed; every filter that is given has to hold.
#[derive(clap::Args, Debug)]
struct Filters {
    /// Only packages of TYPE: onefs, patch, firmware, dsp or generic
    #[arg(long = "type", value_name = "TYPE")]
    package_type: Option<PackageType>,

    /// Only packages of these versions, such as '>=9.4, <10'
    #[arg(long, value_name = "RANGE")]
    version: Option<VersionRange>,

    /// Only packages whose name matches PATTERN, with * ? and [...] as in a shell
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,

    /// Only packages signed by somebody whose subject or identity contains TEXT
    #[arg(long, value_name = "TEXT")]
    signer: Option<String>,

    /// Only packages with a reference of this kind, or held by this holder
    #[arg(long, value_name = "KIND|HOLDER")]
    reference: Option<String>,
}

const HELP: &str = "\
Columns to sort by: imported (default), name, type, version, id, size. Kinds of references:
committed-image, installed-patch, running-upgrade, pin.

Examples:
  isi upgrade catalog list
  isi upgrade catalog list --type patch --sort version --descending --limit 1
  isi upgrade catalog list --version '>=9.4, <10' --name 'OneFS*' --wide
  isi upgrade catalog list --format csv --no-header";

const COLUMNS: &[Column] = &[
    column("ID", Place::Fixed),
    column("Type", Place::Fixed),
    column("Description", Place::GivesWay),
    column("README", Place::Fixed),
    column("Name", Place::Full),
    column("Version", Place::Full),
    column("Size", Place::Wide),
    column("State", Place::Full),
    column("Imported", Place::Wide),
    column("Signers", Place::Wide),
    column("References", Place::Wide),
];

const fn column(title: &'static str, place: Place) -> Column {
    Column { title, place }
}

impl Args {
    pub(super) fn run(mut self, context: &mut Context) -> Result<Exit, CommandError> {
        let order = self.order()?;
        let limit = self.list.limit.take();
        let filters = self.filters;
        let request = ListRequest {
            package_type: filters.package_type,
            name: filters.name,
            versions: filters.version.unwrap_or_default(),
            signer: filters.signer,
            reference: filters.reference,
            order,
            descending: self.list.descending,
            limit: limit.map(|limit| u64::try_from(limit).unwrap_or(u64::MAX)),
            offset: self.offset,
        };
        let mut listing = Listing::new(COLUMNS, &self.list)?.wide(self.wide);
        let reply = follow(
            context,
            &mut |event, out| match event {
                Event::Listed(item) => listing.item(*item, cells, out),
                _ => Ok(()),
            },
            |service, call| service.list(&request, call),
        )?;
        let totals = [
            ("total", reply.total.into()),
            ("offset", reply.offset.into()),
        ];
        listing.finish(&totals, &mut context.out)?;
        let hidden = reply.total.saturating_sub(reply.listed);
        if hidden > 0 {
            let note = format!("{hidden} more not shown because of --limit or --offset");
            context.out.note(&note);
        }
        Ok(Exit::Done)
    }

    /// The service sorts, because it knows how versions compare.
    fn order(&mut self) -> Result<Order, CommandError> {
        let Some(wanted) = self.list.sort.take() else {
            return Ok(Order::default());
        };
        let wanted = wanted.to_lowercase();
        let order = Order::ALL.into_iter().find(|order| order.name() == wanted);
        order.ok_or_else(|| {
            let names = Order::ALL.map(Order::name).join(", ");
            CommandError::usage(format!(
                "cannot sort by {wanted:?}: expected one of {names}"
            ))
        })
    }
}

fn cells(item: &Item) -> Vec<Cell> {
    let text = if item.description.is_empty() {
        &item.name
    } else {
        &item.description
    };
    let mut description = text.clone();
    if item.state != State::Verified {
        // What nobody answers for, or no longer, is marked wherever it is shown.
        description = format!("{description} ({})", item.state);
    }
    let signers = item.signers.iter();
    let identities = signers.clone().map(|signer| {
        let identity = signer.identity.as_deref();
        identity.unwrap_or(&signer.subject).to_owned()
    });
    let identities: Vec<_> = identities.collect();
    let subjects: Vec<_> = signers.map(|signer| signer.subject.as_str()).collect();
    let references = item.references.iter();
    let references: Vec<_> = references
        .map(|reference| format!("{} by {}", reference.kind, reference.holder))
        .collect();
    vec![
        Cell::short(&item.short_id, item.id.to_string()),
        item.package_type.label().into(),
        Cell::short(description, text),
        if item.readme { "Included" } else { "-" }.into(),
        (&item.name).into(),
        item.version.to_string().into(),
        item.size.to_string().into(),
        item.state.to_string().into(),
        Cell::short(
            item.imported_at.strftime("%Y-%m-%d %H:%M").to_string(),
            item.imported_at.to_string(),
        ),
        Cell::short(or_none(&identities), subjects.join("; ")),
        Cell::short(or_none(&references), references.join("; ")),
    ]
}

/// Several words as one cell of a table.
fn or_none(words: &[String]) -> String {
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(", ")
    }
}
