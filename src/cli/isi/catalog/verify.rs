use super::{OneOfArgs, call};
use crate::cli::args::ListArgs;
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit, Printer};
use crate::service::{Selection, State, VerifiedItem, VerifyRequest};

/// Verify a package file, a package in the catalog, or all that is in it
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(flatten)]
    which: OneOfArgs,

    /// Let an unsigned file pass for REASON, where the policy allows to ask
    #[arg(long, value_name = "REASON", requires = "file")]
    allow_unsigned: Option<String>,

    #[command(flatten)]
    list: ListArgs,
}

const HELP: &str = "\
Says True or False for each item, and why it is not True. Ends with 4 when the one that was named
is not trusted, and with 3 when there are problems in the catalog.

Examples:
  isi upgrade catalog verify --file /ifs/install.isi
  isi upgrade catalog verify --id 3a145 --format json
  isi upgrade catalog verify";

const COLUMNS: &[Column] = &[
    Column {
        title: "Item",
        place: Place::GivesWay,
    },
    Column {
        title: "Verified",
        place: Place::Fixed,
    },
    Column {
        title: "ID",
        place: Place::Full,
    },
    Column {
        title: "State",
        place: Place::Full,
    },
    Column {
        title: "Code",
        place: Place::Full,
    },
    Column {
        title: "Detail",
        place: Place::Full,
    },
];

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let one = self.which.open()?;
        let failed = if one.is_some() {
            Exit::NotTrusted
        } else {
            Exit::ProblemsFound
        };
        let request = VerifyRequest {
            selection: one.map_or(Selection::All, Selection::One),
            allow_unsigned: self.allow_unsigned,
        };
        let reply = call(context, |service, call| service.verify(&request, call))?;
        let mut listing = Listing::new(COLUMNS, &self.list)?;
        for item in &reply.items {
            listing.item(item, cells, &mut context.out)?;
        }
        let totals = [
            ("total", reply.total.into()),
            ("problems", reply.problems.into()),
        ];
        listing.finish(&totals, &mut context.out)?;
        for item in &reply.items {
            explain(item, &mut context.out);
        }
        Ok(if reply.problems > 0 {
            failed
        } else {
            Exit::Done
        })
    }
}

fn cells(item: &VerifiedItem) -> Vec<Cell> {
    let id = item.id.map(|id| id.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| Cell::from(text.clone().unwrap_or_default());
    let verified = match (item.accepted, item.state) {
        (true, State::Verified) => "True",
        (true, _) => "Unsigned",
        (false, _) => "False",
    };
    vec![
        (&item.item).into(),
        verified.into(),
        id.into(),
        item.state.to_string().into(),
        text(&item.code),
        text(&item.detail),
    ]
}

/// Says why an item is not what it should be.
fn explain(item: &VerifiedItem, out: &mut Printer) {
    if item.accepted {
        return;
    }
    let detail = item.detail.as_deref().unwrap_or("refused");
    out.complain(&item.item, detail);
    let failure = item
        .verdict
        .as_ref()
        .and_then(|verdict| verdict.first_failure());
    for (name, value) in failure.into_iter().flat_map(|check| &check.facts) {
        out.complain(&format!("  {name}"), value);
    }
    if let Some(code) = &item.code {
        out.complain("  code", code);
    }
    if let Some(hint) = &item.hint {
        out.complain("hint", hint);
    }
}
