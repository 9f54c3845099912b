use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::Transaction;

use super::half::Half;
use crate::catalog::database::{ARTIFACT_COLUMNS, artifact_of, digest, time};
use crate::catalog::{Artifact, State};
use crate::digest::PackageId;

/// What the catalog has on record, as far as a repair needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Records {
    /// What the database says of each artifact; empty if it has to be made anew.
    pub(super) rows: BTreeMap<PackageId, Row>,
    /// What the event log says of each artifact, as far as its row does not say it.
    pub(super) past: BTreeMap<PackageId, Past>,
    /// Who needs what.
    pub(super) references: Vec<Reference>,
    /// What somebody needs.
    needed: BTreeSet<PackageId>,
}

/// What the database says of one artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) state: State,
    pub(super) code: Option<Box<str>>,
    /// Digest of all that follows from the artifact itself.
    pub(super) facts: Half,
    /// Digest of what one version is told by.
    pub(super) software: Half,
    pub(super) manifest: Half,
    pub(super) unsigned_reason: Option<Box<str>>,
}

/// What the event log says of one artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// When it was imported, in microseconds, and by which entry of the log.
    pub(super) imported: Option<(i64, u64)>,
    /// Why it was let in unsigned.
    pub(super) unsigned_reason: Option<Box<str>>,
    /// Whether it was removed on purpose after that.
    pub(super) removed: bool,
    /// Whether the log says that it is missing although it is a committed image.
    pub(super) told: bool,
}

/// Who needs an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) id: PackageId,
    pub(super) kind: String,
    pub(super) holder: String,
    pub(super) reason: String,
}

impl Records {
    /// Whether the artifact is listed, or was imported and not removed since.
    pub(super) fn is_known(&self, id: &PackageId) -> bool {
        let past = self.past.get(id);
        self.rows.contains_key(id)
            || past.is_some_and(|past| past.imported.is_some() && !past.removed)
    }

    /// Whether the artifact was removed on purpose.
    pub(super) fn is_removed(&self, id: &PackageId) -> bool {
        !self.rows.contains_key(id) && self.past.get(id).is_some_and(|past| past.removed)
    }

    /// Whether the log says already that this committed image is missing.
    pub(super) fn is_told(&self, id: &PackageId) -> bool {
        self.past.get(id).is_some_and(|past| past.told)
    }

    /// Whether somebody needs the artifact.
    pub(super) fn is_referenced(&self, id: &PackageId) -> bool {
        self.needed.contains(id)
    }

    /// Why the artifact was let in unsigned.
    pub(super) fn unsigned_reason(&self, id: &PackageId) -> Option<&str> {
        let row = self
            .rows
            .get(id)
            .and_then(|row| row.unsigned_reason.as_deref());
        let past = self.past.get(id).filter(|past| !past.removed);
        row.or_else(|| past.and_then(|past| past.unsigned_reason.as_deref()))
    }

    /// When an artifact without a row was imported.
    pub(super) fn imported_at(&self, id: &PackageId) -> Option<Timestamp> {
        let past = self.past.get(id).filter(|past| !past.removed);
        let (time, _) = past.and_then(|past| past.imported)?;
        Timestamp::from_microsecond(time).ok()
    }

    /// What orders artifacts without rows as they were imported; those that never were come last, by
    /// their IDs.
    pub(super) fn age(&self, id: Option<PackageId>) -> impl Ord + use<> {
        let past = id.and_then(|id| self.past.get(&id));
        let imported = past.and_then(|past| past.imported);
        (imported.is_none(), imported, id)
    }

    /// Takes note of who needs an artifact.
    pub(super) fn need(&mut self, reference: Reference) {
        self.needed.insert(reference.id);
        self.references.push(reference);
    }

    /// Takes note of one entry of the event log.
    pub(super) fn note(&mut self, entry: &Entry<'_>) {
        let Ok(id) = entry.subject.parse::<PackageId>() else {
            return;
        };
        let mut past = self.past.remove(&id).unwrap_or_default();
        match entry.kind {
            "import" | "recover" => {
                past = Past {
                    imported: Some((entry.time.as_microsecond(), entry.sequence)),
                    unsigned_reason: unsigned_reason(entry.details),
                    ..Past::default()
                };
            }
            "restore" => past.told = false,
            "remove" => past.removed = true,
            "committed-image-missing" => past.told = true,
            _ => {}
        }
        // Of a large catalog most artifacts have a row that says it all.
        let counts = past.told || past.unsigned_reason.is_some();
        if counts || !self.rows.contains_key(&id) {
            self.past.insert(id, past);
        }
    }

    /// Reads everything from a sound database.
    pub(super) fn read(transaction: &Transaction<'_>) -> rusqlite::Result<Self> {
        let mut records = Self::default();
        let mut statement =
            transaction.prepare(&format!("SELECT {ARTIFACT_COLUMNS} FROM artifact"))?;
        let rows = statement.query_and_then([], |row| {
            let artifact = artifact_of(row)?;
            rusqlite::Result::Ok((artifact.id, Row::of(&artifact)))
        })?;
        // Made of all of them at once, a map takes half the room.
        records.rows = rows.collect::<rusqlite::Result<_>>()?;
        let mut statement = transaction.prepare(
            "SELECT sequence, time, kind, subject, details FROM event
             WHERE subject <> '' ORDER BY sequence",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            records.note(&Entry {
                sequence: row.get::<_, i64>(0)?.unsigned_abs(),
                time: time(row, 1)?,
                kind: row.get_ref(2)?.as_str()?,
                subject: row.get_ref(3)?.as_str()?,
                details: row.get_ref(4)?.as_str()?,
            });
        }
        let mut statement = transaction.prepare(
            "SELECT artifact, kind, holder, reason FROM reference ORDER BY artifact, kind, holder",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            records.need(Reference {
                id: PackageId::new(digest(row, 0)?),
                kind: row.get(1)?,
                holder: row.get(2)?,
                reason: row.get(3)?,
            });
        }
        Ok(records)
    }
}

/// What counts of one entry of the event log.
pub(super) struct Entry<'a> {
    pub(super) sequence: u64,
    pub(super) time: Timestamp,
    pub(super) kind: &'a str,
    pub(super) subject: &'a str,
    pub(super) details: &'a str,
}

impl Row {
    pub(super) fn of(artifact: &Artifact) -> Self {
        Self {
            state: artifact.state,
            code: artifact.state_code.as_deref().map(Box::from),
            facts: artifact.facts().into(),
            software: artifact.software().into(),
            manifest: artifact.manifest.into(),
            unsigned_reason: artifact.unsigned_reason.as_deref().map(Box::from),
        }
    }
}

fn unsigned_reason(details: &str) -> Option<Box<str>> {
    let details: serde_json::Value = serde_json::from_str(details).ok()?;
    let reason = details.get("unsigned_reason")?.as_str()?;
    Some(reason.into())
}
