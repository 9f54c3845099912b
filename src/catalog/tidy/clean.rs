use rusqlite::Transaction;

use super::Discard;
use super::remove::{delete_row, record};
use super::survey::{Candidate, survey};
use super::trash::{discard, discard_artifact, discard_empty};
use crate::catalog::events::{self, NewEvent};
use crate::catalog::layout::{ARTIFACTS, INCOMING};
use crate::catalog::lock::Held;
use crate::catalog::{Artifact, Catalog, CatalogError, Context};
use crate::fsio::LockKind;

/// What to clean away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CleanSets {
    /// Artifacts without a row.
    pub orphans: bool,
    /// Rows without a file that nobody needs.
    pub dangling: bool,
    /// What interrupted imports and removals left.
    pub leftovers: bool,
}

impl CleanSets {
    /// Everything.
    pub const ALL: Self = Self {
        orphans: true,
        dangling: true,
        leftovers: true,
    };
}

/// What was cleaned away, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// What is gone.
    pub items: Vec<Discard>,
    /// What is among the artifacts and has no name that this program gives, below the catalog's
    /// directory; it is left alone.
    pub foreign: Vec<String>,
}

impl Catalog {
    /// What [`Catalog::clean`] would clean away at this moment.
    pub fn plan_cleaning(
        &mut self,
        sets: CleanSets,
        context: &Context<'_>,
    ) -> Result<Cleaned, CatalogError> {
        let found = survey(self, sets, context.progress)?;
        let _still = self.hold_to_look(context)?;
        let items = found.candidates.iter();
        let items = items.filter_map(|candidate| candidate.confirmed(self).transpose());
        let items = items.collect::<Result<_, _>>()?;
        let foreign = found.foreign;
        Ok(Cleaned { items, foreign })
    }

    /// Removes what is in nobody's list. It never touches an artifact that is listed and there, an import
    /// that is under way, or a name that this program does not give.
    pub fn clean(
        &mut self,
        sets: CleanSets,
        context: &Context<'_>,
    ) -> Result<Cleaned, CatalogError> {
        let found = survey(self, sets, context.progress)?;
        let _exclusive = self.hold(LockKind::Exclusive, context.progress)?;
        let mut plan = Vec::new();
        for candidate in &found.candidates {
            if let Some(item) = candidate.confirmed(self)? {
                plan.push((candidate, item));
            }
        }
        let items: Vec<Discard> = plan.iter().map(|(_, item)| item.clone()).collect();
        let foreign = found.foreign;
        if plan.is_empty() {
            return Ok(Cleaned { items, foreign });
        }
        let mut rows = Vec::new();
        for (candidate, _) in &plan {
            if let Candidate::Dangling(id) = candidate {
                rows.push(self.artifact(id)?);
            }
        }
        let recorded = match self.record_cleaning(&rows, &items, context) {
            // What takes the room may be what is about to go.
            Err(error) if error.code() == "E_NO_SPACE" => false,
            recorded => recorded.map(|()| true)?,
        };
        for (candidate, _) in &plan {
            self.discard(candidate)?;
        }
        if !recorded {
            self.record_cleaning(&rows, &items, context)?;
        }
        Ok(Cleaned { items, foreign })
    }

    fn discard(&self, candidate: &Candidate) -> Result<(), CatalogError> {
        match candidate {
            Candidate::Orphan(id) => discard_artifact(&self.layout, id),
            Candidate::EmptyShard(name) => discard_empty(&self.layout.dir(ARTIFACTS)?, name),
            Candidate::Leftover(name) => discard(&self.layout.dir(INCOMING)?, name),
            Candidate::Dangling(_) => Ok(()),
        }
    }

    fn record_cleaning(
        &mut self,
        rows: &[Artifact],
        items: &[Discard],
        context: &Context<'_>,
    ) -> Result<(), CatalogError> {
        self.database.write("record the cleaning", |transaction| {
            for artifact in rows {
                delete_row(transaction, &artifact.id)?;
                record(transaction, "lost", artifact, context)?;
            }
            record_sums(transaction, items, context)
        })
    }

    /// Holds the catalog still as [`Catalog::clean`] does, as far as that is possible for a reader.
    fn hold_to_look(&mut self, context: &Context<'_>) -> Result<Held, CatalogError> {
        match self.hold(LockKind::Exclusive, context.progress) {
            Err(CatalogError::Files(error)) if error.is_read_only() => {
                self.hold(LockKind::Shared, context.progress)
            }
            held => held,
        }
    }
}

fn record_sums(
    transaction: &Transaction<'_>,
    items: &[Discard],
    context: &Context<'_>,
) -> rusqlite::Result<()> {
    let count = |wanted: fn(&Discard) -> bool| items.iter().filter(|item| wanted(item)).count();
    let details = serde_json::json!({
        "orphans": count(|item| matches!(item, Discard::Orphan { .. })),
        "dangling": count(|item| matches!(item, Discard::Dangling { .. })),
        "leftovers": count(|item| matches!(item, Discard::Leftover { .. })),
        "bytes": Discard::total(items),
    });
    let event = NewEvent {
        time: context.now,
        kind: "clean",
        subject: "",
        actor: context.actor,
        details,
    };
    events::append(transaction, &event)
}
