use std::path::PathBuf;

use crate::cli::{CommandError, Context, Exit};
use crate::trust::dev_pki::generate;

/// Make keys, certificates and an identities file for trying things out
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Where they are written; the directory is then a home for --home
    #[arg(long, short, value_name = "DIR")]
    dir: PathBuf,
}

const HELP: &str = "\
DIR/trust holds what is trusted: certs, tsa-certs, crls, identities.toml. DIR/keys holds signer,
approver and tsa, each .key and .pem, and sibling: the signer's very name from another authority
below the same root, which verification must refuse. The keys have no passphrase: protect nothing
with them.

Examples:
  isi_packager dev-pki --dir try
  isi_packager sign --package tools.isi --key try/keys/signer.key --cert try/keys/signer.pem
  isi_packager verify --package tools.isi --home try";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let made = generate(&self.dir, context.now)?;
        let directory = made.directory.display().to_string();
        context.out.note(&format!(
            "made a development PKI in {directory}; try it with --home {directory}"
        ));
        Ok(Exit::Done)
    }
}
