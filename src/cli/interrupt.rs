use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::error::{CommandError, Kind};

/// Whether somebody asked the process to stop.
///
/// The first signal asks: the work ends at its next step and leaves nothing behind. The second one
/// ends the process at once.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    raised: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Listens for the signals of this process.
    pub fn listen() -> io::Result<Self> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // The order matters: what ends the process looks at the flag before the signal sets it.
            let raised = || Arc::clone(&interrupt.raised);
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, raised())?;
            signal_hook::flag::register(signal, raised())?;
            let number = usize::try_from(signal).unwrap_or_default();
            let store = Arc::clone(&interrupt.signal);
            signal_hook::flag::register_usize(signal, store, number)?;
        }
        Ok(interrupt)
    }

    /// Whether a signal came.
    pub fn raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// Fails when a signal came.
    pub fn check(&self) -> Result<(), CommandError> {
        if self.raised() {
            Err(self.error())
        } else {
            Ok(())
        }
    }

    /// The error that tells of the signal.
    pub fn error(&self) -> CommandError {
        let signal = match self.signal.load(Ordering::SeqCst) {
            0 => SIGINT.unsigned_abs().try_into().unwrap_or(2),
            signal => u8::try_from(signal).unwrap_or(2),
        };
        CommandError::new(Kind::Interrupted(signal), "interrupted")
    }

    /// Behaves as if the signal came.
    #[cfg(test)]
    pub(super) fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
    }
}
