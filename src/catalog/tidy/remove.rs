use rusqlite::Transaction;

use super::Discard;
use super::trash::discard_artifact;
use crate::catalog::database::blob;
use crate::catalog::events::{self, NewEvent};
use crate::catalog::{Artifact, Catalog, CatalogError, Context};
use crate::digest::{IdPrefix, PackageId};
use crate::fsio::LockKind;

impl Catalog {
    /// What [`Catalog::remove`] would remove; refuses what it would refuse.
    pub fn plan_removal(&mut self, ids: &[IdPrefix]) -> Result<Vec<Discard>, CatalogError> {
        let artifacts = self.removable(ids)?;
        let plan = artifacts.iter().map(|artifact| self.removal_of(artifact));
        plan.collect()
    }

    /// Removes artifacts with all that is on record of them: all of them, or none if one is refused.
    ///
    /// What is referenced is refused. The rows go first, in one step; the files after that.
    pub fn remove(
        &mut self,
        ids: &[IdPrefix],
        context: &Context<'_>,
    ) -> Result<Vec<Discard>, CatalogError> {
        let _exclusive = self.hold(LockKind::Exclusive, context.progress)?;
        let artifacts = self.removable(ids)?;
        let plan = (artifacts.iter())
            .map(|artifact| self.removal_of(artifact))
            .collect::<Result<_, _>>()?;
        self.database.write("remove the artifacts", |transaction| {
            artifacts.iter().try_for_each(|artifact| {
                delete_row(transaction, &artifact.id)?;
                record(transaction, "remove", artifact, context)
            })
        })?;
        for artifact in &artifacts {
            let id = artifact.id;
            discard_artifact(&self.layout, &id).map_err(|source| CatalogError::LeftBehind {
                id,
                source: Box::new(source),
            })?;
        }
        Ok(plan)
    }

    /// The artifacts meant, each once, if none of them is needed.
    fn removable(&mut self, ids: &[IdPrefix]) -> Result<Vec<Artifact>, CatalogError> {
        let mut artifacts: Vec<Artifact> = Vec::new();
        for prefix in ids {
            let artifact = self.expect_one(prefix)?;
            if artifacts.iter().all(|known| known.id != artifact.id) {
                artifacts.push(artifact);
            }
        }
        for artifact in &artifacts {
            let held = self.references(&artifact.id)?;
            if !held.is_empty() {
                let id = artifact.id;
                return Err(CatalogError::Referenced { id, held });
            }
        }
        Ok(artifacts)
    }

    fn removal_of(&self, artifact: &Artifact) -> Result<Discard, CatalogError> {
        Ok(Discard::Artifact {
            id: artifact.id,
            name: artifact.name.clone(),
            version: artifact.version.clone(),
            bytes: self.layout.artifact_length(&artifact.id)?.unwrap_or(0),
        })
    }
}

/// Deletes what is on record of an artifact itself.
pub(super) fn delete_row(transaction: &Transaction<'_>, id: &PackageId) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM artifact WHERE id = ?1")?
        .execute([blob(&id.digest())])?;
    transaction
        .prepare_cached(
            "DELETE FROM certificate
             WHERE NOT EXISTS (SELECT 1 FROM signer WHERE certificate = sha256)",
        )?
        .execute([])
        .map(drop)
}

/// Notes that an artifact is not listed any more.
pub(super) fn record(
    transaction: &Transaction<'_>,
    kind: &str,
    artifact: &Artifact,
    context: &Context<'_>,
) -> rusqlite::Result<()> {
    let details = serde_json::json!({
        "type": artifact.package_type,
        "name": artifact.name,
        "version": artifact.version,
        "build": artifact.build,
        "size": artifact.size,
    });
    let event = NewEvent {
        time: context.now,
        kind,
        subject: &artifact.id.to_string(),
        actor: context.actor,
        details,
    };
    events::append(transaction, &event)
}
