use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Step};
use crate::progress::{Holder, Progress};

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// It is about to be done.
    Begun,
    /// It goes on.
    Running,
    /// It is done; or taken back, in a rollback.
    Done,
    /// It failed.
    Failed,
}

/// A step, told as it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StepEvent {
    /// What it is part of.
    pub action: Action,
    /// Which one.
    pub step: Step,
    /// What it does, for a person.
    pub name: &'static str,
    /// Where it stands.
    pub state: StepState,
    /// How far the whole action is, in percent.
    pub percent: u8,
}

/// Is told of every step, and may stop the work; called from several threads.
pub trait Watch: Progress {
    /// A step stands there now; what was begun, done or failed is in the journal already.
    fn step(&self, _event: &StepEvent) {}

    /// The work goes on, but not as it should.
    fn warning(&self, _code: &str, _message: &str) {}
}

impl Watch for crate::progress::Silent {}

/// Turns the bytes of a step into percent of the action.
pub(super) struct Meter<'a> {
    watch: &'a dyn Watch,
    /// The step when it begins.
    event: StepEvent,
    total: AtomicU64,
    sum: AtomicU64,
    told: AtomicU8,
}

impl<'a> Meter<'a> {
    /// Measures a step that begins at this percentage.
    pub(super) fn new(watch: &'a dyn Watch, event: StepEvent) -> Self {
        Self {
            watch,
            event,
            total: AtomicU64::new(0),
            sum: AtomicU64::new(0),
            told: AtomicU8::new(event.percent),
        }
    }
}

impl Progress for Meter<'_> {
    fn begin(&self, name: &str, total: u64) {
        self.total.store(total, Ordering::Relaxed);
        self.sum.store(0, Ordering::Relaxed);
        self.watch.begin(name, total);
    }

    fn advance(&self, bytes: u64) {
        self.watch.advance(bytes);
        let sum = self
            .sum
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes);
        let total = self.total.load(Ordering::Relaxed);
        let share = self.event.step.share(sum, total);
        let percent = self.event.percent.saturating_add(share);
        if self.told.fetch_max(percent, Ordering::Relaxed) < percent {
            self.watch.step(&StepEvent {
                state: StepState::Running,
                percent,
                ..self.event
            });
        }
    }

    fn waiting(&self, holder: Holder, at_most: Duration) {
        self.watch.waiting(holder, at_most);
    }

    fn cancelled(&self) -> bool {
        self.watch.cancelled()
    }
}
