use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::catalog::{service, told};
use crate::cli::args::{ChangeArgs, ListArgs, TargetOrBootenvArgs};
use crate::cli::progress::Bar;
use crate::cli::prompt::confirm;
use crate::cli::table::{Cell, Column, Listing, Place};
use crate::cli::{CommandError, Context, Exit, Printer};
use crate::progress::Progress;
use crate::service::installed::{Depth, Finding, FixOptions, Step};
use crate::service::{
    Call, EnvName, Event, Management as _, Observer, VerifyInstalledReply, VerifyInstalledRequest,
};

/// Compare what is installed with what was signed, and repair it
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct Args {
    /// Compare these only, and what is below them; paths of the system, from its root
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Repair what differs, each file by itself, from the package in the catalog
    #[arg(long)]
    fix: bool,

    /// Compare everything but the contents of files
    #[arg(long, conflicts_with = "full")]
    quick: bool,

    /// Compare every byte [default]
    #[arg(long)]
    full: bool,

    /// Look for extra files in DIR, / for all, instead of in those directories of the image that are neither
    /// its root nor the machine's; may be repeated
    #[arg(long, value_name = "DIR")]
    extra: Vec<PathBuf>,

    /// Remove extra files, too; not where paths are named
    #[arg(long, requires = "fix", conflicts_with = "paths")]
    remove_extra: bool,

    /// Put configuration and state of this machine back to what the image has, too
    #[arg(long, requires = "fix")]
    local: bool,

    /// Compare the boot environment NAME; as --bootenv, but of any target [default: the one that
    /// runs, else the one that boots]
    #[arg(long, value_name = "NAME", conflicts_with = "bootenv")]
    name: Option<EnvName>,

    #[command(flatten)]
    change: ChangeArgs,

    #[command(flatten)]
    target: TargetOrBootenvArgs,

    #[command(flatten)]
    list: ListArgs,
}

const HELP: &str = "\
Prints what differs; with --fix what was done about it, or with --dry-run what would be. What is
below etc, var and the like belongs to the machine: it is shown apart and left alone, as extra files
are. Ends with 3 when something of the image differs and was not repaired.

Examples:
  isi upgrade verify-installed
  isi upgrade verify-installed --quick /usr/bin
  isi upgrade verify-installed --fix --dry-run
  isi upgrade verify-installed --bootenv old --fix /usr/lib/libc.so.6";

/// What is asked before something of the machine's own is lost.
const REMOVES_EXTRA: &str = "This will remove every extra file that is listed above.";
const REPLACES_LOCAL: &str =
    "This will replace configuration and state of this machine with what the image has.";

const FINDINGS: &[Column] = &[
    Column {
        title: "Class",
        place: Place::Fixed,
    },
    Column {
        title: "Path",
        place: Place::GivesWay,
    },
    Column {
        title: "Differs",
        place: Place::Fixed,
    },
    Column {
        title: "Detail",
        place: Place::Full,
    },
];

const STEPS: &[Column] = &[
    Column {
        title: "Action",
        place: Place::Fixed,
    },
    Column {
        title: "Path",
        place: Place::GivesWay,
    },
    Column {
        title: "Bytes",
        place: Place::Fixed,
    },
];

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let questions = self.questions();
        let asks = !questions.is_empty() && !self.change.dry_run && !self.change.force;
        if asks && !context.out.terminal().input {
            // Nobody to ask: refused before the long work.
            confirm(context, &questions, false)?;
        }
        let request = self.request();
        let (reply, seen) = follow(context, &request, asks.then_some(questions.as_str()))?;
        let totals = totals(&reply)?;
        if self.fix {
            let steps = if self.change.dry_run {
                &seen.planned
            } else {
                &seen.done
            };
            let mut listing = Listing::new(STEPS, &self.list)?;
            for step in steps {
                listing.item(step, step_cells, &mut context.out)?;
            }
            listing.finish(&totals, &mut context.out)?;
        } else {
            let mut listing = Listing::new(FINDINGS, &self.list)?;
            for finding in &seen.found {
                listing.item(finding, finding_cells, &mut context.out)?;
            }
            listing.finish(&totals, &mut context.out)?;
        }
        conclude(&reply, self.fix, &mut context.out);
        Ok(if reply.problems == 0 {
            Exit::Done
        } else {
            Exit::ProblemsFound
        })
    }

    fn questions(&self) -> String {
        let sentences = [
            (self.remove_extra, REMOVES_EXTRA),
            (self.local, REPLACES_LOCAL),
        ];
        let wanted = sentences.into_iter().filter(|(wanted, _)| *wanted);
        let wanted: Vec<_> = wanted.map(|(_, sentence)| sentence).collect();
        wanted.join(" ")
    }

    fn request(&self) -> VerifyInstalledRequest {
        VerifyInstalledRequest {
            target: self.target.target(),
            environment: self.name.as_ref().or(self.target.bootenv()).cloned(),
            depth: if self.quick {
                Depth::Quick
            } else {
                Depth::Full
            },
            paths: self.paths.clone(),
            extra: self.extra.clone(),
            fix: self.fix.then_some(FixOptions {
                local: self.local,
                remove_extra: self.remove_extra,
            }),
            dry_run: self.change.dry_run,
        }
    }
}

