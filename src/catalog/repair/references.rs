//! Who needs what and what was overridden, as the event log alone says it.

use std::collections::BTreeMap;

use rusqlite::{Transaction, params};
use serde::Deserialize;

use crate::catalog::database::blob;
use crate::catalog::events::Stored;
use crate::digest::PackageId;

/// The kinds of reference that there are.
const KINDS: [&str; 4] = [
    "committed-image",
    "installed-patch",
    "running-upgrade",
    "pin",
];

/// What follows from the event log and from nothing else.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// By artifact, kind and holder: the reason, and since when.
    pub(super) references: BTreeMap<(PackageId, String, String), (String, i64)>,
    overrides: Vec<Override>,
}

/// What was allowed against a refusal.
#[derive(Debug, PartialEq, Eq)]
struct Override {
    id: PackageId,
    actor: String,
    since: i64,
    details: Details,
}

/// The details of the events that count here.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
struct Details {
    kind: String,
    holder: String,
    action: String,
    code: String,
    reason: String,
    until: Option<i64>,
}

impl Needs {
    /// Takes note of one event.
    pub(super) fn note(&mut self, event: &Stored) {
        if !["pin", "unpin", "reference", "unreference", "override"].contains(&event.kind.as_str())
        {
            return;
        }
        let (Ok(id), Ok(mut details)) = (
            event.subject.parse::<PackageId>(),
            serde_json::from_str::<Details>(&event.details),
        ) else {
            return;
        };
        if event.kind.ends_with("pin") {
            "pin".clone_into(&mut details.kind);
        }
        let Details { kind, holder, .. } = &details;
        let key = (id, kind.clone(), holder.clone());
        match event.kind.as_str() {
            "pin" | "reference" if !KINDS.contains(&kind.as_str()) => {}
            "pin" | "reference" => {
                self.references.insert(key, (details.reason, event.time));
            }
            "unpin" | "unreference" => {
                self.references.remove(&key);
            }
            _ if details.reason.is_empty() => {}
            _ => self.overrides.push(Override {
                id,
                actor: event.actor.clone(),
                since: event.time,
                details,
            }),
        }
    }
}

/// Enters what was noted into a new database.
pub(super) fn insert(transaction: &Transaction<'_>, needs: &Needs) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare(
        "INSERT INTO reference (artifact, kind, holder, reason, since) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for ((id, kind, holder), (reason, since)) in &needs.references {
        statement.execute(params![blob(&id.digest()), kind, holder, reason, since])?;
    }
    let mut statement = transaction.prepare(
        "INSERT INTO override (artifact, action, code, reason, actor, since, until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for found in &needs.overrides {
        let Details {
            action,
            code,
            reason,
            until,
            ..
        } = &found.details;
        let (id, actor) = (blob(&found.id.digest()), &found.actor);
        statement.execute(params![id, action, code, reason, actor, found.since, until])?;
    }
    Ok(())
}
