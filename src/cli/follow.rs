//! Tells what happens during a call while the call goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::CommandError;
use super::output::Printer;
use super::progress::Bar;
use crate::progress::Progress;
use crate::service::{Event, Observer};

/// Prints something of what happened.
pub(super) type Tell<'a> =
    dyn FnMut(&Event<'_>, &mut Printer) -> Result<(), CommandError> + Send + 'a;

/// Hands every event to a command, and stops the work when that cannot print any more.
pub(super) struct Follower<'a> {
    bar: Bar,
    told: Mutex<Told<'a>>,
    failed: AtomicBool,
}

struct Told<'a> {
    tell: &'a mut Tell<'a>,
    out: &'a mut Printer,
    failure: Option<CommandError>,
}

impl<'a> Follower<'a> {
    /// Progress goes to `bar`, events to `tell` with `out`.
    pub(super) fn new(bar: Bar, tell: &'a mut Tell<'a>, out: &'a mut Printer) -> Self {
        let failure = None;
        Self {
            bar,
            told: Mutex::new(Told { tell, out, failure }),
            failed: AtomicBool::new(false),
        }
    }

    /// Why printing failed, if it did.
    pub(super) fn failure(self) -> Option<CommandError> {
        let told = self.told.into_inner();
        told.unwrap_or_else(PoisonError::into_inner).failure
    }
}

impl Progress for Follower<'_> {
    fn begin(&self, name: &str, total: u64) {
        self.bar.begin(name, total);
    }

    fn advance(&self, bytes: u64) {
        self.bar.advance(bytes);
    }

    fn cancelled(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.bar.cancelled()
    }
}

impl Observer for Follower<'_> {
    fn event(&self, event: &Event<'_>) {
        self.bar.event(event);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Told { tell, out, failure } = &mut *told;
        if failure.is_some() {
            return;
        }
        let mut print = || match event {
            Event::Warning {
                code,
                message,
                hint,
            } => {
                out.warn(&format!("{message} ({code})"));
                if let Some(hint) = hint {
                    out.note(&format!("hint: {hint}"));
                }
                Ok(())
            }
            _ => tell(event, out),
        };
        if let Err(error) = self.bar.aside(&mut print) {
            *failure = Some(error);
            self.failed.store(true, Ordering::Relaxed);
        }
    }
}
