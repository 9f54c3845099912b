//! The database: how it is opened, what schema it has, and how its errors are told.

mod check;
mod migrate;
mod rows;

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::CatalogError;
use super::events::{self, Head};
use super::layout::{DATABASE, Layout};
use crate::fsio::{Dir, EntryKind, Identity};

pub(super) use migrate::{NEWEST, Schema};
pub(super) use rows::{ARTIFACT_COLUMNS, artifact_of, blob, digest, insert_artifact, time};

/// How long one statement waits for another process's; the catalog's lock has done the long waiting.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest text or blob in bytes; a verdict or manifest entry is far shorter.
const MAX_VALUE: i32 = 16 << 20;
/// Longest statement in bytes; ours are written below.
const MAX_STATEMENT: i32 = 64 << 10;

/// An open connection with the settings that the catalog's promises rest on.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
    /// The catalog's directory.
    root: Dir,
    /// Its name there.
    name: &'static str,
    /// The file that is open; another one may take its name.
    identity: Identity,
    /// The end of the event log that is known to be mirrored.
    mirrored: Option<Head>,
}

impl Database {
    /// Opens the database file in `layout`, which has to be there; it may be empty.
    pub(super) fn open(layout: &Layout) -> Result<Self, CatalogError> {
        Self::open_in(layout.root().try_clone()?, DATABASE)
    }

    /// Opens the database that has this name in the catalog's directory.
    ///
    /// One under another name than the catalog's is being built: its events are not mirrored.
    pub(super) fn open_in(root: Dir, name: &'static str) -> Result<Self, CatalogError> {
        let path = root.path().join(name);
        let missing = || CatalogError::Missing {
            root: root.path().to_owned(),
        };
        match root.kind_of(name)? {
            Some(EntryKind::File) => {}
            Some(_) => {
                let expected = "a regular file";
                return Err(CatalogError::WrongKind { path, expected });
            }
            None => return Err(missing()),
        }
        let identity = root.identity_of(name)?.ok_or_else(missing)?;
        // SQLite takes paths only. The real path of the open directory has no links in it, SQLite
        // refuses any that appear, and the check afterwards finds a directory that was put in its place.
        let real = root.real_path()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = Connection::open_with_flags(real.join(name), flags)
            .map_err(|error| told("open", path.clone(), error))?;
        if !root.is_at(&real)? {
            let (path, expected) = (real, "the directory it was a moment ago");
            return Err(CatalogError::WrongKind { path, expected });
        }
        if root.identity_of(name)? != Some(identity) {
            // Replaced in this very moment: once more, with the new one.
            return Self::open_in(root, name);
        }
        let database = Self {
            connection,
            path,
            root,
            name,
            identity,
            mirrored: None,
        };
        database.during("configure", configure)?;
        Ok(database)
    }

    /// Which schema the file has.
    pub(super) fn schema(&self) -> Result<Schema, CatalogError> {
        migrate::state(self)
    }

    /// Brings the schema up to date; the caller holds the exclusive lock.
    pub(super) fn migrate(&mut self) -> Result<(), CatalogError> {
        migrate::migrate(self)
    }

    /// Reads the whole file and refuses it if anything in it contradicts anything else.
    pub(super) fn check(&self) -> Result<(), CatalogError> {
        check::check(self)
    }

    /// Reads one consistent state of the database.
    pub(super) fn read<T>(
        &mut self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        self.transaction(operation, TransactionBehavior::Deferred, work)
    }

    /// Changes the database in one step that is on disk when this returns, or does nothing.
    ///
    /// The caller holds the exclusive lock. Events are mirrored afterwards; what goes wrong with that
    /// does not undo the change, and is made up for at the next one.
    pub(super) fn write<T>(
        &mut self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        let work = |transaction: &Transaction<'_>| {
            let result = work(transaction)?;
            Ok((result, events::head(transaction)?))
        };
        let (result, head) = self.transaction(operation, TransactionBehavior::Immediate, work)?;
        if self.name == DATABASE && self.mirrored != Some(head) {
            self.mirrored = match self.mirror() {
                Ok(()) => Some(head),
                Err(problem) => {
                    tracing::warn!(code = problem.code(), "the events could not be mirrored");
                    None
                }
            };
        }
        Ok(result)
    }

    /// Appends to the mirror of the event log what it lacks.
    pub(super) fn mirror(&mut self) -> Result<(), CatalogError> {
        let root = self.root.try_clone()?;
        events::mirror::catch_up(&root, self)
    }

    /// Opens the file that has the database's name now, if it is another one than before.
    ///
    /// `SQLite` finds a journal by its name: whoever goes on with a database that was replaced would
    /// take the journal of the new one for its own.
    fn follow(&mut self) -> Result<(), CatalogError> {
        if self.root.identity_of(self.name)? == Some(self.identity) {
            return Ok(());
        }
        let lost = CatalogError::DatabaseLost {
            path: self.path.clone(),
        };
        if self.root.kind_of(self.name)?.is_none() {
            return Err(lost);
        }
        let found = Self::open_in(self.root.try_clone()?, self.name)?;
        match found.schema()? {
            Schema::Current => *self = found,
            Schema::Empty | Schema::Old(_) => return Err(lost),
        }
        Ok(())
    }

    fn transaction<T>(
        &mut self,
        operation: &'static str,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        self.follow()?;
        let path = &self.path;
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        run(&mut self.connection).map_err(|error| told(operation, path.clone(), error))
    }

    fn during<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        work(&self.connection).map_err(|error| told(operation, self.path.clone(), error))
    }
}

