use std::sync::mpsc::sync_channel;

use super::{Local, dated, warn};
use crate::catalog::{Access, CatalogError, Overlay};
use crate::fsio::with_causes;
use crate::service::{Call, Event, Item, ListReply, ListRequest, SCHEMA, ServiceError};

/// Items that go from the reading thread to the caller's at once.
const BATCH: usize = 128;
/// How many batches may be on their way.
const AHEAD: usize = 8;

impl Local {
    pub(super) fn list(
        &self,
        request: &ListRequest,
        call: &Call<'_>,
    ) -> Result<ListReply, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let overlay = match self.trust().and_then(|trust| Ok((trust, dated(call)?))) {
            Ok((trust, context)) => catalog.judge_stale(request, &trust, &context)?,
            Err(error) => {
                let message = format!(
                    "the states are as they were recorded: {}",
                    with_causes(&error)
                );
                warn(call, error.code(), &message, error.hint().as_deref());
                Overlay::default()
            }
        };
        let (sender, receiver) = sync_channel::<Vec<Item>>(AHEAD);
        let mut listed = 0;
        // One thread reads while this one tells: both take about as long.
        let total = std::thread::scope(|scope| {
            let reading = scope.spawn(move || {
                let mut batch = Vec::with_capacity(BATCH);
                let total = catalog.list_each(request, &mut |mut item| {
                    overlay.apply(&mut item.artifact);
                    batch.push(Item::from(item));
                    batch.len() < BATCH || {
                        let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                        sender.send(full).is_ok()
                    }
                });
                // Nobody receives any more if the caller stopped the work.
                sender.send(batch).unwrap_or_default();
                total
            });
            for item in receiver.iter().flatten() {
                call.observer.event(&Event::Listed(&item));
                listed += 1;
                if call.observer.cancelled() {
                    break;
                }
            }
            drop(receiver);
            reading.join().unwrap_or(Err(CatalogError::Cancelled))
        })?;
        if call.observer.cancelled() {
            return Err(CatalogError::Cancelled.into());
        }
        Ok(ListReply {
            schema: SCHEMA,
            total,
            offset: request.offset,
            listed,
        })
    }
}
