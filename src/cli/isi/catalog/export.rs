use std::path::PathBuf;

use super::batch::Batch;
use super::{call, follow};
use crate::cli::args::{OutputArgs, OverwriteArgs};
use crate::cli::{CommandError, Context, Exit};
use crate::digest::IdPrefix;
use crate::release::PackageType;
use crate::service::{Event, ExportReply, ExportRequest, ExportTarget, ListRequest};

/// Copy packages out of the catalog
#[derive(clap::Args, Debug)]
#[command(after_help = HELP, override_usage = USAGE)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["id", "all", "package_type"]))]
#[command(group = clap::ArgGroup::new("where").required(true).args(["file", "dir"]))]
pub(super) struct Args {
    /// Package in the catalog: its ID or the first digits of it; several times for several
    #[arg(long, value_name = "ID", num_args = 1..)]
    id: Vec<IdPrefix>,

    /// Every package in the catalog
    #[arg(long, requires = "dir")]
    all: bool,

    /// Every package of TYPE: onefs, patch, firmware, dsp or generic
    #[arg(long = "type", value_name = "TYPE", requires = "dir")]
    package_type: Option<PackageType>,

    /// Where the copy of one package is written
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Where the copies are written, each as NAME-VERSION-ID.isi
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Write no FILE.sha256 beside the copy
    #[arg(long)]
    no_sha256: bool,

    /// Export what is not trusted any more, too, for REASON, which goes on record
    #[arg(long = "override", value_name = "REASON")]
    override_reason: Option<String>,

    #[command(flatten)]
    overwrite: OverwriteArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// The one made by itself does not fit a line.
const USAGE: &str = "isi upgrade catalog export (--id ID... | --all | --type TYPE) \
    (--file FILE | --dir DIR)\n       [OPTIONS]";

const HELP: &str = "\
Every package is verified again on its way out, and its copy has no name before that. What cannot
be exported is said, and the rest goes on. What is whole but no longer trusted is refused, with 4,
unless --override says why; what is damaged is refused in any case.

Examples:
  isi upgrade catalog export --id 3a145 --file /ifs/Drive_Support_v1.39.1.isi
  isi upgrade catalog export --type patch --dir /mnt/usb
  isi upgrade catalog export --all --dir /backup/packages";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let target = self.target()?;
        let ids = self.ids(context)?;
        let mut batch = Batch::of(ids.len(), self.output.is_json());
        for id in ids {
            let request = ExportRequest {
                id: id.clone(),
                target: target.clone(),
                on_existing: self.overwrite.on_existing(),
                side_file: !self.no_sha256,
                override_reason: self.override_reason.clone(),
            };
            match call(context, |service, call| service.export(&request, call)) {
                Ok(reply) => {
                    if !self.output.is_json() {
                        tell(&id, &reply, context);
                    }
                    batch.done(&reply, context)?;
                }
                Err(error) => {
                    let error = error.attempting(format!("cannot export {id}"));
                    batch.failed(("id", id.as_str()), error, context)?;
                }
            }
        }
        batch.finish(context)
    }

    fn target(&self) -> Result<ExportTarget, CommandError> {
        match (&self.file, &self.dir) {
            (Some(file), _) if self.id.len() == 1 => Ok(ExportTarget::File(file.clone())),
            (Some(_), _) => Err(CommandError::usage(
                "one file holds one package: name a directory with --dir",
            )),
            (None, Some(dir)) => Ok(ExportTarget::Directory(dir.clone())),
            (None, None) => Err(CommandError::usage("name a file with --file or --dir")),
        }
    }

    /// The packages asked for.
    fn ids(&self, context: &mut Context) -> Result<Vec<IdPrefix>, CommandError> {
        if !self.id.is_empty() {
            return Ok(self.id.clone());
        }
        let request = ListRequest {
            package_type: self.package_type,
            ..ListRequest::default()
        };
        let mut ids = Vec::new();
        follow(
            context,
            &mut |event, _| {
                if let Event::Listed(item) = event {
                    ids.push(item.id.into());
                }
                Ok(())
            },
            |service, call| service.list(&request, call),
        )?;
        Ok(ids)
    }
}

fn tell(id: &IdPrefix, reply: &ExportReply, context: &mut Context) {
    let shown: String = id.as_str().chars().take(12).collect();
    let file = reply.file.display();
    context.out.note(&format!("exported {shown} to {file}"));
    if let Some(code) = &reply.overridden {
        let warning = format!("{shown} is not trusted ({code}): the override is on record");
        context.out.warn(&warning);
    }
}
