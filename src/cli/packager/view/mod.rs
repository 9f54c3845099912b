//! `isi_packager view`: what a package says of itself.

mod report;
mod seal;
mod text;

use std::path::PathBuf;

use super::open;
use crate::cli::args::OutputArgs;
use crate::cli::{CommandError, Context, Exit};

/// Show what a package says of itself; proves nothing
///
/// Reads footer, manifest, signature and timestamp, and neither the payload nor what is trusted. Use
/// verify to know whether any of it is true.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The package
    #[arg(long, short, value_name = "FILE")]
    package: PathBuf,

    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  isi_packager view --package tools.isi
  isi_packager view --package tools.isi --format json";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let report = report::Report::read(&open::package(&self.package)?)
            .map_err(|error| error.attempting(open::attempt("show", &self.package)))?;
        if self.output.is_json() {
            context.out.json(&report)?;
        } else {
            text::print(&report, &mut context.out)?;
        }
        Ok(Exit::Done)
    }
}
