use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::database::blob;
use super::events::{self, NewEvent};
use super::lock::Held;
use super::{Artifact, Catalog, CatalogError, Context, Depth, Examination};
use crate::digest::{PackageId, Sha256Digest};
use crate::fsio::LockKind;
use crate::trust::Verdict;

/// Findings that are written at once: one transaction costs about as much as looking at a few packages.
const BATCH: usize = 256;

/// Writes findings into the catalog, many at once, as long as that can be written to.
pub(super) struct Recorder {
    trust_state: Sha256Digest,
    depth: Depth,
    /// Whether to wait for others who change the catalog.
    waits: bool,
    pending: Vec<Pending>,
    failure: Option<CatalogError>,
}

/// One finding, and what was on record when it was made.
struct Pending {
    id: PackageId,
    before: (&'static str, Timestamp),
    found: Examination,
}

impl Recorder {
    pub(super) fn new(trust_state: Sha256Digest, depth: Depth, waits: bool) -> Self {
        Self {
            trust_state,
            depth,
            waits,
            pending: Vec::new(),
            failure: None,
        }
    }

    /// Why findings could not be written, if so; they are dropped from then on.
    pub(super) fn failure(&self) -> Option<&CatalogError> {
        self.failure.as_ref()
    }

    /// The same, when there is nothing more to write.
    pub(super) fn into_failure(self) -> Option<CatalogError> {
        self.failure
    }

    /// One more finding.
    pub(super) fn add(
        &mut self,
        catalog: &mut Catalog,
        artifact: &Artifact,
        found: &Examination,
        context: &Context<'_>,
    ) -> Result<(), CatalogError> {
        if self.failure.is_some() {
            return Ok(());
        }
        self.pending.push(Pending {
            id: artifact.id,
            before: (artifact.state.name(), artifact.checked_at),
            found: found.clone(),
        });
        if self.pending.len() < BATCH {
            return Ok(());
        }
        self.flush(catalog, context)
    }

    /// Writes what was not written yet. What cannot be written is no reason to stop looking.
    pub(super) fn flush(
        &mut self,
        catalog: &mut Catalog,
        context: &Context<'_>,
    ) -> Result<(), CatalogError> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() || self.failure.is_some() {
            return Ok(());
        }
        let timeout = if self.waits {
            catalog.lock_timeout
        } else {
            std::time::Duration::ZERO
        };
        let exclusive = Held::take(
            &catalog.layout,
            LockKind::Exclusive,
            timeout,
            context.progress,
        );
        let written = exclusive.and_then(|_exclusive| {
            catalog
                .database
                .write("record the findings", |transaction| {
                    let mut pending = pending.iter();
                    pending.try_for_each(|pending| self.write(transaction, pending, context))
                })
        });
        match written {
            Err(CatalogError::Cancelled) => Err(CatalogError::Cancelled),
            Err(error) => {
                self.failure = Some(error);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn write(
        &self,
        transaction: &Transaction<'_>,
        pending: &Pending,
        context: &Context<'_>,
    ) -> rusqlite::Result<()> {
        let Pending { id, before, found } = pending;
        let (key, (state, checked_at)) = (blob(&id.digest()), before);
        // Removed, restored or verified by somebody else meanwhile: then that is newer.
        let changed = transaction
            .prepare_cached(
                "UPDATE artifact SET state = ?4, state_code = ?5, checked_at = ?6, trust_state = ?7
                 WHERE id = ?1 AND state = ?2 AND checked_at = ?3",
            )?
            .execute(params![
                key,
                state,
                checked_at.as_microsecond(),
                found.state.name(),
                found.code,
                context.now.as_microsecond(),
                blob(&self.trust_state),
            ])?;
        if changed == 0 {
            return Ok(());
        }
        if let Some(verdict) = &found.verdict {
            write_verdict(transaction, id, verdict)?;
        }
        if *state == found.state.name() {
            return Ok(());
        }
        let subject = id.to_string();
        let details = serde_json::json!({
            "from": state,
            "to": found.state,
            "code": found.code,
            "depth": self.depth,
        });
        events::append(
            transaction,
            &NewEvent {
                time: context.now,
                kind: "state",
                subject: &subject,
                actor: context.actor,
                details,
            },
        )
    }
}

/// Writes what a verification of an artifact checked, in place of the one before.
pub(super) fn write_verdict(
    transaction: &Transaction<'_>,
    id: &PackageId,
    verdict: &Verdict,
) -> rusqlite::Result<()> {
    let report = serde_json::to_string(verdict)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let key = blob(&id.digest());
    transaction
        .prepare_cached(
            "INSERT INTO verdict (artifact, report) VALUES (?1, ?2)
             ON CONFLICT (artifact) DO UPDATE SET report = excluded.report",
        )?
        .execute(params![key, report])?;
    for signer in &verdict.signers {
        transaction
            .prepare_cached(
                "UPDATE signer SET identity = ?3 WHERE artifact = ?1 AND certificate = ?2",
            )?
            .execute(params![key, blob(&signer.sha256), signer.identity])?;
    }
    Ok(())
}

/// Notes the trust that an artifact was verified under.
pub(super) fn note_trust(
    transaction: &Transaction<'_>,
    id: &PackageId,
    trust_state: &Sha256Digest,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE artifact SET trust_state = ?2 WHERE id = ?1")?
        .execute([blob(&id.digest()), blob(trust_state)])
        .map(drop)
}
