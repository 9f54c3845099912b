use std::io::Write as _;
use std::path::PathBuf;

use super::open;
use crate::cli::args::OverwriteArgs;
use crate::cli::{CommandError, Context, Exit};
use crate::fsio::{FsError, OutputFile};

/// Write a package's manifest, for signing it elsewhere
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The package
    #[arg(long, short, value_name = "FILE")]
    package: PathBuf,

    /// Where the manifest is written
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    overwrite: OverwriteArgs,
}

const EXAMPLES: &str = "\
The manifest is what a signature covers. Sign the file where the key is, as detached CMS in
DER, and bring the signature back with attach-signature.

Examples:
  isi_packager export-manifest --package tools.isi --output tools.manifest
  openssl cms -sign -binary -in tools.manifest -signer signer.pem -inkey signer.key \\
      -outform DER -md sha256 -out tools.cms
  isi_packager attach-signature --package tools.isi --signature tools.cms";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let package = open::package(&self.package)?;
        let on_existing = self.overwrite.on_existing();
        let mut output = OutputFile::create(&self.output, 0o644, on_existing)?;
        output
            .write_all(&package.envelope().manifest)
            .map_err(FsError::system("write", &self.output))?;
        drop(output.commit()?);
        context
            .out
            .note(&format!("wrote {}", self.output.display()));
        Ok(Exit::Done)
    }
}
