use std::path::{Path, PathBuf};

use crate::cli::{Context, Verbosity};

/// Flags that every command takes.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct CommonArgs {
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "ISI_HOME",
        hide_env = true
    )]
    #[arg(
        help_heading = "General options",
        help = "Keep everything below DIR [default: /var/lib/isi, /etc/isi] [env: ISI_HOME]"
    )]
    /// Where the tools keep their things.
    pub(crate) home: Option<PathBuf>,

    /// Print data and errors only: no notes, no warnings, no progress
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    #[arg(help_heading = "General options")]
    quiet: bool,

    /// Say more; twice for the library's own log
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
        context.paths = Paths::below(self.home.as_deref());
        context.out.set_verbosity(match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        });
    }

    /// Whether more than usual is wanted.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Whether the library's own log is wanted.
    pub(crate) fn wants_log(&self) -> bool {
        self.verbose > 1
    }
}

/// Where the tools keep their things.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paths {
    /// The catalog's directory.
    pub catalog: PathBuf,
    /// The directory of trust: `certs`, `tsa-certs`, `crls`, `identities.toml`.
    pub trust: PathBuf,
}

impl Paths {
    /// Everything below `home`, or the places of the system.
    pub fn below(home: Option<&Path>) -> Self {
        match home {
            Some(home) => Self {
                catalog: home.join("catalog"),
                trust: home.join("trust"),
            },
            None => Self {
                catalog: "/var/lib/isi/catalog".into(),
                trust: "/etc/isi/trust".into(),
            },
        }
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self::below(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_moves_every_path() {
        let paths = Paths::below(Some(Path::new("/h")));
        assert_eq!(paths.catalog, Path::new("/h/catalog"));
        assert_eq!(paths.trust, Path::new("/h/trust"));
        assert_eq!(Paths::default().trust, Path::new("/etc/isi/trust"));
    }
}
