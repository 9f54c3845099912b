//! The event log: who changed what, when, each entry bound to the one before it.
//!
//! The chain shows that an entry was changed, removed or put in between. It does not stop somebody who
//! can write the database from making a new chain: compare its [`Head`] with a copy kept elsewhere.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::database::{blob, damaged, digest, time};
use crate::digest::{Hasher, Sha256Digest};

/// First bytes of what is hashed; a change of the form needs a new number.
const DOMAIN: &[u8] = b"isi-catalog event 1\n";
/// Key of the chain's end in the table of single facts.
const HEAD_KEY: &str = "event-head";

/// Something that changed the catalog, or was refused for want of trust.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Event {
    /// Position in the log, from 1 on without gaps.
    pub sequence: u64,
    /// When, by the caller's clock.
    pub time: Timestamp,
    /// What happened: `import`, `import-refused`, `restore`.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Head {
    /// Number of entries.
    pub sequence: u64,
    /// Hash of the last one, zero if there is none.
    pub hash: Sha256Digest,
}

/// What is wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ChainFinding {
    /// An entry is missing.
    Gap {
        /// Where one was expected.
        expected: u64,
        /// Where the next one is.
        found: u64,
    },
    /// An entry's content does not have the hash it carries.
    Changed {
        /// The entry.
        sequence: u64,
    },
    /// An entry does not follow from the one before it.
    Unlinked {
        /// The entry.
        sequence: u64,
    },
    /// The log ends elsewhere than it should.
    End {
        /// The end on record.
        expected: Head,
        /// The end found.
        found: Head,
    },
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
    let head = head(transaction)?;
    let sequence = head.sequence.saturating_add(1);
    let details = event.details.to_string();
    let record = Record {
        sequence,
        time: event.time.as_microsecond(),
        kind: event.kind,
        subject: event.subject,
        actor: event.actor,
        details: &details,
    };
    let hash = record.hash(&head.hash);
    transaction
        .prepare_cached(
            "INSERT INTO event (sequence, time, kind, subject, actor, details, previous, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            i64::try_from(sequence).unwrap_or(i64::MAX),
            record.time,
            record.kind,
            record.subject,
            record.actor,
            record.details,
            blob(&head.hash),
            blob(&hash),
        ])?;
    let mut value = sequence.to_le_bytes().to_vec();
    value.extend(hash.as_bytes());
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

/// The last `limit` entries, oldest first; all without a limit.
pub(super) fn read(
    transaction: &Transaction<'_>,
    limit: Option<u64>,
) -> rusqlite::Result<Vec<Event>> {
    let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let mut statement = transaction.prepare_cached(
        "SELECT * FROM (SELECT sequence, time, kind, subject, actor, details, previous, hash
                        FROM event ORDER BY sequence DESC LIMIT ?1) ORDER BY sequence",
    )?;
    let events = statement.query_map([limit], |row| {
        let details: String = row.get(5)?;
        Ok(Event {
            sequence: sequence(row)?,
            time: time(row, 1)?,
            kind: row.get(2)?,
            subject: row.get(3)?,
            actor: row.get(4)?,
            details: serde_json::from_str(&details)
                .map_err(|error| damaged(5, error.to_string()))?,
            previous: digest(row, 6)?,
            hash: digest(row, 7)?,
        })
    })?;
    events.collect()
}

/// Follows the chain from its first entry to its last; an empty answer means nothing was found wrong.
pub(super) fn verify(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<ChainFinding>> {
    let mut statement = transaction.prepare(
        "SELECT sequence, time, kind, subject, actor, details, previous, hash
         FROM event ORDER BY sequence",
    )?;
    let mut rows = statement.query([])?;
    let mut findings = Vec::new();
    let mut last = START;
    while let Some(row) = rows.next()? {
        let found = sequence(row)?;
        let expected = last.sequence.saturating_add(1);
        let (previous, hash) = (digest(row, 6)?, digest(row, 7)?);
        let texts: [String; 4] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
        let [kind, subject, actor, details] = &texts;
        let record = Record {
            sequence: found,
            time: row.get(1)?,
            kind,
            subject,
            actor,
            details,
        };
        if found != expected {
            findings.push(ChainFinding::Gap { expected, found });
        } else if previous != last.hash {
            findings.push(ChainFinding::Unlinked { sequence: found });
        }
        if record.hash(&previous) != hash {
            findings.push(ChainFinding::Changed { sequence: found });
        }
        last = Head {
            sequence: found,
            hash,
        };
    }
    let expected = head(transaction)?;
    if expected != last {
        let found = last;
        findings.push(ChainFinding::End { expected, found });
    }
    Ok(findings)
}

fn sequence(row: &Row<'_>) -> rusqlite::Result<u64> {
    let value: i64 = row.get(0)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, value))
}

