//! Event logs of made-up entries.

use jiff::Timestamp;

use super::{NewEvent, append};
use crate::catalog::database::Database;
use crate::catalog::database::tests::fresh;

/// A new database whose log has this many entries.
pub(super) fn log(count: i64) -> (tempfile::TempDir, Database) {
    let (home, mut database) = fresh();
    for number in 1..=count {
        add(&mut database, number);
    }
    (home, database)
}

/// Appends one entry.
pub(super) fn add(database: &mut Database, number: i64) {
    let event = NewEvent {
        time: Timestamp::from_second(number).unwrap(),
        kind: "import",
        subject: "ab",
        actor: "root",
        details: serde_json::json!({ "number": number }),
    };
    database
        .write("test", |transaction| append(transaction, &event))
        .unwrap();
}
