use std::process::Command;

use super::call;
use crate::cli::args::{OutputArgs, TargetArgs};
use crate::cli::{CommandError, Context, Exit, Printer};
use crate::service::{CheckReply, Checked, Settled};

/// Look whether the running system is well, and mark it good or bad if it is on trial
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Restart the machine if it is bad, so that something else boots
    #[arg(long, conflicts_with_all = ["root", "jail"])]
    reboot: bool,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
To be run at the end of every start. Runs the health checks of this program and those that came with
the image. Ends with 3 if something is not well. A system that is good stays good. One on trial that
runs with the old kernel stays on trial: its own kernel was not started.

Examples:
  isi upgrade bootenv check
  isi upgrade bootenv check --reboot";

/// The program that restarts a machine.
const REBOOT: &str = "reboot";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let target = self.target.target();
        let reply = call(context, |service, call| {
            service.upgrade_check(&target, call)
        })
        .map_err(|error| error.attempting("cannot look whether the system is well"))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
        } else {
            print(&reply, &mut context.out)?;
        }
        if reply.passed {
            return Ok(Exit::Done);
        }
        if self.reboot && reply.report.settled == Settled::Bad {
            restart(context)?;
        }
        Ok(Exit::ProblemsFound)
    }
}

fn print(reply: &CheckReply, out: &mut Printer) -> Result<(), CommandError> {
    let report = &reply.report;
    if let Some(rolled_back) = &report.rolled_back {
        out.warn(&format!(
            "upgrade {} was rolled back: {}",
            rolled_back.number, rolled_back.reason
        ));
    }
    for check in &report.checks {
        let word = if check.passed { "pass" } else { "FAIL" };
        out.line(&format!(
            "{word} {}: {}{}",
            check.name,
            check.detail,
            code(check)
        ))?;
        for line in check.output.lines() {
            out.line(&format!("     {line}"))?;
        }
        if let Some(hint) = &check.hint {
            out.line(&format!("     hint: {hint}"))?;
        }
    }
    let environment = &report.environment;
    match report.settled {
        Settled::Nothing => {}
        Settled::Good => out.note(&format!("{environment} is good now")),
        Settled::Trial => out.note(&format!(
            "{environment} stays on trial: its own kernel was not started"
        )),
        Settled::Bad => out.note(&format!(
            "{environment} is bad: it will not be started again"
        )),
    }
    Ok(())
}

fn code(check: &Checked) -> String {
    let code = check.code.as_ref();
    code.map_or(String::new(), |code| format!(" ({code})"))
}

/// Starts the machine anew, as its own program for that does it.
fn restart(context: &mut Context) -> Result<(), CommandError> {
    context.out.note("restarting the machine");
    let started = Command::new(REBOOT).status();
    let failed = |why: String| {
        CommandError::failed(format!("cannot restart the machine: {why}"))
            .code("E_REBOOT")
            .hint("restart it by hand: something else will boot then")
    };
    match started {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("{REBOOT} ended with {status}"))),
        Err(error) => Err(failed(format!("{REBOOT}: {error}"))),
    }
}