/// What of an entry is hashed.
struct Record<'a> {
    sequence: u64,
    time: i64,
    kind: &'a str,
    subject: &'a str,
    actor: &'a str,
    details: &'a str,
}

impl Record<'_> {
    /// The hash as `format-spec/catalog.md` defines it.
    fn hash(&self, previous: &Sha256Digest) -> Sha256Digest {
        let mut hasher = Hasher::new();
        hasher.update(DOMAIN);
        hasher.update(previous.as_bytes());
        hasher.update(&self.sequence.to_le_bytes());
        hasher.update(&self.time.to_le_bytes());
        for text in [self.kind, self.subject, self.actor, self.details] {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            hasher.update(&length.to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::database::Database;
    use super::super::database::tests::fresh;
    use super::*;

    fn log(count: i64) -> (tempfile::TempDir, Database) {
        let (home, mut database) = fresh();
        for number in 1..=count {
            let event = NewEvent {
                time: Timestamp::from_second(number).unwrap(),
                kind: "import",
                subject: "ab",
                actor: "root",
                details: serde_json::json!({ "number": number }),
            };
            database
                .write("test", |transaction| append(transaction, &event))
                .unwrap();
        }
        (home, database)
    }

    fn tamper(database: &mut Database, statement: &str) -> Vec<ChainFinding> {
        database
            .write("test", |transaction| {
                transaction.execute_batch(
                    "DROP TRIGGER event_keeps_its_past; DROP TRIGGER event_stays;",
                )?;
                transaction.execute_batch(statement)
            })
            .unwrap();
        database.read("test", verify).unwrap()
    }

    #[test]
    fn the_hash_is_the_one_the_specification_works_out() {
        let record = Record {
            sequence: 1,
            time: 1_767_225_600_000_000,
            kind: "import",
            subject: "",
            actor: "root",
            details: "{}",
        };
        let hash = record.hash(&START.hash).to_string();
        let specification = include_str!("../../format-spec/catalog.md");
        assert!(specification.contains(&hash), "{hash}");
    }

    #[test]
    fn an_untouched_log_has_no_findings_and_reads_back() {
        let (_home, mut database) = log(5);
        assert_eq!(database.read("test", verify).unwrap(), []);
        let all = database
            .read("test", |transaction| read(transaction, None))
            .unwrap();
        let last = database
            .read("test", |transaction| read(transaction, Some(2)))
            .unwrap();
        assert_eq!(all.len(), 5);
        assert_eq!(last, all[3..]);
        assert_eq!(all[4].details["number"], 5);
        assert_eq!(all[1].previous, all[0].hash);
        let head = database.read("test", head).unwrap();
        assert_eq!((head.sequence, head.hash), (5, all[4].hash));
        let (_home, mut empty) = log(0);
        assert_eq!(empty.read("test", verify).unwrap(), []);
    }

    #[test]
    fn every_way_to_tamper_is_found() {
        for column in [
            "time = time + 1",
            "kind = 'x'",
            "subject = 'x'",
            "actor = 'x'",
            "details = '[]'",
        ] {
            let (_home, mut database) = log(4);
            let statement = format!("UPDATE event SET {column} WHERE sequence = 2");
            let findings = tamper(&mut database, &statement);
            assert_eq!(
                findings,
                [ChainFinding::Changed { sequence: 2 }],
                "{column}"
            );
        }
        let (_home, mut database) = log(4);
        let findings = tamper(&mut database, "DELETE FROM event WHERE sequence = 2");
        assert_eq!(
            findings,
            [ChainFinding::Gap {
                expected: 2,
                found: 3
            }]
        );
        let (_home, mut database) = log(4);
        let findings = tamper(&mut database, "DELETE FROM event WHERE sequence = 4");
        assert!(
            matches!(findings[..], [ChainFinding::End { .. }]),
            "{findings:?}"
        );
        let (_home, mut database) = log(4);
        let statement = "UPDATE event SET hash = zeroblob(32) WHERE sequence = 2";
        let findings = tamper(&mut database, statement);
        assert_eq!(
            findings,
            [
                ChainFinding::Changed { sequence: 2 },
                ChainFinding::Unlinked { sequence: 3 }
            ]
        );
        let (_home, mut database) = log(4);
        let statement = "UPDATE event SET previous = zeroblob(32) WHERE sequence = 3";
        let findings = tamper(&mut database, statement);
        assert_eq!(
            findings,
            [
                ChainFinding::Unlinked { sequence: 3 },
                ChainFinding::Changed { sequence: 3 }
            ]
        );
    }
}
