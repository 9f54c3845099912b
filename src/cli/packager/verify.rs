use std::path::PathBuf;

use super::open;
use crate::cli::args::{OutputArgs, TrustArgs};
use crate::cli::progress::Bar;
use crate::cli::{CommandError, Context, Exit, verdict};
use crate::package::{Hashing, Package, VerifyError, VerifyRequest};
use crate::trust::Verdict;

/// Check a package: structure, digests, signatures, timestamp, identities
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The package
    #[arg(long, short, value_name = "FILE")]
    package: PathBuf,

    #[command(flatten)]
    trust: TrustArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "\
Prints one row for each check. Ends with 0 when the package is trusted, with 4 when it is not.
Without --certs everything trusted comes from the home: trust/certs, trust/tsa-certs,
trust/crls, trust/identities.toml.

Examples:
  isi_packager verify --package tools.isi --home try
  isi_packager verify --package tools.isi --certs certs/ --identities identities.toml \\
      --tsa-certs tsa-certs/ --crls crls/
  isi_packager verify --package tools.isi --at 2026-01-31T12:00:00Z --format json";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let store = self.trust.load(context)?;
        let file = open::regular(&self.package)?;
        let bar = Bar::new(&context.out, &context.interrupt);
        let request = VerifyRequest {
            now: self.trust.time(context),
            hashing: Hashing::Chunks,
            unsigned: self.trust.allow_unsigned.as_deref(),
            progress: &bar,
        };
        let result = match Package::open(file) {
            Ok(package) => package.verify(&store, &request),
            Err(error) => Err(error.into()),
        };
        drop(bar);
        let verdict = match result {
            Ok(package) => package.verdict().clone(),
            Err(VerifyError::Refused(verdict)) => *verdict,
            Err(error) => return Err(open::failed("verify", &self.package, error, context)),
        };
        self.print(&verdict, context)?;
        Ok(if verdict.is_refused() {
            Exit::NotTrusted
        } else {
            Exit::Done
        })
    }

    fn print(&self, verdict: &Verdict, context: &mut Context) -> Result<(), CommandError> {
        if self.output.is_json() {
            return context.out.json(verdict);
        }
        context
            .out
            .line(&format!("Package:     {}", self.package.display()))?;
        verdict::print(verdict, &mut context.out)
    }
}
