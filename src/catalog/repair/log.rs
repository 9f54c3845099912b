//! The event log when the database cannot be relied on: from its mirror, and from what can still be read
//! of the old database.

use super::records::{Entry, Records, Reference};
use super::references::Needs;
use crate::catalog::CatalogError;
use crate::catalog::database::Database;
use crate::catalog::events::mirror::{self, Line};
use crate::catalog::events::{self, Stored};
use crate::catalog::layout::{DATABASE, Layout};

/// Hands on every event that can be read and has the hash it carries, oldest first.
///
/// What the mirror lacks, in its middle or at its end, comes from the old database if that has it.
pub(super) fn each(
    layout: &Layout,
    mut take: impl FnMut(Stored) -> Result<(), CatalogError>,
) -> Result<(), CatalogError> {
    let mut old = Old::open(layout);
    let mut last = 0;
    for line in mirror::read(layout.root())?.into_iter().flatten() {
        let Line::Event(event) = line? else {
            continue;
        };
        old.fill(last, event.sequence, &mut take)?;
        last = event.sequence;
        if can_be_kept(&event) {
            take(*event)?;
        }
    }
    old.fill(last, u64::MAX, &mut take)
}

/// Whether an event has the hash it carries, and the form that the database asks for.
fn can_be_kept(event: &Stored) -> bool {
    event.is_intact() && serde_json::from_str::<serde::de::IgnoredAny>(&event.details).is_ok()
}

/// What the log says of artifacts and of who needs them.
pub(super) fn recorded(layout: &Layout) -> Result<Records, CatalogError> {
    let (mut records, mut needs) = (Records::default(), Needs::default());
    each(layout, |event| {
        needs.note(&event);
        records.note(&Entry {
            sequence: event.sequence,
            time: jiff::Timestamp::from_microsecond(event.time).unwrap_or_default(),
            kind: &event.kind,
            subject: &event.subject,
            details: &event.details,
        });
        Ok(())
    })?;
    for ((id, kind, holder), (reason, _)) in needs.references {
        records.need(Reference {
            id,
            kind,
            holder,
            reason,
        });
    }
    Ok(records)
}

/// The old database, as long as it answers.
struct Old(Option<Database>);

/// Most events held in memory at a time.
const BATCH: u32 = 64;

impl Old {
    fn open(layout: &Layout) -> Self {
        let present = layout.root().kind_of(DATABASE);
        let present = present.is_ok_and(|kind| kind.is_some());
        Self(present.then(|| Database::open(layout).ok()).flatten())
    }

    /// Hands on the intact events between two others; a database that fails is not asked again.
    fn fill(
        &mut self,
        mut last: u64,
        next: u64,
        take: &mut impl FnMut(Stored) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        while last.saturating_add(1) < next {
            let Some(database) = &mut self.0 else {
                return Ok(());
            };
            let found = database.read("read the event log", |transaction| {
                events::after(transaction, last, BATCH)
            });
            let Ok(found) = found else {
                self.0 = None;
                return Ok(());
            };
            if found.is_empty() {
                return Ok(());
            }
            for event in found {
                last = event.sequence;
                if event.sequence < next && can_be_kept(&event) {
                    take(event)?;
                }
            }
        }
        Ok(())
    }
}
