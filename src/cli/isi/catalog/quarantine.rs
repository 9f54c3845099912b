use super::call;
use crate::cli::args::{ChangeArgs, ListArgs, OutputArgs};
use crate::cli::prompt::confirm;
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit};
use crate::service::{PurgeRequest, QuarantinedItem, RestoreRequest};

/// Show, put back or delete what was set aside
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "\
Examples:
  isi upgrade catalog quarantine list
  isi upgrade catalog quarantine restore 3";

#[derive(clap::Subcommand, Debug)]
enum Command {
    List(List),
    Restore(Restore),
    Purge(Purge),
}

/// List what is in quarantine, and why
#[derive(clap::Args, Debug)]
#[command(after_help = LIST_HELP)]
struct List {
    #[command(flatten)]
    list: ListArgs,
}

const LIST_HELP: &str = "\
Examples:
  isi upgrade catalog quarantine list
  isi upgrade catalog quarantine list --format json";

/// Verify packages in quarantine and put them back
#[derive(clap::Args, Debug)]
#[command(after_help = RESTORE_HELP)]
struct Restore {
    /// Entries, as `quarantine list` shows them
    #[arg(value_name = "ENTRY", required = true)]
    entries: Vec<String>,

    /// Let an unsigned package in for REASON, where the policy allows to ask
    #[arg(long, value_name = "REASON")]
    allow_unsigned: Option<String>,

    #[command(flatten)]
    output: OutputArgs,
}

const RESTORE_HELP: &str = "\
A package is verified as on import. One that is refused stays in quarantine.

Examples:
  isi upgrade catalog quarantine restore 3";

/// Delete what is in quarantine
#[derive(clap::Args, Debug)]
#[command(after_help = PURGE_HELP)]
struct Purge {
    /// Entries, as `quarantine list` shows them
    #[arg(value_name = "ENTRY", required_unless_present = "all")]
    entries: Vec<String>,

    /// Every entry
    #[arg(long, conflicts_with = "entries")]
    all: bool,

    #[command(flatten)]
    change: ChangeArgs,

    #[command(flatten)]
    list: ListArgs,
}

const PURGE_HELP: &str = "\
Examples:
  isi upgrade catalog quarantine purge 3
  isi upgrade catalog quarantine purge --all --force";

const EXPLANATION: &str = "This will delete what is in quarantine for good:";

const COLUMNS: &[Column] = &[
    Column {
        title: "Entry",
        place: Place::Fixed,
    },
    Column {
        title: "Content",
        place: Place::Fixed,
    },
    Column {
        title: "Code",
        place: Place::Fixed,
    },
    Column {
        title: "From",
        place: Place::GivesWay,
    },
    Column {
        title: "ID",
        place: Place::Full,
    },
    Column {
        title: "Size",
        place: Place::Full,
    },
    Column {
        title: "Time",
        place: Place::Full,
    },
    Column {
        title: "Detail",
        place: Place::Full,
    },
    Column {
        title: "Hint",
        place: Place::Full,
    },
];

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        match self.command {
            Command::List(args) => args.run(context),
            Command::Restore(args) => args.run(context),
            Command::Purge(args) => args.run(context),
        }
    }
}

impl List {
    fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let reply = call(context, |service, call| service.quarantine(call))?;
        print(&reply.items, None, &self.list, context)?;
        Ok(Exit::Done)
    }
}

impl Restore {
    fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let mut replies = Vec::new();
        for entry in self.entries {
            let request = RestoreRequest {
                entry,
                allow_unsigned: self.allow_unsigned.clone(),
            };
            let reply = call(context, |service, call| service.restore(&request, call))
                .map_err(|error| error.attempting(format!("cannot restore {}", request.entry)))?;
            if !self.output.is_json() {
                let (entry, id) = (&reply.entry, &reply.item.short_id);
                context.out.note(&format!("restored {entry} as {id}"));
            }
            replies.push(reply);
        }
        if self.output.is_json() {
            context.out.json(&replies)?;
        }
        Ok(Exit::Done)
    }
}

impl Purge {
    fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let mut request = PurgeRequest {
            entries: self.entries,
            dry_run: true,
        };
        let mut reply = call(context, |service, call| service.purge(&request, call))?;
        if !self.change.dry_run && !reply.items.is_empty() {
            let lines = reply.items.iter().map(line);
            let question = std::iter::once(EXPLANATION.to_owned()).chain(lines);
            let question: Vec<_> = question.collect();
            confirm(context, &question.join("\n"), self.change.force)?;
            // What was shown is what goes, whatever came in meanwhile.
            request.entries = reply.items.into_iter().map(|item| item.entry).collect();
            request.dry_run = false;
            reply = call(context, |service, call| service.purge(&request, call))?;
        }
        print(&reply.items, Some(reply.bytes), &self.list, context)?;
        Ok(Exit::Done)
    }
}

fn print(
    items: &[QuarantinedItem],
    bytes: Option<u64>,
    arguments: &ListArgs,
    context: &mut Context,
) -> Result<(), CommandError> {
    let mut listing = Listing::new(COLUMNS, arguments)?;
    for item in items {
        listing.item(item, cells, &mut context.out)?;
    }
    let mut totals = vec![("total", items.len().into())];
    totals.extend(bytes.map(|bytes| ("bytes", bytes.into())));
    listing.finish(&totals, &mut context.out)
}

fn cells(item: &QuarantinedItem) -> Vec<Cell> {
    let reason = item.reason.as_ref();
    let id = reason.and_then(|reason| reason.id);
    let optional = |text: Option<String>| Cell::from(text.unwrap_or_default());
    vec![
        (&item.entry).into(),
        item.content.name().into(),
        optional(reason.map(|reason| reason.code.clone())),
        optional(reason.map(|reason| reason.from.clone())),
        optional(id.map(|id| id.to_string())),
        item.size.to_string().into(),
        optional(reason.map(|reason| reason.time.to_string())),
        optional(reason.map(|reason| reason.detail.clone())),
        optional(reason.and_then(|reason| reason.hint.clone())),
    ]
}

fn line(item: &QuarantinedItem) -> String {
    let (entry, size) = (&item.entry, item.size);
    match &item.reason {
        Some(reason) => format!("  {entry}: {size} bytes, from {}", reason.from),
        None => format!("  {entry}: {size} bytes"),
    }
}
