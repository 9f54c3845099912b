use std::io;
use std::sync::{Condvar, Mutex, PoisonError};

/// How many bytes of a file are there so far, told by the thread that copies to the one that hashes.
#[derive(Debug)]
pub(super) struct Arrival {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    available: u64,
    failed: bool,
}

impl Arrival {
    /// Nothing is there yet.
    pub(super) fn nothing() -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Everything is there.
    pub(super) fn complete() -> Self {
        let arrival = Self::nothing();
        arrival.advance_to(u64::MAX);
        arrival
    }

    /// Says that all bytes before `available` are there.
    pub(super) fn advance_to(&self, available: u64) {
        self.update(|state| state.available = available);
    }

    /// Says that nobody copies any more, or nobody reads: whoever waits should give up.
    pub(super) fn fail(&self) {
        self.update(|state| state.failed = true);
    }

    /// Whether somebody gave up.
    pub(super) fn has_failed(&self) -> bool {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .failed
    }

    /// Waits for all bytes before `offset`; fails if they will not come.
    pub(super) fn wait_for(&self, offset: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.available < offset && !state.failed {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.available < offset {
            Err(io::ErrorKind::Interrupted.into())
        } else {
            Ok(())
        }
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}
