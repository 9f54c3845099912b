//! What of a journal the catalog's event log tells, too.

use serde_json::{Value, json};

use super::engine::Run;
use super::journal::{Entry, Outcome, Record};
use super::{Action, Node, Standing, Step};
use crate::digest::PackageId;

/// Enters what follows from the last record; what goes wrong with that is told and stops nothing.
pub(super) fn enter_last(node: &mut dyn Node, records: &[Record], run: &Run<'_>) {
    if let Some(event) = event_of(records) {
        enter(node, event, run);
    }
}

/// Enters what the event log lacks of a journal: its writer was killed between the two, or the log could not
/// be written. Does nothing where the log cannot be read.
pub(super) fn enter_missing(node: &mut dyn Node, records: &[Record], run: &Run<'_>) {
    let Some(standing) = Standing::of(records) else {
        return;
    };
    let image = standing.plan.package.id;
    let Ok(known) = node.logged(&image, standing.number, &run.context()) else {
        return;
    };
    for (line, record) in (1_usize..).zip(records) {
        let is_known = u64::try_from(line).is_ok_and(|line| known.contains(&line));
        let event = records.get(..line).and_then(event_of);
        if let Some(mut event) = event.filter(|_| !is_known) {
            event.details["happened"] = json!(record.time);
            enter(node, event, run);
        }
    }
}

fn enter(node: &mut dyn Node, event: Event, run: &Run<'_>) {
    let Event {
        kind,
        image,
        details,
    } = event;
    if let Err(error) = node.log(kind, &image, details, &run.context()) {
        let message = format!("{kind} is not in the event log: {error}");
        run.watch.warning(error.code(), &message);
    }
}

/// An entry of the event log.
struct Event {
    kind: &'static str,
    image: PackageId,
    details: Value,
}

/// The event that follows from the last one of these records; nothing where none does.
///
/// It names the upgrade and the line of the journal, by which it is known later whether the log has it.
fn event_of(records: &[Record]) -> Option<Event> {
    let standing = Standing::of(records)?;
    let plan = &standing.plan;
    let (kind, mut details) = match &records.last()?.entry {
        Entry::Start { .. } => (
            "upgrade-start",
            json!({
                "environment": plan.environment,
                "name": plan.package.name,
                "version": plan.package.version,
                "from": plan.from.as_ref().map(|from| &from.version),
                "allow_downgrade": plan.allow_downgrade,
            }),
        ),
        Entry::Done {
            action: Action::Upgrade,
            step: Step::Activate,
        } => (
            "upgrade-activate",
            json!({ "environment": plan.environment }),
        ),
        Entry::Failed {
            action,
            step,
            code,
            message,
        } => (
            "upgrade-step",
            json!({ "action": action, "step": step, "code": code, "message": message }),
        ),
        Entry::Paused { action } => (
            "upgrade-pause",
            json!({ "action": action, "step": standing.next_step() }),
        ),
        Entry::Resumed { action } => (
            "upgrade-resume",
            json!({ "action": action, "step": standing.next_step() }),
        ),
        Entry::End { outcome } => {
            let kind = match outcome {
                Outcome::Committed => "upgrade-commit",
                Outcome::RolledBack => "upgrade-rollback",
            };
            (kind, json!({ "outcome": outcome }))
        }
        _ => return None,
    };
    let numbers = [
        ("upgrade", standing.number),
        ("record", u64::try_from(records.len()).unwrap_or_default()),
    ];
    let members = details.as_object_mut()?;
    members.extend(numbers.map(|(name, number)| (name.to_owned(), number.into())));
    Some(Event {
        kind,
        image: plan.package.id,
        details,
    })
}
