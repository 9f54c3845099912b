//! How long work tells its caller where it stands, and learns that it should stop.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Receives the progress of one long operation; called from several threads.
pub trait Progress: Sync {
    /// A step of `total` bytes begins; `name` is a short lower-case phrase such as `hash`.
    fn begin(&self, name: &str, total: u64);

    /// `bytes` more of the step are done.
    fn advance(&self, bytes: u64);

    /// The work stands still for `holder`, for at most `at_most` more; told once for each such wait, and
    /// only when it is longer than a second.
    fn waiting(&self, _holder: Holder, _at_most: Duration) {}

    /// Whether the caller wants the work to stop; asked at least once for every 4 MiB.
    fn cancelled(&self) -> bool {
        false
    }
}

impl<P: Progress + ?Sized> Progress for &P {
    fn begin(&self, name: &str, total: u64) {
        (**self).begin(name, total);
    }

    fn advance(&self, bytes: u64) {
        (**self).advance(bytes);
    }

    fn waiting(&self, holder: Holder, at_most: Duration) {
        (**self).waiting(holder, at_most);
    }

    fn cancelled(&self) -> bool {
        (**self).cancelled()
    }
}

/// Who keeps others waiting for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "holder", rename_all = "kebab-case")]
pub enum Holder {
    /// One process, which changes something.
    Writer {
        /// Its number, if it can be told.
        process: Option<u32>,
    },
    /// Any number of processes that look at something.
    Readers,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Writer {
                process: Some(process),
            } => write!(f, "process {process}"),
            Self::Writer { process: None } => f.write_str("another process"),
            Self::Readers => f.write_str("other readers"),
        }
    }
}

/// Tells nobody and never stops the work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _name: &str, _total: u64) {}

    fn advance(&self, _bytes: u64) {}
}
