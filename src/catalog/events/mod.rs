//! The event log: who changed what, when, each entry bound to the one before it.
//!
//! The chain shows that an entry was changed, removed or put in between. It does not stop somebody who
//! can write the database from making a new chain: compare its [`Head`] with a copy kept elsewhere.

mod chain;
pub(super) mod mirror;
mod read;
mod stored;
#[cfg(test)]
mod testing;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::database::{blob, damaged, digest};
use crate::digest::Sha256Digest;

pub use self::chain::ChainFinding;
pub(super) use self::chain::verify;
pub use self::read::Filter;
pub(super) use self::read::{read, read_each};
pub(super) use self::stored::Stored;

/// Key of the chain's end in the table of single facts.
const HEAD_KEY: &str = "event-head";

/// What can happen: every word that [`Event::kind`] has, as `format-spec/catalog.md` explains them.
pub const KINDS: [&str; 36] = [
    "import",
    "restore",
    "state",
    "import-refused",
    "override",
    "remove",
    "rebuild",
    "move",
    "quarantine",
    "recover",
    "correct",
    "committed-image-missing",
    "purge",
    "lost",
    "clean",
    "upgrade-start",
    "upgrade-step",
    "upgrade-pause",
    "upgrade-resume",
    "upgrade-carry",
    "upgrade-resolve",
    "upgrade-activate",
    "upgrade-commit",
    "upgrade-rollback",
    "upgrade-archive",
    "hook",
    "health-check",
    "pin",
    "unpin",
    "bootenv-create",
    "bootenv-activate",
    "bootenv-good",
    "bootenv-destroy",
    "installed-repair",
    "reference",
    "unreference",
];

/// Something that changed the catalog, or was refused for want of trust.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Event {
    /// Position in the log, from 1 on without gaps.
    pub sequence: u64,
    /// When, by the caller's clock.
    pub time: Timestamp,
    /// What happened, one of [`KINDS`]; a later version of this program may know more.
    pub kind: String,
    /// The artifact's ID, or empty.
    pub subject: String,
    /// Who did it, as the caller says.
    pub actor: String,
    /// More facts, a JSON object.
    pub details: serde_json::Value,
    /// Hash of the entry before, zero for the first.
    pub previous: Sha256Digest,
    /// Hash of this entry.
    pub hash: Sha256Digest,
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Head {
    /// Number of entries.
    pub sequence: u64,
    /// Hash of the last one, zero if there is none.
    pub hash: Sha256Digest,
}

/// An entry to be appended.
pub(super) struct NewEvent<'a> {
    pub(super) time: Timestamp,
    pub(super) kind: &'a str,
    pub(super) subject: &'a str,
    pub(super) actor: &'a str,
    pub(super) details: serde_json::Value,
}

/// Appends an entry in the transaction that makes the change.
pub(super) fn append(transaction: &Transaction<'_>, event: &NewEvent<'_>) -> rusqlite::Result<()> {
    debug_assert!(KINDS.contains(&event.kind), "{:?}", event.kind);
    let head = head(transaction)?;
    let event = Stored {
        sequence: head.sequence.saturating_add(1),
        time: event.time.as_microsecond(),
        kind: event.kind.to_owned(),
        subject: event.subject.to_owned(),
        actor: event.actor.to_owned(),
        details: event.details.to_string(),
        previous: head.hash,
        hash: Sha256Digest::from_bytes([0; Sha256Digest::LENGTH]),
    };
    insert(transaction, &event.sealed())
}

/// Enters an entry of an older log as it is if it follows from the last one, else bound anew to that.
///
/// Tells whether it was entered as it is. What it says stays in any case: when, who and what.
pub(super) fn continue_with(
    transaction: &Transaction<'_>,
    event: &Stored,
) -> rusqlite::Result<bool> {
    let head = head(transaction)?;
    let sequence = head.sequence.saturating_add(1);
    if (event.sequence, event.previous) == (sequence, head.hash) {
        insert(transaction, event)?;
        return Ok(true);
    }
    let event = Stored {
        sequence,
        previous: head.hash,
        ..event.clone()
    };
    insert(transaction, &event.sealed())?;
    Ok(false)
}

/// Enters an entry as it is, and makes it the end of the log.
pub(super) fn insert(transaction: &Transaction<'_>, event: &Stored) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO event (sequence, time, kind, subject, actor, details, previous, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            i64::try_from(event.sequence).unwrap_or(i64::MAX),
            event.time,
            event.kind,
            event.subject,
            event.actor,
            event.details,
            blob(&event.previous),
            blob(&event.hash),
        ])?;
    let mut value = event.sequence.to_le_bytes().to_vec();
    value.extend(event.hash.as_bytes());
    transaction
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute(params![HEAD_KEY, value])?;
    Ok(())
}

/// The end of the log on record.
pub(super) fn head(transaction: &Transaction<'_>) -> rusqlite::Result<Head> {
    let value: Option<Vec<u8>> = transaction
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([HEAD_KEY], |row| row.get(0))
        .optional()?;
    let Some(value) = value else {
        return Ok(START);
    };
    let parts = value.split_first_chunk::<8>().and_then(|(sequence, hash)| {
        let hash = Sha256Digest::from_bytes(hash.try_into().ok()?);
        Some((u64::from_le_bytes(*sequence), hash))
    });
    let (sequence, hash) =
        parts.ok_or_else(|| damaged(0, "the end of the event log is not 40 bytes"))?;
    Ok(Head { sequence, hash })
}

const START: Head = Head {
    sequence: 0,
    hash: Sha256Digest::from_bytes([0; Sha256Digest::LENGTH]),
};

/// The entries after `sequence`, oldest first, at most `limit`.
pub(super) fn after(
    transaction: &Transaction<'_>,
    sequence: u64,
    limit: u32,
) -> rusqlite::Result<Vec<Stored>> {
    let mut statement = transaction.prepare_cached(
        "SELECT sequence, time, kind, subject, actor, details, previous, hash
         FROM event WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    )?;
    let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
    let events = statement.query_map(params![sequence, limit], stored)?;
    events.collect()
}

/// Whether the log has exactly this entry, or is to begin.
pub(super) fn contains(transaction: &Transaction<'_>, entry: &Head) -> rusqlite::Result<bool> {
    if *entry == START {
        return Ok(true);
    }
    let sequence = i64::try_from(entry.sequence).unwrap_or(i64::MAX);
    transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM event WHERE sequence = ?1 AND hash = ?2)")?
        .query_row(params![sequence, blob(&entry.hash)], |row| row.get(0))
}

/// Reads an entry as it is stored from a row of all columns.
fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        sequence: sequence(row)?,
        time: row.get(1)?,
        kind: row.get(2)?,
        subject: row.get(3)?,
        actor: row.get(4)?,
        details: row.get(5)?,
        previous: digest(row, 6)?,
        hash: digest(row, 7)?,
    })
}

fn sequence(row: &Row<'_>) -> rusqlite::Result<u64> {
    let value: i64 = row.get(0)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, value))
}
