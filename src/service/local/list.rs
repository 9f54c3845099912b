use std::sync::mpsc::sync_channel;

use super::{Local, dated, warn};
use crate::catalog::{Access, CatalogError, Listed, Listing, Overlay};
use crate::fsio::with_causes;
use crate::service::{Call, Event, Item, ListReply, ListRequest, SCHEMA, ServiceError};

/// How many batches may be on their way from the reading thread to the caller's.
const AHEAD: usize = 4;

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
        let mut listing = catalog.listing(request)?;
        let total = listing.total();
        let listed = tell(&mut listing, &overlay, call)?;
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

/// Tells of all artifacts; gives how many there were.
fn tell(
    listing: &mut Listing<'_>,
    overlay: &Overlay,
    call: &Call<'_>,
) -> Result<u64, CatalogError> {
    let mut listed = 0;
    let mut tell = |items: Vec<Item>| {
        for item in &items {
            call.observer.event(&Event::Listed(item));
            listed += 1;
            if call.observer.cancelled() {
                return false;
            }
        }
        true
    };
    let Some(first) = read(listing, overlay)? else {
        return Ok(0);
    };
    if !tell(first) || listing.is_finished() {
        return Ok(listed);
    }
    let (sender, receiver) = sync_channel::<Vec<Item>>(AHEAD);
    // One thread reads while this one tells: both take about as long.
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            while let Some(items) = read(listing, overlay)? {
                // Nobody receives any more if the caller stopped the work.
                if sender.send(items).is_err() {
                    break;
                }
            }
            Ok(())
        });
        receiver.iter().all(&mut tell);
        drop(receiver);
        reading.join().unwrap_or(Err(CatalogError::Cancelled))
    })?;
    Ok(listed)
}

fn read(listing: &mut Listing<'_>, overlay: &Overlay) -> Result<Option<Vec<Item>>, CatalogError> {
    let batch = listing.next_batch()?;
    let item = |mut item: Listed| {
        overlay.apply(&mut item.artifact);
        Item::from(item)
    };
    Ok(batch.map(|batch| batch.into_iter().map(item).collect()))
}
