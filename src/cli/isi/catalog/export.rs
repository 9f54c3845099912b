use std::path::PathBuf;

use super::call;
use crate::cli::args::{OutputArgs, OverwriteArgs};
use crate::cli::{CommandError, Context, Exit};
use crate::digest::IdPrefix;
use crate::service::ExportRequest;

/// Copy a package out of the catalog
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Package in the catalog: its ID or the first digits of it
    #[arg(long, value_name = "ID")]
    id: IdPrefix,

    /// Where the copy is written
    #[arg(long, value_name = "FILE")]
    file: PathBuf,

    /// Write FILE.sha256, too
    #[arg(long)]
    sha256: bool,

    #[command(flatten)]
    overwrite: OverwriteArgs,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
The package is verified again on its way out.

Examples:
  isi upgrade catalog export --id 3a145 --file /ifs/Drive_Support_v1.39.1.isi";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let request = ExportRequest {
            id: self.id.clone(),
            target: self.file.clone(),
            on_existing: self.overwrite.on_existing(),
            side_file: self.sha256,
        };
        let reply = call(context, |service, call| service.export(&request, call))
            .map_err(|error| error.attempting(format!("cannot export {}", self.id)))?;
        if self.output.is_json() {
            context.out.json(&reply)?;
        } else {
            context
                .out
                .note(&format!("exported {} to {}", self.id, reply.file.display()));
        }
        Ok(Exit::Done)
    }
}
