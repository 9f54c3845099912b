use std::path::PathBuf;

use crate::service::Target;

/// Flags that choose the system that is worked on.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Target options")]
pub(crate) struct TargetArgs {
    /// Work on the system in DIR, not on this machine's own
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// Work on the system of the jail NAME, as configured, or else in /var/lib/machines
    #[arg(long, value_name = "NAME", conflicts_with = "root")]
    jail: Option<String>,
}

impl TargetArgs {
    /// The system that is meant.
    pub(crate) fn target(&self) -> Target {
        match (&self.root, &self.jail) {
            (Some(root), _) => Target::Root(root.clone()),
            (None, Some(jail)) => Target::Jail(jail.clone()),
            (None, None) => Target::Machine,
        }
    }
}
