use std::path::PathBuf;

/// Which system is worked on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Target {
    /// The machine's own.
    #[default]
    Machine,
    /// The one in this directory.
    Root(PathBuf),
    /// The one of the jail of this name.
    Jail(String),
}
