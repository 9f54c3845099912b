use rusqlite::Connection;

use super::{CatalogError, Database};

/// `PRAGMA application_id` of a catalog's database: `ISIC`.
pub(super) const APPLICATION_ID: i32 = 0x4953_4943;

/// What leads from each schema version to the next; a published one never changes.
const MIGRATIONS: [&str; 2] = [include_str!("0001.sql"), include_str!("0002.sql")];

/// `PRAGMA user_version` after the last migration.
pub(in super::super) const NEWEST: i32 = 2;

/// What schema a database file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Schema {
    /// Nothing at all: a new file.
    Empty,
    /// A catalog's schema of this version, older than this program's.
    Old(i32),
    /// This program's schema.
    Current,
}

/// Tells the schema of the file; another program's and a newer one are refused.
pub(super) fn state(database: &Database) -> Result<Schema, CatalogError> {
    let (application, version, objects) = database.during("read the schema", |connection| {
        Ok((
            pragma(connection, "application_id")?,
            pragma(connection, "user_version")?,
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
                row.get::<_, i64>(0)
            })?,
        ))
    })?;
    let path = database.path.clone();
    match (application, version) {
        (0, 0) if objects == 0 => Ok(Schema::Empty),
        (APPLICATION_ID, NEWEST) => Ok(Schema::Current),
        (APPLICATION_ID, found) if found > NEWEST => Err(CatalogError::DatabaseNewer {
            path,
            found,
            supported: NEWEST,
        }),
        (APPLICATION_ID, found @ 1..) => Ok(Schema::Old(found)),
        (APPLICATION_ID, found) => Err(CatalogError::DatabaseDamaged {
            path,
            detail: format!("its schema version is {found}"),
        }),
        (found, _) => Err(CatalogError::DatabaseForeign {
            path,
            found,
            expected: APPLICATION_ID,
        }),
    }
}

/// Applies the missing migrations, all or none.
pub(super) fn migrate(database: &mut Database) -> Result<(), CatalogError> {
    database.write("make the schema", |transaction| {
        let version = pragma(transaction, "user_version")?;
        let done = usize::try_from(version).unwrap_or(usize::MAX);
        for migration in MIGRATIONS.iter().skip(done) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", NEWEST)
    })
}

/// An empty database with the newest schema, to compare others with.
pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    for migration in MIGRATIONS {
        connection.execute_batch(migration)?;
    }
    Ok(connection)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::fresh;
    use super::*;
    use crate::catalog::layout::{DATABASE, Layout};

    fn schema(connection: &Connection) -> Vec<(String, String)> {
        let mut statement = connection
            .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn migrations_come_to_the_schema_of_the_specification() {
        let (_home, database) = fresh();
        let specified = Connection::open_in_memory().unwrap();
        let text = include_str!("../../../format-spec/catalog-schema.sql");
        specified.execute_batch(text).unwrap();
        assert_eq!(schema(&database.connection), schema(&specified));
        assert!(schema(&specified).len() >= 14);
        assert!(
            text.contains(&format!("schema version {NEWEST} "))
                && text.contains("application ID 0x49534943")
        );
        assert_eq!(usize::try_from(NEWEST), Ok(MIGRATIONS.len()));
    }

    #[test]
    fn an_older_database_is_brought_up_to_date_with_all_it_says() {
        let (_home, newest) = fresh();
        let versions = usize::try_from(NEWEST).unwrap();
        for version in 1..versions {
            let home = tempfile::tempdir().unwrap();
            let layout = Layout::open_or_create(&home.path().join("catalog")).unwrap();
            layout.create_database_file().unwrap();
            let older = Connection::open(layout.path(DATABASE)).unwrap();
            older
                .execute_batch(&MIGRATIONS[..version].concat())
                .unwrap();
            let says = format!(
                "INSERT INTO meta VALUES ('fact', 7);
                 PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version};"
            );
            older.execute_batch(&says).unwrap();
            drop(older);
            let mut database = Database::open(&layout).unwrap();
            let found = Schema::Old(i32::try_from(version).unwrap());
            assert_eq!(state(&database).unwrap(), found);
            database.migrate().unwrap();
            assert_eq!(state(&database).unwrap(), Schema::Current);
            assert_eq!(schema(&database.connection), schema(&newest.connection));
            let fact = "SELECT value FROM meta WHERE key = 'fact'";
            let fact = (database.connection).query_row(fact, [], |row| row.get::<_, i64>(0));
            assert_eq!(fact.unwrap(), 7);
        }
    }

    #[test]
    fn every_table_is_strict() {
        let (_home, database) = fresh();
        let lax: i64 = database
            .connection
            .query_row(
                "SELECT count(*) FROM pragma_table_list
                 WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(lax, 0);
    }

    #[test]
    fn foreign_newer_and_odd_databases_are_told_apart() {
        let (_home, mut database) = fresh();
        assert_eq!(state(&database).unwrap(), Schema::Current);
        for (application, version, code) in [
            (APPLICATION_ID, NEWEST + 1, "E_DATABASE_NEWER"),
            (APPLICATION_ID, 0, "E_DATABASE_DAMAGED"),
            (APPLICATION_ID, -1, "E_DATABASE_DAMAGED"),
            (7, 1, "E_DATABASE_FOREIGN"),
            (0, 0, "E_DATABASE_FOREIGN"),
        ] {
            database
                .write("test", |transaction| {
                    transaction.pragma_update(None, "application_id", application)?;
                    transaction.pragma_update(None, "user_version", version)
                })
                .unwrap();
            assert_eq!(
                state(&database).unwrap_err().code(),
                code,
                "{application} {version}"
            );
        }
    }

    #[test]
    fn events_cannot_be_changed_or_removed() {
        let (_home, mut database) = fresh();
        database
            .write("test", |transaction| {
                transaction.execute(
                    "INSERT INTO event VALUES (1, 0, 'k', 's', 'a', '{}', zeroblob(32), zeroblob(32))",
                    [],
                )
            })
            .unwrap();
        for statement in ["UPDATE event SET actor = 'b'", "DELETE FROM event"] {
            let refused = database.write("test", |transaction| transaction.execute(statement, []));
            assert!(refused.is_err(), "{statement}");
        }
    }
}