/// Calls the service; gives what was found, planned and done.
fn follow(
    context: &mut Context,
    request: &VerifyInstalledRequest,
    question: Option<&str>,
) -> Result<(VerifyInstalledReply, Told), CommandError> {
    let (now, actor) = (context.now, context.actor.clone());
    let service = service(context)?;
    let watcher = Watcher {
        bar: Bar::new(&context.out, &context.interrupt),
        question,
        seen: Mutex::new(Seen {
            context,
            told: Told::default(),
            refusal: None,
        }),
    };
    let call = Call {
        now,
        actor: &actor,
        observer: &watcher,
    };
    let result = service.verify_installed(request, &call);
    drop(watcher.bar);
    let seen = watcher.seen.into_inner();
    let seen = seen.unwrap_or_else(PoisonError::into_inner);
    if let Some(refusal) = seen.refusal {
        return Err(refusal);
    }
    let reply = result.map_err(|error| told(error, seen.context))?;
    Ok((reply, seen.told))
}

/// Shows the progress, keeps what is told, and asks.
struct Watcher<'a> {
    bar: Bar,
    question: Option<&'a str>,
    seen: Mutex<Seen<'a>>,
}

struct Seen<'a> {
    context: &'a mut Context,
    told: Told,
    refusal: Option<CommandError>,
}

#[derive(Default)]
struct Told {
    found: Vec<Finding>,
    planned: Vec<Step>,
    done: Vec<Step>,
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
            Event::InstalledFound(finding) => seen.told.found.push((*finding).clone()),
            Event::FixPlanned(step) => seen.told.planned.push((*step).clone()),
            Event::FixDone(step) => seen.told.done.push((*step).clone()),
            other => self.bar.event(other),
        }
    }

    fn agrees_to_fix(&self, _plan: &VerifyInstalledReply) -> bool {
        let Some(question) = self.question else {
            return true;
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen {
            context,
            told,
            refusal,
        } = &mut *seen;
        self.bar.aside(|| {
            for step in &told.planned {
                let line = format!("{} /{}", step.action.name(), step.path);
                context.out.say(&line);
            }
            *refusal = confirm(context, question, false).err();
        });
        refusal.is_none()
    }
}

fn totals(
    reply: &VerifyInstalledReply,
) -> Result<Vec<(&'static str, serde_json::Value)>, CommandError> {
    let left = serde_json::to_value(&reply.left).map_err(CommandError::failed)?;
    Ok(vec![
        ("compared", reply.compared.into()),
        ("environment", reply.environment.as_str().into()),
        ("package", reply.package.to_string().into()),
        ("bytes", reply.bytes.into()),
        ("damaged", reply.damaged.into()),
        ("local", reply.local.into()),
        ("extra", reply.extra.into()),
        ("hidden", reply.hidden.into()),
        ("planned", reply.planned.into()),
        ("planned_bytes", reply.planned_bytes.into()),
        ("done", reply.done.into()),
        ("left", left),
        ("problems", reply.problems.into()),
    ])
}

fn finding_cells(finding: &Finding) -> Vec<Cell> {
    let differences = || finding.differences.iter();
    let aspects: Vec<_> = differences().map(|one| one.aspect.name()).collect();
    let details: Vec<_> = differences().map(ToString::to_string).collect();
    vec![
        finding.class.name().into(),
        format!("/{}", finding.path).into(),
        aspects.join(",").into(),
        details.join("; ").into(),
    ]
}

fn step_cells(step: &Step) -> Vec<Cell> {
    vec![
        step.action.name().into(),
        format!("/{}", step.path).into(),
        step.bytes.to_string().into(),
    ]
}

fn conclude(reply: &VerifyInstalledReply, fix: bool, out: &mut Printer) {
    for left in &reply.left {
        out.complain("left", &format!("/{}: {}", left.path, left.reason.text()));
    }
    let (name, compared) = (&reply.environment, reply.compared);
    match (reply.problems, reply.done) {
        (0, 0) if compared == 1 => out.note(&format!("{name}: 1 entry is as it was signed")),
        (0, 0) => out.note(&format!(
            "{name}: {compared} entries are as they were signed"
        )),
        (0, 1) => out.note(&format!("{name}: repaired in 1 step, as it was signed now")),
        (0, done) => out.note(&format!(
            "{name}: repaired in {done} steps, as it was signed now"
        )),
        (problems, _) => out.note(&format!("{name}: {problems} of {compared} entries differ")),
    }
    if reply.problems > 0 && !fix {
        out.note("hint: --fix repairs them");
    }
}
