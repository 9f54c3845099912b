use std::time::Duration;

use super::action::Cause;
use super::records::Records;
use super::survey::Identity;
use crate::catalog::database::{Database, Schema};
use crate::catalog::events::{self, mirror};
use crate::catalog::layout::{ARTIFACTS, DATABASE, EVENTS, Layout};
use crate::catalog::{self, CatalogError};
use crate::fsio::{FsError, ReadAt as _, regular_length};
use crate::progress::Progress;

/// Where the header says which kind of journal a writer needs; see "Database File Format" of `SQLite`.
const WRITE_VERSION: u64 = 18;
/// The largest that is known.
const MAX_WRITE_VERSION: u8 = 2;

/// Whether the database can be gone on with.
pub(super) enum Condition {
    /// It is sound, and this is what it says.
    Sound(Box<Database>, Records),
    /// It is missing, damaged, or something else; why.
    Lost(Cause),
}

/// Refuses a directory that has nothing of a catalog.
pub(super) fn expect_catalog(layout: &Layout) -> Result<(), CatalogError> {
    for name in [DATABASE, ARTIFACTS, EVENTS] {
        if layout.root().kind_of(name)?.is_some() {
            return Ok(());
        }
    }
    let root = layout.root().path().to_owned();
    Err(CatalogError::Missing { root })
}

/// Brings an older database up to date, as whoever opens it does; what is damaged is left to the diagnosis.
pub(super) fn bring_up_to_date(
    layout: &Layout,
    lock_timeout: Duration,
    progress: &dyn Progress,
) -> Result<(), CatalogError> {
    if layout.root().kind_of(DATABASE)?.is_none() {
        return Ok(());
    }
    let done = check_header(layout)
        .and_then(|()| catalog::bring_up_to_date(layout, lock_timeout, progress));
    match done {
        Err(error) if is_damage(&error) => Ok(()),
        done => done,
    }
}

/// Looks at the database; one of a newer program is refused.
pub(super) fn diagnose(layout: &Layout) -> Result<Condition, CatalogError> {
    if layout.root().kind_of(DATABASE)?.is_none() {
        return Ok(lost(layout));
    }
    match examine(layout) {
        Ok(condition) => Ok(condition),
        Err(error) if is_damage(&error) => Ok(Condition::Lost(Cause::from(&error))),
        Err(error) => Err(error),
    }
}

fn examine(layout: &Layout) -> Result<Condition, CatalogError> {
    check_header(layout)?;
    let mut database = Database::open(layout)?;
    match database.schema()? {
        Schema::Empty => return Ok(lost(layout)),
        // Put there in this very moment.
        Schema::Old(_) => {
            let path = layout.path(DATABASE);
            return Err(CatalogError::Changed { path });
        }
        Schema::Current => {}
    }
    database.check()?;
    // `SQLite` sees no harm in a changed event; no statement of ours may change it back.
    if let Some(finding) = (database.read("read the event log", events::verify)?).first() {
        let detail = format!("the event log does not hold together: {finding}");
        return Ok(Condition::Lost(Cause::new("E_EVENT_LOG", detail, None)));
    }
    let records = database.read("read the records", Records::read)?;
    Ok(Condition::Sound(Box::new(database), records))
}

/// The mirror of the event log, if it says something else than a sound database, or cannot be read.
///
/// The next change writes it anew from the database, and each change of a repair is one.
pub(super) fn contradiction(
    layout: &Layout,
    database: &mut Database,
) -> Result<Option<(Identity, Cause)>, CatalogError> {
    let detail = match mirror::compare(layout.root(), database) {
        Ok(findings) => match findings.first() {
            Some(finding) => finding.to_string(),
            None => return Ok(None),
        },
        Err(error @ (CatalogError::Files(_) | CatalogError::WrongKind { .. })) => {
            Cause::from(&error).detail
        }
        Err(error) => return Err(error),
    };
    let identity = Identity::of(&layout.root().status_of(EVENTS)?);
    let hint = "compare it with `isi upgrade catalog history --format json`";
    let cause = Cause::new("E_EVENT_MIRROR", detail, Some(hint));
    Ok(Some((identity, cause)))
}

/// `SQLite` reads a file that it would not write, and says so only when it should.
fn check_header(layout: &Layout) -> Result<(), CatalogError> {
    let path = layout.path(DATABASE);
    let file = layout.root().open_file(DATABASE)?;
    if regular_length(&file, &path)? == 0 {
        return Ok(());
    }
    let mut version = [0];
    match file.read_exact_at(&mut version, WRITE_VERSION) {
        Ok(()) if (1..=MAX_WRITE_VERSION).contains(&version[0]) => Ok(()),
        Ok(()) => {
            let detail = format!("its write version is {}", version[0]);
            Err(CatalogError::DatabaseDamaged { path, detail })
        }
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            let detail = "it ends within its header".to_owned();
            Err(CatalogError::DatabaseDamaged { path, detail })
        }
        Err(error) => Err(FsError::system("read", &path)(error).into()),
    }
}

fn lost(layout: &Layout) -> Condition {
    let path = layout.path(DATABASE);
    Condition::Lost(Cause::from(&CatalogError::DatabaseLost { path }))
}

/// Whether the database itself is wrong, and not only the attempt to look at it.
fn is_damage(error: &CatalogError) -> bool {
    use rusqlite::ErrorCode;
    match error {
        CatalogError::DatabaseDamaged { .. } | CatalogError::DatabaseForeign { .. } => true,
        // A file that SQLite opens but does not understand: our own statements are not at fault.
        CatalogError::Database { source, .. } => matches!(
            source.sqlite_error_code(),
            Some(
                ErrorCode::Unknown
                    | ErrorCode::InternalMalfunction
                    | ErrorCode::TooBig
                    | ErrorCode::SchemaChanged
                    | ErrorCode::TypeMismatch
                    | ErrorCode::ConstraintViolation
            )
        ),
        _ => false,
    }
}