/// Settings of the connection; `journal_mode` and `synchronous` are the ones that survive a power cut.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_STATEMENT),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
    ] {
        connection.set_limit(limit, value)?;
    }
    connection.pragma_update(None, "synchronous", "EXTRA")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection
        .pragma_update(None, "mmap_size", 0)
        .or_else(one_row)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
}

/// Some settings answer with their new value, which is no error.
fn one_row(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::ExecuteReturnedResults => Ok(()),
        error => Err(error),
    }
}

/// A row that `SQLite` holds to be sound, but that cannot have been written by this program.
pub(super) fn damaged(column: usize, detail: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        rusqlite::types::Type::Null,
        detail.into().into(),
    )
}

fn told(operation: &'static str, path: PathBuf, source: rusqlite::Error) -> CatalogError {
    use rusqlite::Error;
    let damage = match &source {
        Error::SqliteFailure(failure, _) => {
            if failure.extended_code == rusqlite::ffi::SQLITE_CANTOPEN_SYMLINK {
                let expected = "free of symbolic links";
                return CatalogError::WrongKind { path, expected };
            }
            matches!(
                failure.code,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase
            )
        }
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => true,
        _ => false,
    };
    if damage {
        let detail = source.to_string();
        CatalogError::DatabaseDamaged { path, detail }
    } else {
        CatalogError::Database { operation, source }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A database with the current schema in a fresh catalog directory.
    pub(in super::super) fn fresh() -> (tempfile::TempDir, Database) {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::open_or_create(&home.path().join("catalog")).unwrap();
        layout.create_database_file().unwrap();
        let mut database = Database::open(&layout).unwrap();
        database.migrate().unwrap();
        (home, database)
    }

    #[test]
    fn a_database_that_was_replaced_is_not_gone_on_with() {
        let (home, mut old) = fresh();
        let layout = Layout::open(&home.path().join("catalog")).unwrap();
        let set = |database: &mut Database, value: i64| {
            database.write("test", |transaction| {
                let statement = "INSERT INTO meta VALUES ('fact', ?1)";
                transaction.execute(statement, [value])
            })
        };
        let fact = |database: &mut Database| {
            database.read("test", |transaction| {
                let statement = "SELECT max(value) FROM meta WHERE key = 'fact'";
                transaction.query_row(statement, [], |row| row.get::<_, Option<i64>>(0))
            })
        };
        let (path, new) = (layout.path(DATABASE), layout.path("new"));
        std::fs::copy(&path, &new).unwrap();
        set(&mut old, 1).unwrap();
        std::fs::rename(&new, &path).unwrap();
        assert_eq!(fact(&mut old).unwrap(), None);
        set(&mut old, 2).unwrap();
        assert_eq!(
            fact(&mut Database::open(&layout).unwrap()).unwrap(),
            Some(2)
        );
        std::fs::rename(&path, &new).unwrap();
        let code = |error: CatalogError| error.code().to_owned();
        assert_eq!(code(fact(&mut old).unwrap_err()), "E_DATABASE_LOST");
        std::fs::write(&path, b"").unwrap();
        assert_eq!(code(fact(&mut old).unwrap_err()), "E_DATABASE_LOST");
        std::fs::rename(&new, &path).unwrap();
        assert_eq!(fact(&mut old).unwrap(), Some(2));
    }

    #[test]
    fn the_settings_that_survive_a_power_cut_are_in_force() {
        let (_home, database) = fresh();
        let text = |name| {
            database
                .connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        };
        assert_eq!(text("journal_mode"), "delete".to_owned().into());
        assert_eq!(text("synchronous"), 3.into(), "EXTRA");
        assert_eq!(text("foreign_keys"), 1.into());
        assert_eq!(text("trusted_schema"), 0.into());
        assert_eq!(text("cell_size_check"), 1.into());
        assert_eq!(text("application_id"), migrate::APPLICATION_ID.into());
        assert_eq!(text("user_version"), NEWEST.into());
    }
}
