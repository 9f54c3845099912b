//! Makes a new database beside the old one, then puts it in its place.
//!
//! The new database and its event log are complete and on disk in a directory below `incoming` before
//! anything is moved. Then, each step on disk before the next: the old event log, if it is not simply
//! the beginning of the new one, gets a second name in quarantine; the new one takes its place in one
//! step; the old journal goes to quarantine, then the old database; the new database takes its name.
//! Whatever step a crash comes after, the event log has every event, and the database is the old one or
//! missing, which every command but the next repair refuses, or the new one.

use std::path::Path;

use super::action::{Action, Cause};
use super::apply::Mover;
use super::enter::Recorder;
use super::log;
use super::references::{self, Needs};
use crate::catalog::CatalogError;
use crate::catalog::database::Database;
use crate::catalog::events::{self, Stored};
use crate::catalog::layout::{DATABASE, EVENTS, INCOMING, Layout};
use crate::catalog::quarantine::{CONTENT, Reason, create, entries, set_aside};
use crate::fsio::Dir;

/// Name of the directory below `incoming` that the new database is made in.
const PLACE: &str = "rebuild";
/// What `SQLite` calls the journal.
const JOURNAL: &str = "catalog.db-journal";
/// Events entered in one transaction.
const BATCH: usize = 256;

/// Makes the new database with the rows that were planned, and swaps it in.
pub(super) fn rebuild(
    recorder: &Recorder<'_>,
    rows: &[Action],
    moved: &Mover<'_>,
    done: &mut dyn FnMut(&Action, bool),
) -> Result<(), CatalogError> {
    let root = recorder.layout.root();
    let incoming = recorder.layout.dir(INCOMING)?;
    if incoming.kind_of(PLACE)?.is_some() {
        incoming.remove_tree(PLACE)?;
    }
    incoming.create_dir(PLACE, 0o700)?;
    let place = Layout::open_or_create(&incoming.open_dir(PLACE)?.real_path()?)?;
    place.create_database_file()?;
    let mut database = Database::open(&place)?;
    database.migrate()?;
    let replayed = replay(recorder.layout, &mut database)?;
    recorder.apply(rows, moved, &mut database, done)?;
    database.mirror()?;
    drop(database);
    place.root().sync()?;
    swap_log(recorder, root, &place, replayed)?;
    let causes = rows.iter().filter_map(Action::cause);
    let cause = causes
        .into_iter()
        .next()
        .cloned()
        .unwrap_or_else(Cause::foreign);
    for name in [JOURNAL, DATABASE] {
        if root.kind_of(name)?.is_some() {
            let reason = reason(recorder, name, &cause);
            set_aside(root, Path::new(name), &next(root)?, name, &reason)?;
        }
    }
    place.root().rename_new(DATABASE, root, DATABASE)?;
    root.sync()?;
    incoming.remove_tree(PLACE)?;
    Ok(incoming.sync()?)
}

/// How the events came into the new log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replayed {
    /// As they were, every one.
    Verbatim,
    /// Some lacked the one before them, and were bound anew to the last one there is.
    Rebound,
}

/// Enters every event that there is, and what follows from the events alone.
fn replay(layout: &Layout, database: &mut Database) -> Result<Replayed, CatalogError> {
    let (mut batch, mut needs) = (Vec::new(), Needs::default());
    let mut replayed = Replayed::Verbatim;
    let mut enter = |batch: &mut Vec<Stored>| {
        let entered = database.write("enter the event log", |transaction| {
            let mut rebound = false;
            for event in batch.iter() {
                rebound |= !events::continue_with(transaction, event)?;
            }
            Ok(rebound)
        })?;
        if entered {
            replayed = Replayed::Rebound;
        }
        batch.clear();
        Ok::<_, CatalogError>(())
    };
    log::each(layout, |event| {
        needs.note(&event);
        batch.push(event);
        if batch.len() < BATCH {
            return Ok(());
        }
        enter(&mut batch)
    })?;
    enter(&mut batch)?;
    database.write("enter who needs what", |transaction| {
        references::insert(transaction, &needs)
    })?;
    Ok(replayed)
}

/// Puts the new event log in the place of the old one, in one step.
fn swap_log(
    recorder: &Recorder<'_>,
    root: &Dir,
    place: &Layout,
    replayed: Replayed,
) -> Result<(), CatalogError> {
    if replayed == Replayed::Rebound && root.kind_of(EVENTS)?.is_some() {
        let detail = "events are missing from it, or changed";
        let cause = Cause::new("E_EVENT_MIRROR", detail, None);
        let entry = create(root, &next(root)?, &reason(recorder, EVENTS, &cause))?;
        let name = entry.path().strip_prefix(root.path()).map(Path::to_owned);
        let name = name.unwrap_or_default().join(CONTENT);
        root.create_hard_link(EVENTS, name)?;
        entry.sync()?;
    }
    place.root().rename(EVENTS, root, EVENTS)?;
    Ok(root.sync()?)
}

fn next(root: &Dir) -> Result<String, CatalogError> {
    Ok(entries(root)?.next.to_string())
}

fn reason(recorder: &Recorder<'_>, name: &str, cause: &Cause) -> Reason {
    let now = recorder.context.now;
    Reason::new(now, Path::new(name), None, &cause.code, &cause.detail).hint(cause.hint.clone())
}
