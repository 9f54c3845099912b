use clap::builder::PossibleValuesParser;
use jiff::Timestamp;

use super::follow;
use crate::cli::args::{ListArgs, parse_time};
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit};
use crate::digest::IdPrefix;
use crate::service::{Event, HISTORY_KINDS, HistoryEntry, HistoryFilter, HistoryRequest};

/// Show what was done to the catalog, when and by whom
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Only what was done to this package: its ID or the first digits of it, listed or not
    #[arg(long, value_name = "ID")]
    id: Option<IdPrefix>,

    /// Only events of this kind, such as import, remove, upgrade-start, hook
    #[arg(
        long,
        value_name = "KIND",
        value_parser = PossibleValuesParser::new(HISTORY_KINDS),
        hide_possible_values = true
    )]
    kind: Option<String>,

    /// Only what was done at TIME or later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,

    /// Follow the whole log and its mirror, too, and say what does not fit
    #[arg(long)]
    verify: bool,

    #[command(flatten)]
    list: ListArgs,
}

const HELP: &str = "\
The last one comes last; --limit N shows the last N. Every entry is bound to the one before it: --verify
finds what was changed, taken out or put in. Ends with 3 if something was.

Examples:
  isi upgrade catalog history --limit 20
  isi upgrade catalog history --id 840b8 --format json
  isi upgrade catalog history --kind import-refused --since 2026-01-01T00:00:00Z
  isi upgrade catalog history --verify";

const COLUMNS: &[Column] = &[
    column("No", Place::Fixed),
    column("Time", Place::Fixed),
    column("Event", Place::Fixed),
    column("ID", Place::Fixed),
    column("Actor", Place::Fixed),
    column("Details", Place::GivesWay),
    column("Hash", Place::Full),
];

const fn column(title: &'static str, place: Place) -> Column {
    Column { title, place }
}

impl Args {
    pub(super) fn run(mut self, context: &mut Context) -> Result<Exit, CommandError> {
        let limit = self.list.limit.take();
        let request = HistoryRequest {
            filter: HistoryFilter {
                subject: self.id,
                kind: self.kind,
                since: self.since,
                limit: limit.map(|limit| u64::try_from(limit).unwrap_or(u64::MAX)),
            },
            verify: self.verify,
        };
        let mut listing = Listing::new(COLUMNS, &self.list)?;
        let reply = follow(
            context,
            &mut |event, out| match event {
                Event::Recorded(entry) => listing.item(*entry, cells, out),
                _ => Ok(()),
            },
            |service, call| service.history(&request, call),
        )?;
        let json = |value: &_| serde_json::to_value(value).unwrap_or_default();
        let totals = [
            ("total", reply.total.into()),
            ("head", serde_json::to_value(reply.head).unwrap_or_default()),
            ("findings", json(&reply.findings)),
        ];
        listing.finish(&totals, &mut context.out)?;
        let findings = reply.findings.unwrap_or_default();
        for finding in &findings {
            context.out.complain("event log", &finding.to_string());
            context.out.complain("  code", "E_EVENT_LOG");
        }
        if !findings.is_empty() {
            let remedy = "`isi upgrade catalog repair` makes the log anew from what is whole, and keeps \
                the rest in quarantine";
            context.out.complain("hint", remedy);
            return Ok(Exit::ProblemsFound);
        }
        if self.verify {
            let (count, hash) = (reply.head.sequence, reply.head.hash);
            let note = format!("{count} events, each bound to the one before; the last is {hash}");
            context.out.note(&note);
        }
        Ok(Exit::Done)
    }
}

fn cells(entry: &HistoryEntry) -> Vec<Cell> {
    let id: String = entry.subject.chars().take(12).collect();
    vec![
        entry.sequence.to_string().into(),
        Cell::short(
            entry.time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            entry.time.to_string(),
        ),
        (&entry.kind).into(),
        Cell::short(id, &entry.subject),
        (&entry.actor).into(),
        Cell::short(summary(&entry.details), entry.details.to_string()),
        entry.hash.to_string().into(),
    ]
}

/// The facts that a person looks for first.
fn summary(details: &serde_json::Value) -> String {
    const FACTS: [&str; 7] = [
        "name", "version", "kind", "holder", "code", "reason", "bytes",
    ];
    let facts = FACTS.iter().filter_map(|name| match details.get(name)? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(format!("{name} {number}")),
        _ => None,
    });
    let facts: Vec<_> = facts.collect();
    facts.join(" ")
}
