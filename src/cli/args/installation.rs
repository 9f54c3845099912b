use std::path::PathBuf;
use std::time::Duration;

use crate::cli::Context;
use crate::service::config::{DurationError, parse_duration};

/// Flags that every command on an installation takes; each outweighs the configuration.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct InstallationArgs {
    /// Where the packages are kept.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "General options"
    )]
    #[arg(help = "Keep the packages in DIR [default: catalog in the home] [env: ISI_CATALOG]")]
    catalog: Option<PathBuf>,

    /// Where everything trusted is.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "General options"
    )]
    #[arg(help = "Trust what DIR holds [default: trust in the home] [env: ISI_TRUST]")]
    trust: Option<PathBuf>,

    /// Longest wait for others.
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        help_heading = "General options"
    )]
    #[arg(value_parser = duration)]
    #[arg(
        help = "Wait at most TIME, such as 2m, for others who change the catalog; 0 not at all \
                  [default: 30s] [env: ISI_LOCK_TIMEOUT]"
    )]
    lock_timeout: Option<Duration>,
}

impl InstallationArgs {
    /// Makes the context behave as the flags say.
    pub(crate) fn apply(&self, context: &mut Context) {
        context.flags.catalog.clone_from(&self.catalog);
        context.flags.trust.clone_from(&self.trust);
        context.flags.lock_timeout = self.lock_timeout;
    }
}

/// Reads a duration, for flags.
pub(crate) fn duration(text: &str) -> Result<Duration, DurationError> {
    parse_duration(text)
}
