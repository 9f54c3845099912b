//! How long work tells its caller where it stands, and learns that it should stop.

/// Receives the progress of one long operation; called from several threads.
pub trait Progress: Sync {
    /// A step of `total` bytes begins; `name` is a short lower-case phrase such as `hash`.
    fn begin(&self, name: &str, total: u64);

    /// `bytes` more of the step are done.
    fn advance(&self, bytes: u64);

    /// Whether the caller wants the work to stop; asked at least once for every 4 MiB.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Tells nobody and never stops the work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _name: &str, _total: u64) {}

    fn advance(&self, _bytes: u64) {}
}
