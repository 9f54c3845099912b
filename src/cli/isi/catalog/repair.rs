use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::{service, told};
use crate::cli::args::{ChangeArgs, ListArgs};
use crate::cli::progress::Bar;
use crate::cli::prompt::confirm;
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit, Printer};
use crate::progress::Progress;
use crate::service::repair::{Action, Problem};
use crate::service::{Call, Event, Management as _, Observer, RepairReply, RepairRequest};

/// Verify everything in the catalog and make it whole again
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Fetch what is needed and missing from PATH: a package, a directory of packages, or a catalog;
    /// may be repeated
    #[arg(long, value_name = "PATH")]
    from: Vec<PathBuf>,

    #[command(flatten)]
    change: ChangeArgs,

    #[command(flatten)]
    list: ListArgs,
}

const HELP: &str = "\
Prints what was done, or with --dry-run what would be. Nothing is deleted: what fails goes to
quarantine. Ends with 3 when something is in quarantine now or stays wrong.

Examples:
  isi upgrade catalog repair --dry-run
  isi upgrade catalog repair --from /media/packages
  isi upgrade catalog repair --force --format json";

const EXPLANATION: &str = "\
This will attempt to repair the catalog directory. This will result in all stored artifacts being \
re-verified. Artifacts that fail to be verified will be quarantined. Additionally, a new catalog \
database will be initialized with the remaining artifacts if the present one is damaged.";

const COLUMNS: &[Column] = &[
    Column {
        title: "Action",
        place: Place::Fixed,
    },
    Column {
        title: "ID",
        place: Place::Fixed,
    },
    Column {
        title: "Item",
        place: Place::GivesWay,
    },
    Column {
        title: "Code",
        place: Place::Fixed,
    },
    Column {
        title: "Detail",
        place: Place::Full,
    },
];

/// Digits of an ID in tables.
const SHOWN_DIGITS: usize = 12;

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let asks = !self.change.dry_run && !self.change.force;
        if asks && !context.out.terminal().input {
            // Nobody to ask: refused before the long work.
            confirm(context, EXPLANATION, false)?;
        }
        let request = RepairRequest {
            dry_run: self.change.dry_run,
            from: self.from,
        };
        let (reply, steps) = follow(context, &request, asks)?;
        for problem in &reply.problems {
            complain(problem, &mut context.out);
        }
        let mut listing = Listing::new(COLUMNS, &self.list)?;
        for step in &steps {
            listing.item(step, cells, &mut context.out)?;
        }
        let totals = [
            ("total", steps.len().into()),
            ("problems", json(&reply.problems)?),
            ("files", reply.files.into()),
            ("bytes", reply.bytes.into()),
            ("left_to_clean", reply.left_to_clean.into()),
            ("skipped", reply.skipped.into()),
            ("set_aside", reply.set_aside.into()),
        ];
        listing.finish(&totals, &mut context.out)?;
        conclude(&reply, self.change.dry_run, &mut context.out);
        Ok(if reply.is_whole() {
            Exit::Done
        } else {
            Exit::ProblemsFound
        })
    }
}

/// Calls the service; returns what was done, or in a dry run what would be.
fn follow(
    context: &mut Context,
    request: &RepairRequest,
    asks: bool,
) -> Result<(RepairReply, Vec<Action>), CommandError> {
    let (now, actor) = (context.now, context.actor.clone());
    let service = service(context)?;
    let watcher = Watcher {
        bar: Bar::new(&context.out, &context.interrupt),
        asks,
        // Nobody looks at both at the end, and there may be many.
        keeps_plan: asks || request.dry_run,
        seen: Mutex::new(Seen {
            context,
            planned: Vec::new(),
            done: Vec::new(),
            refusal: None,
        }),
    };
    let call = Call {
        now,
        actor: &actor,
        observer: &watcher,
    };
    let result = service.repair(request, &call);
    drop(watcher.bar);
    let seen = watcher.seen.into_inner();
    let seen = seen.unwrap_or_else(PoisonError::into_inner);
    if let Some(refusal) = seen.refusal {
        return Err(refusal);
    }
    let reply = result.map_err(|error| told(error, seen.context))?;
    let steps = if request.dry_run {
        seen.planned
    } else {
        seen.done
    };
    Ok((reply, steps))
}

