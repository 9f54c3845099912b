use super::steps;
use crate::cli::args::{ChangeArgs, OutputArgs, TargetArgs};
use crate::cli::isi::catalog::{call, follow};
use crate::cli::prompt::confirm;
use crate::cli::{CommandError, Context, Exit};
use crate::service::{RollbackPreviewReply, RollbackRequest};

/// Take an upgrade back that is not committed
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(in crate::cli::isi) struct Args {
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", default_value = "on request")]
    reason: String,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    change: ChangeArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Needs neither the package nor the catalog. Where the new system runs already, the machine has to start
anew; its boot environment is kept until `isi upgrade archive`.

Examples:
  isi upgrade rollback --dry-run
  isi upgrade rollback --reason 'the web server is too slow'";

impl Args {
    pub(in crate::cli::isi) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let (target, json) = (self.target.target(), self.output.is_json());
        let preview = call(context, |service, call| {
            service.upgrade_rollback_preview(&target, call)
        })
        .map_err(|error| error.attempting("cannot roll back"))?;
        if self.change.dry_run {
            if json {
                context.out.json(&preview)?;
            } else {
                context.out.line(&said(&preview))?;
            }
            return Ok(Exit::Done);
        }
        confirm(context, &said(&preview), self.change.force)?;
        let request = RollbackRequest {
            target,
            reason: self.reason,
        };
        let status = follow(
            context,
            &mut |event, out| steps::tell(event, json, out),
            |service, call| service.upgrade_rollback(&request, call),
        )
        .map_err(|error| error.attempting("cannot roll back"))?;
        if json {
            steps::end(&status, &mut context.out)?;
        } else {
            let environment = &preview.preview.environment;
            context
                .out
                .note(&format!("the upgrade to {environment} was taken back"));
            if let (true, Some(previous)) = (preview.preview.restart, &preview.preview.previous) {
                context
                    .out
                    .note(&format!("restart the machine to run {previous}"));
            }
        }
        Ok(Exit::Done)
    }
}

/// What it comes to, in words.
fn said(reply: &RollbackPreviewReply) -> String {
    let preview = &reply.preview;
    let environment = &preview.environment;
    let then = match &preview.previous {
        Some(previous) if preview.restart => {
            format!("{previous} boots when the machine starts anew")
        }
        Some(previous) => format!("{previous} boots"),
        None if preview.kept => "nothing boots until another image is installed".to_owned(),
        None => "nothing of it stays".to_owned(),
    };
    let advice = preview.advice.iter();
    let advice = advice.map(|advice| format!("\nBut {} ({}).", advice.text, advice.code));
    let advice: String = advice.collect();
    format!("This takes back the upgrade to {environment}: {then}.{advice}")
}
