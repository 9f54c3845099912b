//! Listing what is on record, piece by piece: a catalog of any size is listed in a few megabytes.

mod companions;
mod filter;
mod plan;
mod request;
mod short;
mod signers;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use rusqlite::Transaction;

use self::filter::Filter;
use self::plan::Plan;
use super::database::{Database, blob, digest};
use super::{Artifact, Catalog, CatalogError};
use crate::digest::{PackageId, Sha256Digest};

const OPERATION: &str = "list the artifacts";
/// As many artifacts are looked up one by one; adding all up is quicker for more.
const FEW: usize = 1000;

pub use self::request::{ListRequest, Order};

/// What makes a verdict out of date, each of which an index finds; `:trust` comes before `:yesterday`.
const STALE: [&str; 4] = [
    "trust_state < :trust",
    "trust_state > :trust",
    "trust_state IS NULL",
    "(signed AND signed_at IS NULL AND checked_at < :yesterday)",
];

/// One artifact of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What is on record.
    pub artifact: Artifact,
    /// The shortest beginning of its ID, of five digits or more, that no other artifact has.
    pub short_id: String,
    /// Who signed it.
    pub signers: Vec<ListedSigner>,
    /// Who needs it.
    pub references: Vec<ListedReference>,
}

/// Who signed an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSigner {
    /// The rule of the identities file that matched.
    pub identity: Option<String>,
    /// Subject of the certificate.
    pub subject: String,
}

/// Who needs an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedReference {
    /// What for: `committed-image`, `installed-patch`, `running-upgrade` or `pin`.
    pub kind: String,
    /// Who.
    pub holder: String,
    /// Why.
    pub reason: String,
}

/// Part of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many artifacts there are without limit and offset.
    pub total: u64,
    /// The artifacts asked for.
    pub items: Vec<Listed>,
}

/// A listing under way.
///
/// What is listed, and in which order, is one state of the database. The rows are read in batches, and nobody
/// is kept from writing between them: what was removed meanwhile is left out.
#[derive(Debug)]
pub struct Listing<'a> {
    database: &'a mut Database,
    plan: Plan,
}

impl Listing<'_> {
    /// How many artifacts there are without limit and offset.
    pub fn total(&self) -> u64 {
        self.plan.total
    }

    /// Whether there is nothing more to read.
    pub fn is_finished(&self) -> bool {
        self.plan.is_finished()
    }

    /// Some hundred artifacts, as long as there are more; seldom none, if they were all removed meanwhile.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Listed>>, CatalogError> {
        let Some(places) = self.plan.next_batch() else {
            return Ok(None);
        };
        let read = |transaction: &Transaction<'_>| self.plan.rows(transaction, &places);
        self.database.read(OPERATION, read).map(Some)
    }
}

impl Catalog {
    /// Lists artifacts as they are on record; nothing is verified anew.
    pub fn list(&mut self, request: &ListRequest) -> Result<Page, CatalogError> {
        let mut listing = self.listing(request)?;
        let mut items = Vec::new();
        while let Some(batch) = listing.next_batch()? {
            items.extend(batch);
        }
        let total = listing.total();
        Ok(Page { total, items })
    }

