use std::path::PathBuf;

use crate::service::{EnvName, Target};

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

/// Flags that choose the system that is worked on, or an environment of this machine's own; one of them.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct TargetOrBootenvArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Work on the boot environment NAME of this machine's own system
    #[arg(long, value_name = "NAME", conflicts_with_all = ["root", "jail"])]
    #[arg(help_heading = "Target options")]
    bootenv: Option<EnvName>,
}

impl TargetOrBootenvArgs {
    /// The system that is meant.
    pub(crate) fn target(&self) -> Target {
        self.target.target()
    }

    /// The environment that is meant, if one was named.
    pub(crate) fn bootenv(&self) -> Option<&EnvName> {
        self.bootenv.as_ref()
    }
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
