use jiff::Timestamp;
use rusqlite::{Row, Transaction};

use super::{Event, Head, head, sequence};
use crate::catalog::CatalogError;
use crate::catalog::database::{Database, damaged, digest, time};
use crate::digest::IdPrefix;

/// Which entries to read; every part that is given has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those about artifacts whose ID begins like this, listed or not.
    pub subject: Option<IdPrefix>,
    /// Those of this kind.
    pub kind: Option<String>,
    /// Those of this time or later.
    pub since: Option<Timestamp>,
    /// The last ones, at most so many.
    pub limit: Option<u64>,
}

/// Hands out entries in their order, as long as `take` wants more; gives the end of the whole log.
///
/// They are read in batches, and nobody is kept from writing while they are handed out.
pub(in crate::catalog) fn read_each(
    database: &mut Database,
    filter: &Filter,
    take: &mut dyn FnMut(Event) -> bool,
) -> Result<Head, CatalogError> {
    let operation = "read the event log";
    let mut part = database.read(operation, |transaction| Part::of(transaction, filter))?;
    loop {
        let batch = database.read(operation, |transaction| part.next(transaction, filter))?;
        if batch.is_empty() || !batch.into_iter().all(&mut *take) {
            return Ok(part.end);
        }
    }
}

/// The last `limit` entries, oldest first; all without a limit.
pub(in crate::catalog) fn read(
    database: &mut Database,
    limit: Option<u64>,
) -> Result<Vec<Event>, CatalogError> {
    let mut events = Vec::new();
    let filter = Filter {
        limit,
        ..Filter::default()
    };
    read_each(database, &filter, &mut |event| {
        events.push(event);
        true
    })?;
    Ok(events)
}

/// Part of the log, to be read in batches: entries only come, so two numbers say where it is.
#[derive(Debug)]
struct Part {
    /// The last entry before what is still to be read.
    after: u64,
    /// The end of the log when it was looked at.
    end: Head,
}

/// Entries read in one go: enough to be quick, few enough to hold.
const BATCH: i64 = 512;

/// The entries that the filter lets through, by number, kind, artifact and time.
const FILTERED: &str = "FROM event WHERE sequence > ?4 AND sequence <= ?5
    AND (?1 IS NULL OR substr(subject, 1, length(?1)) = ?1)
    AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR time >= ?3)";

impl Part {
    /// What the filter means as of now.
    fn of(transaction: &Transaction<'_>, filter: &Filter) -> rusqlite::Result<Self> {
        let mut part = Self {
            after: 0,
            end: head(transaction)?,
        };
        if let Some(limit) = filter.limit {
            let first: Option<i64> = transaction
                .prepare_cached(&format!(
                    "SELECT min(sequence) FROM
                     (SELECT sequence {FILTERED} ORDER BY sequence DESC LIMIT ?6)"
                ))?
                .query_row(part.parameters(filter, whole(limit)), |row| row.get(0))?;
            let before = |first: i64| u64::try_from(first.saturating_sub(1)).unwrap_or(0);
            part.after = first.map_or(part.end.sequence, before);
        }
        Ok(part)
    }

    /// The next entries in their order; none when all were read.
    fn next(
        &mut self,
        transaction: &Transaction<'_>,
        filter: &Filter,
    ) -> rusqlite::Result<Vec<Event>> {
        let mut statement = transaction.prepare_cached(&format!(
            "SELECT sequence, time, kind, subject, actor, details, previous, hash {FILTERED}
             ORDER BY sequence LIMIT ?6"
        ))?;
        let events: Vec<Event> = statement
            .query_map(self.parameters(filter, BATCH), event_of)?
            .collect::<rusqlite::Result<_>>()?;
        self.after = events
            .last()
            .map_or(self.end.sequence, |last| last.sequence);
        Ok(events)
    }

    fn parameters(&self, filter: &Filter, limit: i64) -> impl rusqlite::Params {
        (
            filter.subject.as_ref().map(|id| id.as_str().to_owned()),
            filter.kind.clone(),
            filter.since.map(Timestamp::as_microsecond),
            whole(self.after),
            whole(self.end.sequence),
            limit,
        )
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn event_of(row: &Row<'_>) -> rusqlite::Result<Event> {
    let details: String = row.get(5)?;
    Ok(Event {
        sequence: sequence(row)?,
        time: time(row, 1)?,
        kind: row.get(2)?,
        subject: row.get(3)?,
        actor: row.get(4)?,
        details: serde_json::from_str(&details).map_err(|error| damaged(5, error.to_string()))?,
        previous: digest(row, 6)?,
        hash: digest(row, 7)?,
    })
}
