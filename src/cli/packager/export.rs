use std::io::Write as _;
use std::path::PathBuf;

use super::{open, seal};
use crate::cli::args::OverwriteArgs;
use crate::cli::{CommandError, Context, Exit};
use crate::fsio::{FsError, OutputFile};
use crate::isi_file::Envelope;

/// One of the parts behind the regions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Manifest,
    Signature,
    Timestamp,
}

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The package
    #[arg(long, short, value_name = "FILE")]
    package: PathBuf,

    /// Where it is written
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    overwrite: OverwriteArgs,
}

pub(super) const MANIFEST_HELP: &str = "\
The manifest is what a signature covers. Sign the file where the key is, as detached CMS in
DER, and bring the signature back with attach-signature.

Examples:
  isi_packager export-manifest --package tools.isi --output tools.manifest
  openssl cms -sign -binary -in tools.manifest -signer signer.pem -inkey signer.key \\
      -certfile issuers.pem -outform DER -md sha256 -out tools.cms
  isi_packager attach-signature --package tools.isi --signature tools.cms";

pub(super) const SIGNATURE_HELP: &str = "\
The signature is detached CMS in DER; it is what a timestamp covers.

Examples:
  isi_packager export-signature --package tools.isi --output tools.cms
  openssl ts -query -data tools.cms -sha256 -cert -out tools.tsq";

pub(super) const TIMESTAMP_HELP: &str = "\
The timestamp is an RFC 3161 token in DER, over the signature.

Examples:
  isi_packager export-timestamp --package tools.isi --output tools.tst
  openssl ts -verify -token_in -in tools.tst -data tools.cms -CAfile tsa-root.pem";

impl Args {
    pub(super) fn run(self, part: Part, context: &mut Context) -> Result<Exit, CommandError> {
        let package = open::package(&self.package)?;
        let bytes = part.of(package.envelope())?;
        let mut output = OutputFile::create(&self.output, 0o644, self.overwrite.on_existing())?;
        output
            .write_all(&bytes)
            .map_err(FsError::system("write", &self.output))?;
        drop(output.commit()?);
        let path = self.output.display();
        context.out.note(&format!("wrote {path}"));
        Ok(Exit::Done)
    }
}

impl Part {
    fn of(self, envelope: &Envelope) -> Result<Vec<u8>, CommandError> {
        match self {
            Self::Manifest => Ok(envelope.manifest.clone()),
            Self::Signature => seal::existing(envelope, "export"),
            Self::Timestamp if envelope.timestamp.is_empty() => Err(CommandError::failed(
                "the package has no timestamp: there is nothing to export",
            )
            .code("E_NO_TIMESTAMP")
            .hint("isi_packager timestamp --package FILE --tsa-url URL")),
            Self::Timestamp => Ok(envelope.timestamp.clone()),
        }
    }
}
