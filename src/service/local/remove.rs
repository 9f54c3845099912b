use super::{Local, context, dated};
use crate::catalog::{Access, Cleaned, Discard};
use crate::service::{
    Call, CleanRequest, DiscardReply, Event, RemoveRequest, SCHEMA, ServiceError,
};

impl Local {
    pub(super) fn remove(
        &self,
        request: &RemoveRequest,
        call: &Call<'_>,
    ) -> Result<DiscardReply, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let items = if request.dry_run {
            catalog.plan_removal(&request.ids)?
        } else {
            catalog.remove(&request.ids, &dated(call)?)?
        };
        let foreign = Vec::new();
        Ok(reply(Cleaned { items, foreign }, request.dry_run, call))
    }

    pub(super) fn clean(
        &self,
        request: CleanRequest,
        call: &Call<'_>,
    ) -> Result<DiscardReply, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let cleaned = if request.dry_run {
            catalog.plan_cleaning(request.sets, &context(call))?
        } else {
            catalog.clean(request.sets, &dated(call)?)?
        };
        Ok(reply(cleaned, request.dry_run, call))
    }
}

fn reply(cleaned: Cleaned, dry_run: bool, call: &Call<'_>) -> DiscardReply {
    for item in &cleaned.items {
        call.observer.event(&if dry_run {
            Event::DiscardPlanned(item)
        } else {
            Event::Discarded(item)
        });
    }
    DiscardReply {
        schema: SCHEMA,
        dry_run,
        total: u64::try_from(cleaned.items.len()).unwrap_or(u64::MAX),
        bytes: Discard::total(&cleaned.items),
        items: cleaned.items,
        foreign: cleaned.foreign,
    }
}
