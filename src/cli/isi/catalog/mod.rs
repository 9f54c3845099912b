//! `isi upgrade catalog`: verified packages, kept; every command asks the service.

mod batch;
mod clean;
mod discarded;
mod export;
mod history;
mod import;
mod list;
mod pin;
mod quarantine;
mod readme;
mod remove;
mod repair;
mod unpin;
mod verify;
mod view;

use std::path::Path;

use crate::cli::follow::{Follower, Tell};
use crate::cli::progress::Bar;
use crate::cli::{CommandError, Context, Exit};
use crate::digest::IdPrefix;
use crate::service::{Call, Local, Management, OneOf, PackageFile, ServiceError};

/// Keep verified packages: import, list, verify, show, export and remove them
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "\
An ID is the SHA-256 of a package; its first digits, three or more, are enough where they name
one package only.

Examples:
  isi upgrade catalog import /ifs/install.isi
  isi upgrade catalog list
  isi upgrade catalog export --id 3a145 --file /ifs/copy.isi";

#[derive(clap::Subcommand, Debug)]
enum Command {
    Import(import::Args),
    List(list::Args),
    Verify(verify::Args),
    View(view::Args),
    Readme(readme::Args),
    Export(export::Args),
    Remove(remove::Args),
    Clean(clean::Args),
    History(history::Args),
    Pin(pin::Args),
    Unpin(unpin::Args),
    Repair(repair::Args),
    Quarantine(quarantine::Args),
}

impl Args {
    pub(super) fn run(self, context: &mut Context) -> Result<Exit, CommandError> {
        match self.command {
            Command::Import(args) => args.run(context),
            Command::List(args) => args.run(context),
            Command::Verify(args) => args.run(context),
            Command::View(args) => args.run(context),
            Command::Readme(args) => args.run(context),
            Command::Export(args) => args.run(context),
            Command::Remove(args) => args.run(context),
            Command::Clean(args) => args.run(context),
            Command::History(args) => args.run(context),
            Command::Pin(args) => args.run(context),
            Command::Unpin(args) => args.run(context),
            Command::Repair(args) => args.run(context),
            Command::Quarantine(args) => args.run(context),
        }
    }
}

/// Calls the service and shows its progress.
pub(super) fn call<T>(
    context: &Context,
    work: impl FnOnce(&dyn Management, &Call<'_>) -> Result<T, ServiceError>,
) -> Result<T, CommandError> {
    let service = service(context)?;
    let bar = Bar::new(&context.out, &context.interrupt);
    let call = Call {
        now: context.now,
        actor: &context.actor,
        observer: &bar,
    };
    let done = work(&service, &call);
    drop(bar);
    done.map_err(|error| told(error, context))
}

/// Calls the service, shows its progress, and lets `tell` print what happens meanwhile.
pub(super) fn follow<T>(
    context: &mut Context,
    tell: &mut Tell<'_>,
    work: impl FnOnce(&dyn Management, &Call<'_>) -> Result<T, ServiceError>,
) -> Result<T, CommandError> {
    let service = service(context)?;
    let bar = Bar::new(&context.out, &context.interrupt);
    let follower = Follower::new(bar, tell, &mut context.out);
    let call = Call {
        now: context.now,
        actor: &context.actor,
        observer: &follower,
    };
    let done = work(&service, &call);
    match follower.failure() {
        Some(failure) => Err(failure),
        None => done.map_err(|error| told(error, context)),
    }
}

/// The service, as configured.
pub(super) fn service(context: &Context) -> Result<Local, CommandError> {
    let settings = context.settings()?;
    let timeout = settings.lock_timeout.value;
    Ok(Local::new(settings.paths(), timeout)
        .policy(settings.policy())
        .booted(context.booted()?, context.booted_kernel())
        .architecture(std::env::consts::ARCH))
}

/// A failure of the service; what was stopped says by what.
pub(super) fn told(error: ServiceError, context: &Context) -> CommandError {
    if error.is_cancelled() {
        context.interrupt.error()
    } else {
        CommandError::from(error)
    }
}

/// A package file or an artifact, as the flags name it.
#[derive(clap::Args, Clone, Debug)]
struct OneOfArgs {
    /// Package file, in the catalog or not
    #[arg(long, value_name = "FILE")]
    file: Option<std::path::PathBuf>,

    /// Package in the catalog: its ID or the first digits of it
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    id: Option<IdPrefix>,
}

impl OneOfArgs {
    /// Opens the file, if it is one; nothing at all where no flag is given.
    fn open(&self) -> Result<Option<OneOf>, CommandError> {
        let file = |path: &Path| PackageFile::open(path).map(OneOf::File);
        let file = self.file.as_deref().map(file).transpose()?;
        Ok(file.or_else(|| self.id.clone().map(OneOf::Id)))
    }
}
