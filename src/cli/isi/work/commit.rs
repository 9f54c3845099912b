use super::steps;
use crate::cli::args::{ChangeArgs, OutputArgs, TargetArgs};
use crate::cli::details::field;
use crate::cli::isi::catalog::{call, follow};
use crate::cli::prompt::confirm;
use crate::cli::{CommandError, Context, Exit, Printer};
use crate::service::{CommitPreviewReply, Permanent};

/// Make the running system permanent
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    change: ChangeArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Says first what cannot be undone, and asks. The image is kept in the catalog; a system that never was
a package becomes one, signed with the machine's own key. Ends with 3 if the image is missing.

Examples:
  isi upgrade commit --dry-run
  isi upgrade commit
  isi upgrade commit --force --format json";

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let (target, json) = (self.target.target(), self.output.is_json());
        let reply = call(context, |service, call| {
            service.upgrade_commit_preview(&target, call)
        })
        .map_err(|error| error.attempting("cannot commit"))?;
        if self.change.dry_run {
            if json {
                context.out.json(&reply)?;
            } else {
                print(&reply, &mut context.out)?;
            }
            return Ok(Exit::Done);
        }
        if !reply.preview.irreversible.is_empty() {
            let explanation = explanation(&reply);
            if self.change.force {
                // Nobody is asked, but whoever reads along learns it.
                for line in explanation.lines() {
                    context.out.note(line);
                }
            }
            confirm(context, &explanation, self.change.force)?;
        }
        let reply = follow(
            context,
            &mut |event, out| steps::tell(event, json, out),
            |service, call| service.upgrade_commit(&target, call),
        )
        .map_err(|error| error.attempting("cannot commit"))?;
        let image = &reply.committed.image;
        if json {
            steps::end(&reply.status, &mut context.out)?;
        } else {
            let (origin, environment) = (&image.origin, &image.environment);
            context.out.note(&format!(
                "{} {} in {environment} is permanent",
                origin.name, origin.version
            ));
        }
        if reply.committed.present {
            return Ok(Exit::Done);
        }
        let id = image.origin.package;
        let missing = format!("the committed image {id} is missing from the catalog");
        context.out.complain("error", &missing);
        context.out.complain("  code", "E_COMMITTED_IMAGE_MISSING");
        context.out.complain(
            "hint",
            "`isi upgrade catalog repair --from PATH` fetches it from a file, a directory or another catalog",
        );
        Ok(Exit::ProblemsFound)
    }
}

fn print(reply: &CommitPreviewReply, out: &mut Printer) -> Result<(), CommandError> {
    let preview = &reply.preview;
    field(out, "Environment", &preview.environment.to_string())?;
    field(out, "Permanent", &permanent(&preview.permanent))?;
    for advice in &preview.irreversible {
        field(out, &advice.code, &advice.text)?;
    }
    Ok(())
}

/// What becomes permanent, in a few words.
fn permanent(permanent: &Permanent) -> String {
    let (image, note) = match permanent {
        Permanent::OwnImage => return "an image of this system, yet to be made".to_owned(),
        Permanent::Upgrade { image } | Permanent::Installed { image } => (image, ""),
        Permanent::Nothing { image, present } => {
            let note = if *present { ", already" } else { ", missing" };
            (image, note)
        }
    };
    format!("{} {}{note}", image.name, image.version)
}

/// What is said before the question.
fn explanation(reply: &CommitPreviewReply) -> String {
    let environment = &reply.preview.environment;
    let lines = reply.preview.irreversible.iter();
    let lines: Vec<_> = lines.map(|advice| format!("- {}", advice.text)).collect();
    format!(
        "This makes {environment} permanent. What cannot be undone:\n{}",
        lines.join("\n")
    )
}
