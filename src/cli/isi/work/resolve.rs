use std::path::PathBuf;

use super::image::name;
use crate::cli::args::{ListArgs, TargetArgs};
use crate::cli::isi::catalog::call;
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit};
use crate::fsio;
use crate::service::{ConflictItem, Decision, EntryPath, EnvName, ResolveRequest};

/// Longest file that decides a conflict, in bytes.
const LIMIT: u64 = 64 << 20;

/// List configuration that could not be merged, and decide what it is to be
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    /// Paths in the boot environment; without any, all conflicts are listed
    #[arg(value_name = "PATH", value_parser = path)]
    paths: Vec<EntryPath>,

    /// Look at the boot environment NAME only
    #[arg(long, value_name = "NAME", value_parser = name)]
    bootenv: Option<EnvName>,

    #[command(flatten)]
    decision: DecisionArgs,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    list: ListArgs,
}

/// What is decided.
#[derive(clap::Args, Clone, Debug)]
#[group(multiple = false)]
struct DecisionArgs {
    /// It stays as it is in the boot environment
    #[arg(long, requires = "paths")]
    ours: bool,

    /// It becomes what the image has, or goes where the image has nothing
    #[arg(long, requires = "paths")]
    theirs: bool,

    /// It becomes a copy of FILE, in which no marker of a conflict may be left
    #[arg(long, value_name = "FILE", requires = "paths")]
    file: Option<PathBuf>,
}

const HELP: &str = "\
Until a conflict is decided, the boot environment has what the machine had before. The text of both
sides, with markers, is where --format csv and json say. Exit code 3: there are conflicts.

Examples:
  isi upgrade resolve
  isi upgrade resolve etc/ssh/sshd_config --ours
  isi upgrade resolve etc/ntp.conf --file ntp.conf.merged";

const COLUMNS: &[Column] = &[
    column("Bootenv", Place::Fixed),
    column("Path", Place::GivesWay),
    column("Reason", Place::GivesWay),
    column("Merged", Place::Full),
];

const fn column(title: &'static str, place: Place) -> Column {
    Column { title, place }
}

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let decision = self.decision.decision()?;
        let request = ResolveRequest {
            target: self.target.target(),
            environment: self.bootenv,
            paths: self.paths,
            decision,
        };
        let reply = call(context, |service, call| {
            service.upgrade_resolve(&request, call)
        })
        .map_err(|error| error.attempting("cannot resolve conflicts"))?;
        for item in &reply.resolved {
            let (path, environment) = (item.path.to_text(), &item.environment);
            context
                .out
                .note(&format!("{path} of {environment} is decided"));
        }
        let mut listing = Listing::new(COLUMNS, &self.list)?;
        for item in &reply.conflicts {
            listing.item(item, cells, &mut context.out)?;
        }
        let totals = [
            ("root", reply.root.display().to_string().into()),
            ("total", reply.conflicts.len().into()),
        ];
        listing.finish(&totals, &mut context.out)?;
        Ok(if reply.conflicts.is_empty() {
            Exit::Done
        } else {
            Exit::ProblemsFound
        })
    }
}

impl DecisionArgs {
    fn decision(&self) -> Result<Option<Decision>, CommandError> {
        Ok(match &self.file {
            _ if self.ours => Some(Decision::Ours),
            _ if self.theirs => Some(Decision::Theirs),
            Some(label) => Some(Decision::Text {
                text: fsio::read_bounded(label, LIMIT)?,
                label: label.clone(),
            }),
            None => None,
        })
    }
}

fn cells(item: &ConflictItem) -> Vec<Cell> {
    let merged = item.merged.as_ref().map(|path| path.display().to_string());
    vec![
        item.environment.to_string().into(),
        item.path.to_text().into(),
        Cell::short(item.reason.clone(), item.kind.name()),
        merged.unwrap_or_else(|| "-".to_owned()).into(),
    ]
}

/// A path as it is listed, with or without a slash before it.
fn path(text: &str) -> Result<EntryPath, String> {
    let text = text.trim_start_matches('/');
    EntryPath::from_text(text).map_err(|rule| rule.to_string())
}
