use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use super::batch::Batch;
use super::call;
use crate::cli::args::OutputArgs;
use crate::cli::{CommandError, Context, Exit};
use crate::fsio::{Dir, EntryKind, Stream};
use crate::limits::USUAL_STREAM;
use crate::service::{
    ImportReply, ImportRequest, Item, Outcome, PackageFile, PackageSource, PackageStream,
};
use crate::trust::Verdict;

/// Verify package files and add them to the catalog
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["files", "from_dir"]))]
pub(super) struct Args {
    /// The package files; - for a package on standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Import every file in DIR whose name ends in .isi
    #[arg(long, value_name = "DIR")]
    from_dir: Option<PathBuf>,

    /// Let unsigned packages in for REASON, where the policy allows to ask
    #[arg(long, value_name = "REASON")]
    allow_unsigned: Option<String>,

    /// Refuse standard input that has more bytes than BYTES
    #[arg(long, value_name = "BYTES", default_value_t = USUAL_STREAM)]
    stream_limit: u64,

    #[command(flatten)]
    output: OutputArgs,
}

const HELP: &str = "\
Each file is copied, the copy is verified, and only then it is in the catalog. Importing the same
package again changes nothing. What cannot be imported is said, and the rest goes on: the command
ends with 4 when a package is not trusted, with 1 when something else failed. Standard input is
copied whole before it can be judged; one that does not end is refused at --stream-limit.

Examples:
  isi upgrade catalog import Drive_Support_v1.39.1.isi
  isi upgrade catalog import /ifs/packages/*.isi
  isi upgrade catalog import --from-dir /ifs/packages
  ssh vendor cat install.isi | isi upgrade catalog import -
  isi upgrade catalog import built-here.isi --allow-unsigned 'lab machine, ticket 4711'";

/// One file of the JSON output.
#[derive(serde::Serialize)]
struct Imported<'a> {
    file: &'a str,
    outcome: Outcome,
    item: &'a Item,
    verdict: &'a Verdict,
}

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";
/// What the files of a directory are known by.
const SUFFIX: &str = "isi";

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        let files = self.all_files()?;
        let mut batch = Batch::of(files.len(), self.output.is_json());
        for file in &files {
            let name = file.to_string_lossy();
            match self.import(file, context) {
                Ok(reply) => {
                    if !self.output.is_json() {
                        tell(&reply, context);
                    }
                    let done = Imported {
                        file: &name,
                        outcome: reply.outcome,
                        item: &reply.item,
                        verdict: &reply.verdict,
                    };
                    batch.done(&done, context)?;
                }
                Err(error) => {
                    let error = error.attempting(format!("cannot import {}", shown(file)));
                    batch.failed(("file", &name), error, context)?;
                }
            }
        }
        batch.finish(context)
    }

    fn import(&self, file: &Path, context: &Context) -> Result<ImportReply, CommandError> {
        let request = ImportRequest {
            package: self.open(file, context)?,
            allow_unsigned: self.allow_unsigned.clone(),
        };
        call(context, |service, call| service.import(request, call))
    }

    fn open(&self, file: &Path, context: &Context) -> Result<PackageSource, CommandError> {
        if !is_standard_input(file) {
            return Ok(PackageFile::open(file)?.into());
        }
        if context.out.terminal().input {
            return Err(CommandError::usage(
                "standard input is a terminal: expected a package there",
            )
            .hint("isi upgrade catalog import - < FILE"));
        }
        let input = std::io::stdin().as_fd().try_clone_to_owned();
        let input = input.map_err(|error| {
            CommandError::failed(error)
                .attempting("cannot open standard input")
                .code("E_IO")
        })?;
        Ok(PackageSource::Stream(PackageStream {
            reader: Box::new(Stream::from(input)),
            label: shown(file).into(),
            limit: self.stream_limit,
        }))
    }

    /// The files named, then those of the directory in the order of their names.
    fn all_files(&self) -> Result<Vec<PathBuf>, CommandError> {
        let mut files = self.files.clone();
        let inputs = files.iter().filter(|file| is_standard_input(file)).count();
        if inputs > 1 {
            return Err(CommandError::usage(
                "standard input holds one package: expected - once",
            ));
        }
        let Some(directory) = &self.from_dir else {
            return Ok(files);
        };
        let packages = packages_in(directory)?;
        if packages.is_empty() {
            return Err(CommandError::failed(format!(
                "{} has no file whose name ends in .{SUFFIX}",
                directory.display()
            ))
            .code("E_NO_PACKAGES")
            .hint("name the files one by one if they are called otherwise"));
        }
        files.extend(packages);
        Ok(files)
    }
}

fn packages_in(directory: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let entries = Dir::open(directory)?.entries()?;
    let packages = entries.into_iter().filter(|entry| {
        let suffix = Path::new(&entry.name).extension();
        entry.kind != EntryKind::Directory && suffix.is_some_and(|suffix| suffix == SUFFIX)
    });
    Ok(packages.map(|entry| directory.join(entry.name)).collect())
}

fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == STANDARD_INPUT
}

/// What a file is called in messages.
fn shown(file: &Path) -> String {
    if is_standard_input(file) {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    }
}

fn tell(reply: &ImportReply, context: &mut Context) {
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
}
