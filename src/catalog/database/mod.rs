//! The database: how it is opened, what schema it has, and how its errors are told.

mod migrate;
mod rows;

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::CatalogError;
use super::layout::{DATABASE, Layout};
use crate::fsio::EntryKind;

pub(super) use migrate::Schema;
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
}

impl Database {
    /// Opens the database file in `layout`, which has to be there; it may be empty.
    pub(super) fn open(layout: &Layout) -> Result<Self, CatalogError> {
        let path = layout.path(DATABASE);
        match layout.root().kind_of(DATABASE)? {
            Some(EntryKind::File) => {}
            Some(_) => {
                let expected = "a regular file";
                return Err(CatalogError::WrongKind { path, expected });
            }
            None => {
                let root = layout.root().path().to_owned();
                return Err(CatalogError::Missing { root });
            }
        }
        // SQLite takes paths only. The real path of the open directory has no links in it, SQLite
        // refuses any that appear, and the check afterwards finds a directory that was put in its place.
        let real = layout.root().real_path()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = Connection::open_with_flags(real.join(DATABASE), flags)
            .map_err(|error| told("open", path.clone(), error))?;
        if !layout.root().is_at(&real)? {
            let (path, expected) = (real, "the directory it was a moment ago");
            return Err(CatalogError::WrongKind { path, expected });
        }
        let database = Self { connection, path };
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

    /// Reads one consistent state of the database.
    pub(super) fn read<T>(
        &mut self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        self.transaction(operation, TransactionBehavior::Deferred, work)
    }

    /// Changes the database in one step that is on disk when this returns, or does nothing.
    pub(super) fn write<T>(
        &mut self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        self.transaction(operation, TransactionBehavior::Immediate, work)
    }

    fn transaction<T>(
        &mut self,
        operation: &'static str,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
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
        assert_eq!(text("user_version"), migrate::NEWEST.into());
    }
}