/// Shows the progress, keeps the steps, and asks.
struct Watcher<'a> {
    bar: Bar,
    asks: bool,
    keeps_plan: bool,
    seen: Mutex<Seen<'a>>,
}

struct Seen<'a> {
    context: &'a mut Context,
    planned: Vec<Action>,
    done: Vec<Action>,
    refusal: Option<CommandError>,
}

impl Progress for Watcher<'_> {
    fn begin(&self, name: &str, total: u64) {
        self.bar.begin(name, total);
    }

    fn advance(&self, bytes: u64) {
        self.bar.advance(bytes);
    }

    fn cancelled(&self) -> bool {
        self.bar.cancelled()
    }
}

impl Observer for Watcher<'_> {
    fn event(&self, event: &Event<'_>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::RepairPlanned(action) if self.keeps_plan => {
                seen.planned.push((*action).clone());
            }
            Event::RepairPlanned(_) => {}
            Event::RepairDone(action) => seen.done.push((*action).clone()),
            Event::RepairSkipped(action) => {
                let text = format!("{}: changed meanwhile, left as it is", line(action));
                seen.context.out.warn(&text);
            }
            other => self.bar.event(other),
        }
    }

    fn agrees(&self, plan: &RepairReply) -> bool {
        if !self.asks {
            return true;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen {
            context,
            planned,
            refusal,
            ..
        } = &mut *seen;
        self.bar.aside(|| {
            for problem in &plan.problems {
                complain(problem, &mut context.out);
            }
            // The rest of the work tells what was done.
            for action in std::mem::take(planned) {
                context.out.say(&line(&action));
            }
            *refusal = confirm(context, EXPLANATION, false).err();
        });
        refusal.is_none()
    }
}

fn json(value: &impl serde::Serialize) -> Result<serde_json::Value, CommandError> {
    serde_json::to_value(value).map_err(CommandError::failed)
}

fn cells(action: &Action) -> Vec<Cell> {
    let id = action.id().map(|id| id.to_string()).unwrap_or_default();
    let cause = action.cause();
    let code = cause.map(|cause| cause.code.clone()).unwrap_or_default();
    let detail = cause.map(|cause| cause.detail.clone()).unwrap_or_default();
    vec![
        action.name().into(),
        Cell::short(id.chars().take(SHOWN_DIGITS).collect::<String>(), id),
        action.item().into(),
        code.into(),
        detail.into(),
    ]
}

/// One step for a person.
fn line(action: &Action) -> String {
    let id = action.id().map(|id| id.to_string()).unwrap_or_default();
    let id: String = id.chars().take(SHOWN_DIGITS).collect();
    let parts = [action.name().to_owned(), id, action.item()];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    match action.cause() {
        Some(cause) => format!("{} ({}: {})", parts.join(" "), cause.code, cause.detail),
        None => parts.join(" "),
    }
}

/// Says what stays wrong.
fn complain(problem: &Problem, out: &mut Printer) {
    out.complain("error", &problem.to_string());
    out.complain("  code", problem.code());
    if let Some(hint) = problem.hint() {
        out.complain("hint", &hint);
    }
}

fn conclude(reply: &RepairReply, dry_run: bool, out: &mut Printer) {
    let (files, bytes) = (reply.files, reply.bytes);
    if reply.planned == 0 && reply.problems.is_empty() {
        out.note(&format!("nothing to repair: {files} files, {bytes} bytes"));
    }
    if reply.left_to_clean > 0 {
        let left = reply.left_to_clean;
        out.note(&format!(
            "{left} removed packages are still there: `isi upgrade catalog clean`"
        ));
    }
    if dry_run && reply.planned > 0 {
        out.note("nothing was changed");
    } else if reply.set_aside > 0 {
        out.note("`isi upgrade catalog quarantine list` shows what was set aside, and why");
    }
}
