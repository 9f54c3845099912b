use crate::cli::{CommandError, Kind, Printer};
use crate::service::{Event, StepEvent, StepState, UpgradeStatus};

/// One line of the event stream.
#[derive(serde::Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line<'a> {
    /// A step stands there now.
    Step(&'a StepEvent),
    /// What it all came to: the last line.
    Status(&'a UpgradeStatus),
}

/// Tells of a step: as a line of JSON where a program reads, else in words.
///
/// A reader who went away stops no upgrade: the work counts, and not who watches it.
pub(super) fn tell(event: &Event<'_>, json: bool, out: &mut Printer) -> Result<(), CommandError> {
    let Event::Step(step) = event else {
        return Ok(());
    };
    if json {
        return line(&Line::Step(step), out);
    }
    match step.state {
        StepState::Begun => out.note(&format!("{:>3}% {}", step.percent, step.name)),
        StepState::Failed => out.note(&format!("{:>3}% {} failed", step.percent, step.name)),
        StepState::Running | StepState::Done => {}
    }
    Ok(())
}

/// Ends the event stream.
pub(super) fn end(status: &UpgradeStatus, out: &mut Printer) -> Result<(), CommandError> {
    line(&Line::Status(status), out)
}

/// Says what to do after the work was stopped by a signal.
pub(super) fn stopped(error: &CommandError, out: &mut Printer) {
    if matches!(error.kind(), Kind::Interrupted(_)) {
        out.note("`isi upgrade view` shows where it stands; what was begun can go on or be undone");
    }
}

fn line(line: &Line<'_>, out: &mut Printer) -> Result<(), CommandError> {
    let text = serde_json::to_string(line).map_err(CommandError::failed)?;
    match out.json_line(&text) {
        Err(error) if matches!(error.kind(), Kind::BrokenPipe) => Ok(()),
        printed => printed,
    }
}
