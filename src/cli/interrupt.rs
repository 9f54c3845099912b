use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::error::{CommandError, Kind};
use crate::fsio;

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
        // A terminal that went away is no reason to leave things lying about; `nohup` is one to go on.
        let hangup = (!is_ignored(SIGHUP)).then_some(SIGHUP);
        for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
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

/// Whether whoever started this process wants it to ignore a signal.
fn is_ignored(signal: i32) -> bool {
    let status = fsio::read_bounded(Path::new("/proc/self/status"), STATUS_LIMIT);
    let mask = status.ok().and_then(|status| {
        let text = String::from_utf8_lossy(&status).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
    });
    let bit = u32::try_from(signal)
        .ok()
        .and_then(|signal| signal.checked_sub(1));
    let bit = bit
        .and_then(|bit| 1_u64.checked_shl(bit))
        .unwrap_or_default();
    mask.is_some_and(|mask| mask & bit != 0)
}

/// More than the kernel says of a process.
const STATUS_LIMIT: u64 = 64 << 10;
