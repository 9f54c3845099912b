use super::call;
use crate::cli::args::ListArgs;
use crate::cli::table::{Cell, Column, Listing, Place, Row};
use crate::cli::{CommandError, Context, Exit};
use crate::release::PackageType;
use crate::service::{Item, ListRequest, Order};

/// List the packages in the catalog
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Only packages of TYPE: onefs, patch, firmware, dsp or generic
    #[arg(long = "type", value_name = "TYPE")]
    package_type: Option<PackageType>,

    #[command(flatten)]
    list: ListArgs,
}

const HELP: &str = "\
Columns to sort by: imported (default), name, type, version, id, size.

Examples:
  isi upgrade catalog list
  isi upgrade catalog list --type patch --sort version --descending --limit 1
  isi upgrade catalog list --format csv --no-header";

const COLUMNS: &[Column] = &[
    Column {
        title: "ID",
        place: Place::Fixed,
    },
    Column {
        title: "Type",
        place: Place::Fixed,
    },
    Column {
        title: "Description",
        place: Place::GivesWay,
    },
    Column {
        title: "README",
        place: Place::Fixed,
    },
    Column {
        title: "Name",
        place: Place::Full,
    },
    Column {
        title: "Version",
        place: Place::Full,
    },
    Column {
        title: "Size",
        place: Place::Full,
    },
    Column {
        title: "State",
        place: Place::Full,
    },
    Column {
        title: "Imported",
        place: Place::Full,
    },
];

impl Args {
    pub(super) fn run(mut self, context: &mut Context) -> Result<Exit, CommandError> {
        let limit = self.list.limit.take();
        let request = ListRequest {
            package_type: self.package_type,
            order: self.order()?,
            descending: self.list.descending,
            limit: limit.map(|limit| u64::try_from(limit).unwrap_or(u64::MAX)),
            offset: 0,
        };
        let reply = call(context, |service, call| service.list(&request, call))?;
        let listing = Listing {
            head: vec![
                ("total", reply.total.into()),
                ("offset", reply.offset.into()),
            ],
            columns: COLUMNS,
            rows: reply.items.iter().map(row).collect::<Result<_, _>>()?,
        };
        let shown = u64::try_from(listing.rows.len()).unwrap_or(u64::MAX);
        listing.print(&self.list, &mut context.out)?;
        if let Some(hidden) = reply.total.checked_sub(shown).filter(|hidden| *hidden > 0) {
            context
                .out
                .note(&format!("{hidden} more not shown because of --limit"));
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

fn row(item: &Item) -> Result<Row, CommandError> {
    let text = if item.description.is_empty() {
        &item.name
    } else {
        &item.description
    };
    let mut description = text.clone();
    if item.state != crate::service::State::Verified {
        // What nobody answers for, or no longer, is marked wherever it is shown.
        description = format!("{description} ({})", item.state);
    }
    Ok(Row {
        cells: vec![
            Cell::short(&item.short_id, item.id.to_string()),
            item.package_type.label().into(),
            Cell::short(description, text),
            if item.readme { "Included" } else { "-" }.into(),
            (&item.name).into(),
            item.version.to_string().into(),
            item.size.to_string().into(),
            item.state.to_string().into(),
            item.imported_at.to_string().into(),
        ],
        json: serde_json::to_value(item).map_err(CommandError::failed)?,
    })
}
