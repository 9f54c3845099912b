use super::Local;
use crate::catalog::{Access, CatalogError};
use crate::service::{Call, Event, HistoryReply, HistoryRequest, SCHEMA, ServiceError};

impl Local {
    pub(super) fn history(
        &self,
        request: &HistoryRequest,
        call: &Call<'_>,
    ) -> Result<HistoryReply, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let mut listed = 0;
        let head = catalog.events_each(&request.filter, &mut |entry| {
            call.observer.event(&Event::Recorded(&entry));
            listed += 1;
            !call.observer.cancelled()
        })?;
        if call.observer.cancelled() {
            return Err(CatalogError::Cancelled.into());
        }
        let findings = if request.verify {
            Some(catalog.verify_events(call.observer)?)
        } else {
            None
        };
        Ok(HistoryReply {
            schema: SCHEMA,
            total: head.sequence,
            listed,
            head,
            findings,
        })
    }
}
