use std::path::PathBuf;

/// Trust that cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A configured directory or file does not exist.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The path as configured.
        path: PathBuf,
    },
}

impl LoadError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "E_TRUST_MISSING",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        None
    }
}
