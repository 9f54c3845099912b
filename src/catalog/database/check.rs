use rusqlite::Connection;

use super::{CatalogError, Database, migrate};

/// Reads the whole file and refuses it if anything in it contradicts anything else.
pub(super) fn check(database: &Database) -> Result<(), CatalogError> {
    let damaged = |detail: String| CatalogError::DatabaseDamaged {
        path: database.path.clone(),
        detail,
    };
    let (found, expected) = database.during("read the schema", |connection| {
        let fresh = migrate::in_memory()?;
        Ok((schema(connection)?, schema(&fresh)?))
    })?;
    if found != expected {
        return Err(damaged("its tables are not those of a catalog".to_owned()));
    }
    let problem = database.during("check", |connection| {
        let problem: String =
            connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        let unbound: i64 =
            connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
                row.get(0)
            })?;
        Ok(match (problem.as_str(), unbound) {
            ("ok", 0) => None,
            ("ok", _) => Some("rows refer to rows that are not there".to_owned()),
            _ => Some(problem),
        })
    })?;
    problem.map_or(Ok(()), |problem| Err(damaged(problem)))
}

fn schema(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}