    /// Begins a listing that is read batch by batch.
    pub fn listing(&mut self, request: &ListRequest) -> Result<Listing<'_>, CatalogError> {
        let plan = self
            .database
            .read(OPERATION, |transaction| Plan::read(transaction, request))?;
        Ok(Listing {
            database: &mut self.database,
            plan,
        })
    }

    /// Those artifacts of a listing that were last judged under another trust than this, or that have no
    /// timestamp, so that time may have changed the judgement, and were judged before `yesterday`.
    pub(super) fn stale(
        &mut self,
        request: &ListRequest,
        trust_state: &Sha256Digest,
        yesterday: Timestamp,
    ) -> Result<Vec<PackageId>, CatalogError> {
        self.database.read("look for old verdicts", |transaction| {
            let own = [blob(trust_state), yesterday.as_microsecond().into()];
            if count(transaction, &any_stale(), &own)? == 0 {
                return Ok(Vec::new());
            }
            let filter = Filter::of(request);
            let mut statement = transaction.prepare_cached(&format!(
                "SELECT id FROM ({}) AS page CROSS JOIN artifact ON artifact.rowid = page.place
                 WHERE {} ORDER BY id",
                places(request, &filter, request.limit.unwrap_or(u64::MAX)),
                STALE.join(" OR "),
            ))?;
            let values = filter.values().iter().chain(&own);
            let ids = statement.query_map(rusqlite::params_from_iter(values), |row| {
                digest(row, 0).map(PackageId::new)
            })?;
            ids.collect()
        })
    }

    /// How many bytes these artifacts have; of all together if there are many, which is only told.
    pub(super) fn bytes_of(&mut self, ids: &[PackageId]) -> Result<u64, CatalogError> {
        self.database.read("add up the sizes", |transaction| {
            if ids.len() > FEW {
                return count(transaction, "SELECT sum(size) FROM artifact", &[]);
            }
            let mut statement =
                transaction.prepare_cached("SELECT size FROM artifact WHERE id = ?1")?;
            let mut bytes = 0_u64;
            for id in ids {
                let mut sizes = statement.query_map([blob(&id.digest())], |row| row.get(0))?;
                let size: i64 = sizes.next().transpose()?.unwrap_or(0);
                bytes = bytes.saturating_add(u64::try_from(size).unwrap_or(0));
            }
            Ok(bytes)
        })
    }

    /// All IDs in their order, with the shortest unique beginning of each.
    pub fn ids(&mut self) -> Result<Vec<(PackageId, String)>, CatalogError> {
        let mut ids = Vec::new();
        let mut listing = self.listing(&ListRequest {
            order: Order::Id,
            ..ListRequest::default()
        })?;
        while let Some(batch) = listing.next_batch()? {
            ids.extend(
                batch
                    .into_iter()
                    .map(|item| (item.artifact.id, item.short_id)),
            );
        }
        Ok(ids)
    }

    /// One artifact as [`Catalog::list`] gives it.
    pub fn listed(&mut self, id: &PackageId) -> Result<Listed, CatalogError> {
        let artifact = self.artifact(id)?;
        self.database.read(OPERATION, |transaction| {
            let id = artifact.id.digest();
            let digits = short::digits_of(transaction, &id)?;
            Ok(Listed {
                short_id: short::cut(&id, digits),
                signers: signers::signers_of(transaction, &id)?,
                references: references_of(transaction, &id)?,
                artifact,
            })
        })
    }

    /// The shortest beginning of `id`, of five digits or more, that no other artifact has.
    pub fn short_id(&mut self, id: &PackageId) -> Result<String, CatalogError> {
        let id = id.digest();
        self.database.read(OPERATION, |transaction| {
            Ok(short::cut(&id, short::digits_of(transaction, &id)?))
        })
    }
}

/// Whether any verdict of the catalog is out of date; no row is looked at for it.
fn any_stale() -> String {
    let found = STALE.map(|why| format!("EXISTS (SELECT 1 FROM artifact WHERE {why})"));
    format!("SELECT {}", found.join(" OR "))
}

/// Where the artifacts of a listing are, in its order: the keys are sorted, not the rows.
fn places(request: &ListRequest, filter: &Filter, limit: u64) -> String {
    format!(
        "SELECT rowid AS place FROM artifact WHERE {} ORDER BY {} LIMIT {} OFFSET {}",
        filter.condition(),
        request.order_by(),
        whole(limit),
        whole(request.offset),
    )
}

fn references_of(
    transaction: &Transaction<'_>,
    id: &Sha256Digest,
) -> rusqlite::Result<Vec<ListedReference>> {
    let mut statement = transaction.prepare_cached(
        "SELECT kind, holder, reason FROM reference WHERE artifact = ?1 ORDER BY kind, holder",
    )?;
    let references = statement.query_map([blob(id)], |row| {
        Ok(ListedReference {
            kind: row.get(0)?,
            holder: row.get(1)?,
            reason: row.get(2)?,
        })
    })?;
    references.collect()
}

fn count(
    transaction: &Transaction<'_>,
    query: &str,
    values: &[rusqlite::types::Value],
) -> rusqlite::Result<u64> {
    let count: i64 = transaction
        .prepare_cached(query)?
        .query_row(rusqlite::params_from_iter(values), |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// A number as SQL knows it.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
