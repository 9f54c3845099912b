use rusqlite::Transaction;

use super::companions::Companions;
use super::filter::Filter;
use super::{ListRequest, Listed, count, places, references_of, short};
use crate::catalog::database::{ARTIFACT_COLUMNS, artifact_of};

/// Artifacts read in one go: enough to be quick, few enough to hold.
const BATCH: usize = 256;

/// What a listing will list, as of one state of the database.
#[derive(Debug)]
pub(super) struct Plan {
    /// How many artifacts there are without limit and offset.
    pub(super) total: u64,
    /// Row numbers in the order of the listing.
    places: Vec<i64>,
    next: usize,
    companions: Companions,
}

impl Plan {
    pub(super) fn read(
        transaction: &Transaction<'_>,
        request: &ListRequest,
    ) -> rusqlite::Result<Self> {
        let filter = Filter::of(request);
        let all = count(transaction, "SELECT count(*) FROM artifact", &[])?;
        let total = if filter.is_empty() {
            all
        } else {
            let counted = format!("SELECT count(*) FROM artifact WHERE {}", filter.condition());
            count(transaction, &counted, filter.values())?
        };
        let rest = total.saturating_sub(request.offset);
        let wanted = request.limit.unwrap_or(u64::MAX).min(rest);
        let mut statement = transaction.prepare_cached(&places(request, &filter, wanted))?;
        let values = rusqlite::params_from_iter(filter.values());
        let places = statement.query_map(values, |row| row.get(0))?;
        Ok(Self {
            total,
            places: places.collect::<rusqlite::Result<_>>()?,
            next: 0,
            companions: Companions::new(transaction, wanted, all)?,
        })
    }

    /// Whether there are no more of them.
    pub(super) fn is_finished(&self) -> bool {
        self.next >= self.places.len()
    }

    /// The row numbers that come next.
    pub(super) fn next_batch(&mut self) -> Option<Vec<i64>> {
        let end = self.next.saturating_add(BATCH).min(self.places.len());
        let batch = self.places.get(self.next..end)?;
        self.next = end;
        (!batch.is_empty()).then(|| batch.to_vec())
    }

    /// The artifacts that still have these row numbers.
    pub(super) fn rows(
        &mut self,
        transaction: &Transaction<'_>,
        places: &[i64],
    ) -> rusqlite::Result<Vec<Listed>> {
        let referenced = count(transaction, "SELECT EXISTS (SELECT 1 FROM reference)", &[])? > 0;
        let mut statement = transaction.prepare_cached(&format!(
            "SELECT {ARTIFACT_COLUMNS}, artifact.rowid FROM artifact
             WHERE artifact.rowid BETWEEN ?1 AND ?2 ORDER BY artifact.rowid"
        ))?;
        let place = statement.column_index("rowid")?;
        let mut listed = Vec::with_capacity(places.len());
        // Those that lie side by side are read at a stretch.
        for stretch in places.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
            let mut rows = statement.query([stretch.first(), stretch.last()])?;
            while let Some(row) = rows.next()? {
                let (artifact, place) = (artifact_of(row)?, row.get(place)?);
                let id = artifact.id.digest();
                let Some(companion) = self.companions.of(transaction, place, &id)? else {
                    continue;
                };
                listed.push(Listed {
                    short_id: short::cut(&id, companion.digits),
                    signers: companion.signers.into_owned(),
                    references: if referenced {
                        references_of(transaction, &id)?
                    } else {
                        Vec::new()
                    },
                    artifact,
                });
            }
        }
        Ok(listed)
    }
}
