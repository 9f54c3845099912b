use std::time::{Duration, Instant};

/// Measures how long something goes on, whatever is done to the clock meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins to measure.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it goes on.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
