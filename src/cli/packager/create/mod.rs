//! `isi_packager create`: from a directory or payload, flags and package.toml to a package.

mod compression;
mod description;
mod draft;
mod flags;
mod parts;
mod previous;
mod region;

use std::path::PathBuf;

use compression::parse_compression;

use super::seal::{Signing, build_failed};
use super::side_files::SideFileArgs;
use crate::cli::args::{OverwriteArgs, SigningArgs, TimestampingArgs, TrustArgs};
use crate::cli::progress::Bar;
use crate::cli::{CommandError, Context, Exit};
use crate::fsio::{OnExisting, OutputFile};
use crate::package::builder::build;
use crate::payload::Compression;

/// Build a package from a directory or an existing payload; may sign and timestamp it
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Directory or payload file; the same as --tree or --payload, whichever it is
    #[arg(value_name = "SOURCE", conflicts_with_all = ["tree", "payload"])]
    source: Option<PathBuf>,

    /// Pack the tree below DIR
    #[arg(long, value_name = "DIR", conflicts_with = "payload")]
    tree: Option<PathBuf>,

    /// Take FILE as the payload, byte for byte
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,

    /// Where the package is written
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    /// Read package.toml: the flags of this command with underscores; flags win
    #[arg(long, short, value_name = "FILE")]
    metadata: Option<PathBuf>,

    /// How a tree is packed: zstd, zstd:LEVEL (1 to 22) or none
    #[arg(long, value_name = "HOW", default_value = "zstd", value_parser = parse_compression)]
    compression: Compression,

    #[command(flatten)]
    overwrite: OverwriteArgs,

    #[command(flatten)]
    side_files: SideFileArgs,

    #[command(flatten)]
    flags: flags::MetadataArgs,

    #[command(flatten)]
    parts: parts::PartsArgs,

    #[command(flatten)]
    signing: SigningArgs,

    #[command(flatten)]
    timestamping: TimestampingArgs,

    #[command(flatten)]
    trust: TrustArgs,
}

const HELP: &str = "\
The same input gives the same bytes. With SOURCE_DATE_EPOCH set, no time in the package is later.
Kinds of --region: extra-payload, hook, health-check, skip-list, obsolete-list, kernel,
release-notes, other. FILE.sha256 is written beside the package.
What is trusted matters for the package that --previous names, and for nothing else.

Examples:
  isi_packager create ./files --type generic --name tools --version 1.0 --output tools.isi
  isi_packager create --payload image.tar.zst --metadata package.toml --output install.isi \\
      --key signer.key --cert signer.pem --tsa-url http://timestamp.example/tsr
  isi_packager create --tree ./files --metadata package.toml --readme README.txt \\
      --hook pre-install=pre.sh --compression zstd:19 -o patch.isi
  isi_packager create --tree ./root --metadata package.toml --owner 0 --mtree root.mtree \\
      --kernel generic=vmlinuz --skip-list skip.txt --previous install-9.4.isi -o install.isi

package.toml:
  type = \"patch\"
  name = \"HealthCheck_9.2.1_2021-09\"
  version = \"9.2.1\"
  source_versions = \">=9.2, <9.3\"
  requires = [{ name = \"base\", versions = \">=9.2\" }]
  restart = \"service\"
  readme = \"README.txt\"
  hook = [\"pre-install=pre.sh\"]
  [[regions]]
  kind = \"release-notes\"
  file = \"NOTES.txt\"";

impl Args {
    pub(super) fn run(mut self, context: &mut Context) -> Result<Exit, CommandError> {
        let mut output = OutputFile::create(&self.output, 0o644, self.overwrite.on_existing())?;
        let signing = Signing::prepare(&self.signing, &self.timestamping, context)?;
        let side_files = self.side_files.prepare(&self.output, context)?;
        if self.overwrite.on_existing() == OnExisting::Refuse {
            side_files.refuse_existing()?;
        }
        let draft = self.draft(context)?;
        let bar = Bar::new(&context.out, &context.interrupt);
        let built = build(draft, &mut output, &bar)
            .map_err(|error| build_failed(error, &self.output, context))?;
        drop(bar);
        let seal = signing.seal(built.manifest_bytes())?;
        let id = built
            .finish(&mut output, &seal.signature, &seal.timestamp)
            .map_err(|error| build_failed(error, &self.output, context))?;
        context.interrupt.check()?;
        drop(output.commit()?);
        side_files.write(id, context)?;
        context
            .out
            .note(&format!("wrote {} ({id})", self.output.display()));
        if seal.signature.is_empty() {
            context
                .out
                .note("it is not signed yet: isi_packager sign --package FILE --key K --cert C");
        }
        Ok(Exit::Done)
    }
}
