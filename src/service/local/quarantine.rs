use super::{Local, context, dated};
use crate::catalog::quarantine::{self, Quarantined};
use crate::catalog::{Access, Catalog};
use crate::service::{
    Call, PurgeReply, PurgeRequest, QuarantineReply, QuarantinedItem, RestoreReply, RestoreRequest,
    SCHEMA, ServiceError,
};

impl Local {
    pub(super) fn quarantine(&self, call: &Call<'_>) -> Result<QuarantineReply, ServiceError> {
        let items = items(
            self.catalog(Access::Read, call)?
                .quarantined(&context(call))?,
        );
        Ok(QuarantineReply {
            schema: SCHEMA,
            total: u64::try_from(items.len()).unwrap_or(u64::MAX),
            items,
        })
    }

    pub(super) fn restore(
        &self,
        request: &RestoreRequest,
        call: &Call<'_>,
    ) -> Result<RestoreReply, ServiceError> {
        let trust = self.trust()?;
        let mut catalog = self.catalog(Access::Read, call)?;
        let restore = quarantine::RestoreRequest {
            entry: &request.entry,
            trust: &trust,
            unsigned: request.allow_unsigned.as_deref(),
        };
        let imported = catalog.restore(&restore, &dated(call)?)?;
        Ok(RestoreReply {
            schema: SCHEMA,
            entry: request.entry.clone(),
            outcome: imported.outcome,
            item: catalog.listed(&imported.artifact.id)?.into(),
        })
    }

    pub(super) fn purge(
        &self,
        request: &PurgeRequest,
        call: &Call<'_>,
    ) -> Result<PurgeReply, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let chosen = choose(&mut catalog, request, call)?;
        let purged = if request.dry_run {
            chosen
        } else {
            let names: Vec<_> = chosen.iter().map(|found| found.entry.as_str()).collect();
            catalog.purge(&names, &dated(call)?)?
        };
        let items = items(purged);
        Ok(PurgeReply {
            schema: SCHEMA,
            bytes: items.iter().map(|item| item.size).sum(),
            items,
        })
    }
}

/// The entries asked for; one that is not there is refused.
fn choose(
    catalog: &mut Catalog,
    request: &PurgeRequest,
    call: &Call<'_>,
) -> Result<Vec<Quarantined>, ServiceError> {
    let mut found = catalog.quarantined(&context(call))?;
    if request.entries.is_empty() {
        return Ok(found);
    }
    for entry in &request.entries {
        if found.iter().all(|found| found.entry != *entry) {
            let entry = entry.clone();
            return Err(crate::catalog::CatalogError::UnknownEntry { entry }.into());
        }
    }
    found.retain(|found| request.entries.contains(&found.entry));
    Ok(found)
}

fn items(found: Vec<Quarantined>) -> Vec<QuarantinedItem> {
    found.into_iter().map(QuarantinedItem::from).collect()
}
