use super::{OneOfArgs, follow};
use crate::cli::args::ListArgs;
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit, Printer};
use crate::service::{Depth, Event, Selection, State, VerifiedItem, VerifyRequest};
use crate::trust::{CheckName, Outcome};

/// Verify a package file, a package in the catalog, or all that is in it
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(flatten)]
    which: OneOfArgs,

    /// Let an unsigned file pass for REASON, where the policy allows to ask
    #[arg(long, value_name = "REASON", requires = "file")]
    allow_unsigned: Option<String>,

    /// How far: metadata for signatures, signers and policy only, full for every byte, too
    #[arg(long, value_name = "DEPTH", default_value = "full")]
    depth: DepthArg,

    #[command(flatten)]
    list: ListArgs,
}

/// How far a verification goes.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum DepthArg {
    // Signatures, signers, timestamp and policy.
    Metadata,
    // Every byte, too.
    Full,
}

impl From<DepthArg> for Depth {
    fn from(depth: DepthArg) -> Self {
        match depth {
            DepthArg::Metadata => Self::Metadata,
            DepthArg::Full => Self::Full,
        }
    }
}

/// Most problems that are explained below the list.
const MAX_EXPLAINED: usize = 100;

const HELP: &str = "\
Says True or False for each item, and why it is not True; Metadata where the bytes were not read.
What is found of packages in the catalog is recorded there. Ends with 4 when the one that was named
is not trusted, and with 3 when there are problems in the catalog.

Examples:
  isi upgrade catalog verify --file /ifs/install.isi
  isi upgrade catalog verify --id 3a145 --format json
  isi upgrade catalog verify
  isi upgrade catalog verify --depth metadata";

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
            depth: self.depth.into(),
            allow_unsigned: self.allow_unsigned,
        };
        let mut listing = Listing::new(COLUMNS, &self.list)?;
        // Said after the list, where people see it; a catalog full of problems says them in the list.
        let mut explained = Vec::new();
        let reply = follow(
            context,
            &mut |event, out| {
                let Event::Verified(item) = event else {
                    return Ok(());
                };
                if !item.accepted && explained.len() < MAX_EXPLAINED {
                    explained.push((*item).clone());
                }
                listing.item(*item, cells, out)
            },
            |service, call| service.verify(&request, call),
        )?;
        let totals = [
            ("total", reply.total.into()),
            ("problems", reply.problems.into()),
        ];
        listing.finish(&totals, &mut context.out)?;
        for item in &explained {
            explain(item, &mut context.out);
        }
        let more = reply
            .problems
            .saturating_sub(u64::try_from(explained.len()).unwrap_or(0));
        if more > 0 {
            context
                .out
                .say(&format!("{more} more problems are not explained here"));
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
        (true, _) if !has_read_bytes(item) => "Metadata",
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

/// Whether the verification went as far as the regions' bytes.
fn has_read_bytes(item: &VerifiedItem) -> bool {
    let checks = item.verdict.iter().flat_map(|verdict| &verdict.checks);
    let mut digests = checks.filter(|check| check.name == CheckName::Digests);
    digests.any(|check| check.outcome != Outcome::NotChecked)
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
