use std::time::Duration;

use super::catalog::call;
use crate::cli::args::{ListArgs, duration};
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit};
use crate::service::{TrustCheckRequest, TrustFinding, TrustItem};

/// Show and check who is trusted
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "\
Examples:
  isi upgrade trust show
  isi upgrade trust check --within 60d";

#[derive(clap::Subcommand, Debug)]
enum Command {
    Show(ShowArgs),
    Check(CheckArgs),
}

/// Show the anchors, revocation lists and identities in force, and until when
#[derive(clap::Args, Debug)]
#[command(after_help = SHOW_HELP)]
struct ShowArgs {
    #[command(flatten)]
    list: ListArgs,
}

const SHOW_HELP: &str = "\
Examples:
  isi upgrade trust show
  isi upgrade trust show --format list
  isi upgrade trust show --trust ./trust --format json";

/// Find what is wrong with what is trusted, or soon will be
#[derive(clap::Args, Debug)]
#[command(after_help = CHECK_HELP)]
struct CheckArgs {
    /// Tell what ends within TIME
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30d")]
    within: Duration,

    #[command(flatten)]
    list: ListArgs,
}

const CHECK_HELP: &str = "\
Ends with 3 when there is a problem or a warning; a note may be meant so. Trust that cannot be
used at all is an error: no package is trusted then.

Examples:
  isi upgrade trust check
  isi upgrade trust check --within 60d --format csv --no-header";

const ITEM_COLUMNS: &[Column] = &[
    column("Kind", Place::Fixed),
    column("Name", Place::GivesWay),
    column("Days left", Place::Fixed),
    column("Until", Place::Fixed),
    column("From", Place::Full),
    column("Key", Place::Full),
    column("SHA-256", Place::Full),
    column("Key SHA-256", Place::Full),
    column("Subject", Place::Full),
    column("Issuer", Place::Full),
    column("Issuer Key SHA-256", Place::Full),
    column("Types", Place::Full),
    column("Products", Place::Full),
    column("Versions", Place::Full),
];

const FINDING_COLUMNS: &[Column] = &[
    column("Severity", Place::Fixed),
    column("Code", Place::Fixed),
    column("Kind", Place::Fixed),
    column("Name", Place::GivesWay),
    column("Detail", Place::GivesWay),
];

const fn column(title: &'static str, place: Place) -> Column {
    Column { title, place }
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        match self.command {
            Command::Show(args) => args.run(context),
            Command::Check(args) => args.run(context),
        }
    }
}

impl ShowArgs {
    fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let reply = call(context, |service, call| service.trust_show(call))?;
        let mut listing = Listing::new(ITEM_COLUMNS, &self.list)?;
        for item in &reply.items {
            listing.item(item, item_cells, &mut context.out)?;
        }
        listing.finish(&[("total", reply.items.len().into())], &mut context.out)?;
        Ok(Exit::Done)
    }
}

impl CheckArgs {
    fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = TrustCheckRequest {
            within: self.within,
        };
        let reply = call(context, |service, call| service.trust_check(&request, call))?;
        let mut listing = Listing::new(FINDING_COLUMNS, &self.list)?;
        for finding in &reply.findings {
            listing.item(finding, finding_cells, &mut context.out)?;
        }
        let totals = [
            ("total", reply.findings.len().into()),
            ("problems", reply.problems.into()),
        ];
        listing.finish(&totals, &mut context.out)?;
        Ok(if reply.problems > 0 {
            Exit::ProblemsFound
        } else {
            Exit::Done
        })
    }
}

fn item_cells(item: &TrustItem) -> Vec<Cell> {
    let rule = item.rule.as_ref();
    vec![
        item.kind.name().into(),
        (&item.name).into(),
        text(item.days_left.as_ref()),
        text(item.until.as_ref()),
        text(item.from.as_ref()),
        text(item.key.as_ref()),
        text(item.sha256.as_ref()),
        text(item.spki_sha256.as_ref()),
        text(rule.map(|rule| &rule.subject)),
        text(rule.and_then(|rule| rule.issuer.as_ref())),
        text(rule.map(|rule| &rule.issuer_spki_sha256)),
        text(rule.map(|rule| rule.types.join(" ")).as_ref()),
        text(rule.map(|rule| rule.products.join(" ")).as_ref()),
        text(rule.map(|rule| &rule.versions)),
    ]
}

fn finding_cells(finding: &TrustFinding) -> Vec<Cell> {
    vec![
        finding.severity.name().into(),
        (&finding.code).into(),
        finding.kind.name().into(),
        (&finding.name).into(),
        (&finding.detail).into(),
    ]
}

fn text(value: Option<&impl ToString>) -> Cell {
    value.map(ToString::to_string).unwrap_or_default().into()
}
