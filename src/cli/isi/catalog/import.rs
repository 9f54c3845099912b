use std::path::PathBuf;

use super::call;
use crate::cli::args::OutputArgs;
use crate::cli::{CommandError, Context, Exit};
use crate::service::{ImportRequest, Outcome, PackageFile};

/// Verify a package file and add it to the catalog
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// The package file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Let an unsigned package in for REASON, where the policy allows to ask
    #[arg(long, value_name = "REASON")]
    allow_unsigned: Option<String>,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
The file is copied, the copy is verified, and only then it is in the catalog. Importing the same
package again changes nothing. Ends with 4 when the package is not trusted.

Examples:
  isi upgrade catalog import Drive_Support_v1.39.1.isi
  isi upgrade catalog import built-here.isi --allow-unsigned 'lab machine, ticket 4711'";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = ImportRequest {
            package: PackageFile::open(&self.file)?,
            allow_unsigned: self.allow_unsigned,
        };
        let reply = call(context, |service, call| service.import(&request, call))
            .map_err(|error| error.attempting(format!("cannot import {}", self.file.display())))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
            return Ok(Exit::Done);
        }
        let (id, name) = (&reply.item.short_id, &reply.item.name);
        context.out.note(&match reply.outcome {
            Outcome::Added => format!("imported {name} as {id}"),
            Outcome::AlreadyPresent => format!("{name} is in the catalog already, as {id}"),
            Outcome::Restored => format!("put {name} back in its place, as {id}"),
        });
        if reply.item.unsigned_reason.is_some() {
            context
                .out
                .warn(&format!("{name} is not signed: nobody answers for it"));
        }
        Ok(Exit::Done)
    }
}
