use std::path::PathBuf;

use crate::cli::log::Log;
use crate::cli::{Context, Verbosity};

/// Flags that every command takes.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct CommonArgs {
    /// Where the tools keep their things.
    #[arg(long, global = true, value_name = "DIR")]
    #[arg(
        help_heading = "General options",
        help = "Keep everything below DIR [default: /var/lib/isi, /etc/isi] [env: ISI_HOME]"
    )]
    home: Option<PathBuf>,

    /// What is configured.
    #[arg(long, global = true, value_name = "FILE")]
    #[arg(
        help_heading = "General options",
        help = "Read the configuration from FILE [default: upgrade.toml in the home or /etc/isi] \
                [env: ISI_CONFIG]"
    )]
    config: Option<PathBuf>,

    /// Print data and errors only: no notes, no warnings, no progress
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    #[arg(help_heading = "General options")]
    quiet: bool,

    /// Say also what the work is done with; twice for all that goes on inside
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    #[arg(help_heading = "General options")]
    verbose: u8,

    /// Print the version; with -v also those of the libraries inside
    #[arg(long, short = 'V', help_heading = "General options")]
    pub(crate) version: bool,
}

impl CommonArgs {
    /// Makes the context behave as the flags say.
    pub(crate) fn apply(&self, context: &mut Context) {
        context.flags.home.clone_from(&self.home);
        context.flags.config.clone_from(&self.config);
        context.out.set_verbosity(if self.quiet {
            Verbosity::Quiet
        } else {
            Verbosity::Normal
        });
    }

    /// Whether more than usual is wanted.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// How much of what the library notes is wanted.
    pub(in crate::cli) fn log(&self) -> Log {
        match (self.quiet, self.verbose) {
            (true, _) => Log::Nothing,
            (false, 0) => Log::Warnings,
            (false, 1) => Log::Notes,
            (false, _) => Log::Everything,
        }
    }
}
