//! `isi_packager extract`: verify first, then take out a region or all files.

mod files;
mod region;

use std::path::PathBuf;

use super::open;
use crate::cli::args::{OverwriteArgs, TrustArgs};
use crate::cli::progress::Bar;
use crate::cli::{CommandError, Context, Exit};

/// Verify a package, then take a region or all files out of it
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["region", "files"]))]
pub(super) struct Args {
    /// The package
    #[arg(long, short, value_name = "FILE")]
    package: PathBuf,

    /// Take out region N, numbered from 1 as view shows them
    #[arg(long, value_name = "N", requires = "output")]
    region: Option<usize>,

    /// Where the region is written
    #[arg(long, short, value_name = "FILE", requires = "region")]
    output: Option<PathBuf>,

    /// Unpack the payload's files into DIR, which must not exist or be empty
    #[arg(long, value_name = "DIR", conflicts_with = "overwrite")]
    files: Option<PathBuf>,

    /// Restore owners, special mode bits, extended attributes and devices, too; needs root
    #[arg(long, requires = "files")]
    preserve: bool,

    #[command(flatten)]
    overwrite: OverwriteArgs,

    #[command(flatten)]
    trust: TrustArgs,
}

const HELP: &str = "\
Nothing is taken out of a package that is not trusted.

Examples:
  isi_packager extract --package tools.isi --region 1 --output tools.tar.zst --home try
  isi_packager extract --package tools.isi --files unpacked --home try";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let bar = Bar::new(&context.out, &context.interrupt);
        let package = open::verified(&self.package, &self.trust, &bar, context)?;
        let done = match (&self.region, &self.output, &self.files) {
            (Some(number), Some(output), None) => {
                let on_existing = self.overwrite.on_existing();
                region::take(&package, *number, output, on_existing, &bar)
            }
            (_, _, Some(directory)) => files::unpack(&package, directory, self.preserve, &bar),
            _ => Err(CommandError::usage("say what to take: --region or --files")),
        };
        drop(bar);
        context.interrupt.check()?;
        let said =
            done.map_err(|error| error.attempting(open::attempt("extract", &self.package)))?;
        context.out.note(&said);
        Ok(Exit::Done)
    }
}
