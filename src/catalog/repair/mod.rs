//! Makes a catalog whole again: every file is verified, every row follows from its file, what fails is
//! set aside with the reason, and nothing that is valid is lost.
//!
//! Looking ([`Repair::plan`]) changes nothing and holds nobody up while it hashes. Doing
//! ([`Repair::apply`]) holds the catalog still, and looks at each file again before it is touched.

mod action;
mod apply;
mod diagnose;
mod enter;
mod fetch;
mod half;
mod judge;
mod log;
mod plan;
mod rebuild;
mod records;
mod references;
mod survey;

use std::path::Path;
use std::time::Duration;

use self::apply::Mover;
use self::diagnose::{Condition, bring_up_to_date, contradiction, diagnose, expect_catalog};
use self::enter::Recorder;
use self::records::Records;
use super::database::Database;
use super::layout::{ARTIFACTS, DATABASE, INCOMING, Layout, QUARANTINE, ensure_dir};
use super::lock::Held;
use super::{CatalogError, Context};
use crate::fsio::LockKind;
use crate::trust::TrustStore;

pub use self::action::{Action, Cause, Plan, Problem};
pub use self::fetch::{missed_by, search};
pub use self::survey::Identity;

/// A repair that was planned and not begun.
#[derive(Debug)]
pub struct Repair {
    layout: Layout,
    /// The database, if it is sound.
    database: Option<Database>,
    /// The file that the database was when it was found unsound.
    unsound: Option<Identity>,
    records: Records,
    plan: Plan,
    lock_timeout: Duration,
}

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repaired {
    /// Steps done.
    pub done: u64,
    /// Steps left out because somebody changed things after they were planned on.
    pub skipped: u64,
    /// Steps done that left something in quarantine.
    pub set_aside: u64,
    /// Steps that the system did not let this user do, and why.
    pub denied: Vec<Problem>,
}

impl Repair {
    /// Looks at everything and plans; nothing is changed.
    ///
    /// A database of a newer program is refused, and so is a directory that is no catalog.
    pub fn plan(
        root: &Path,
        trust: &TrustStore,
        lock_timeout: Duration,
        context: &Context<'_>,
    ) -> Result<Self, CatalogError> {
        let layout = Layout::open(root)?;
        expect_catalog(&layout)?;
        bring_up_to_date(&layout, lock_timeout, context.progress)?;
        let (condition, walked) = {
            let _shared = Held::take(&layout, LockKind::Shared, lock_timeout, context.progress)?;
            let (mut condition, mut walked) = (diagnose(&layout)?, survey::walk(&layout)?);
            if let Condition::Sound(database, _) = &mut condition {
                walked.mirror = contradiction(&layout, database)?;
            }
            (condition, walked)
        };
        let (database, records, damage) = match condition {
            Condition::Sound(database, records) => (Some(*database), records, None),
            Condition::Lost(cause) => (None, log::recorded(&layout)?, Some(cause)),
        };
        let survey = survey::survey(&layout, walked, &records, trust, context)?;
        let plan = plan::plan(&survey, &records, damage);
        Ok(Self {
            unsound: identity(&layout)?,
            layout,
            database,
            records,
            plan,
            lock_timeout,
        })
    }

    /// What is going to be done, and what stays wrong.
    pub fn planned(&self) -> &Plan {
        &self.plan
    }

    /// Does what was planned; `told` hears of each step and whether it was done.
    ///
    /// A step is left out if somebody changed what it was planned on.
    pub fn apply(
        mut self,
        trust: &TrustStore,
        context: &Context<'_>,
        told: &mut dyn FnMut(&Action, bool),
    ) -> Result<Repaired, CatalogError> {
        let mut repaired = Repaired::default();
        if self.plan.actions.is_empty() {
            return Ok(repaired);
        }
        let progress = context.progress;
        let _held = Held::take(
            &self.layout,
            LockKind::Exclusive,
            self.lock_timeout,
            progress,
        )?;
        if self.database.is_none() && self.unsound != identity(&self.layout)? {
            let path = self.layout.path(DATABASE);
            return Err(CatalogError::Changed { path });
        }
        for name in [ARTIFACTS, INCOMING, QUARANTINE] {
            ensure_dir(self.layout.root(), name)?;
        }
        let mut mover = Mover::new(&self.layout, context);
        let mut failed = None;
        self.plan.actions.retain(|action| {
            if failed.is_some() {
                return false;
            }
            let done = match mover.apply(action) {
                Err(CatalogError::Files(error)) if error.is_denied() => {
                    repaired.denied.push(action.denied(&error));
                    return false;
                }
                Err(error) => {
                    failed = Some(error);
                    false
                }
                Ok(done) => done,
            };
            if !done && failed.is_none() {
                repaired.count(action, false);
                told(action, false);
            }
            done
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let rows = &self.plan.actions;
        let recorder = Recorder {
            layout: &self.layout,
            records: &self.records,
            trust,
            trust_state: trust.fingerprint(context.now),
            context,
        };
        let mut count = |action: &Action, done: bool| {
            repaired.count(action, done);
            told(action, done);
        };
        if let Some(database) = &mut self.database {
            recorder.apply(rows, &mover, database, &mut count)?;
        } else {
            rebuild::rebuild(&recorder, rows, &mover, &mut count)?;
        }
        Ok(repaired)
    }
}

/// Which file the database is now.
fn identity(layout: &Layout) -> Result<Option<Identity>, CatalogError> {
    match layout.root().status_of(DATABASE) {
        Ok(status) => Ok(Some(Identity::of(&status))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Repaired {
    fn count(&mut self, action: &Action, done: bool) {
        let counter = if done {
            &mut self.done
        } else {
            &mut self.skipped
        };
        *counter = counter.saturating_add(1);
        if done && action.sets_aside() {
            self.set_aside = self.set_aside.saturating_add(1);
        }
    }
}
