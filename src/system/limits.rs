use std::time::Duration;

/// How long programs of an image may take; what takes longer is ended, and has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// Each hook.
    pub hook: Duration,
    /// Each health check.
    pub check: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            hook: Duration::from_mins(10),
            check: Duration::from_mins(1),
        }
    }
}
