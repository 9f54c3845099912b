//! The catalog: verified packages, kept so that nothing unverified gets in and nothing is lost.
//!
//! Normative text: `format-spec/catalog.md`. The artifacts are the truth; the database is their index.
//!
//! # Threats met here
//!
//! - A package that changes while it is imported: it is copied first, and only the copy is verified,
//!   through the handle that it was written by.
//! - Links and special files planted in the catalog directory: the directory has to be the caller's
//!   own and closed to writers, names are looked up below its open handle, and no link is followed.
//! - Another file under an artifact's name: the digests on record stand for the whole file, and every
//!   use compares them again.
//! - Power cuts, kills and full disks: a package is on disk under its name before its row is committed,
//!   the commit is one transaction, and what was not committed is removed or recognised later.
//! - Two at once: a lock that ends with its process; copying and hashing happen outside of it.
//! - A history rewritten: every entry of the event log is bound to the one before it.

mod artifact;
mod database;
mod describe;
mod error;
pub mod events;
mod examine;
mod export;
mod import;
mod judge;
mod layout;
mod list;
mod lock;
mod note;
mod overrides;
mod package;
mod parallel;
pub mod quarantine;
mod readme;
mod record;
mod reference;
pub mod repair;
mod resolve;
mod staging;
#[cfg(test)]
mod testing;
mod tidy;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use self::database::{Database, Schema};
use self::layout::{DATABASE, Layout};
use self::lock::Held;
use crate::fsio::LockKind;
use crate::progress::Progress;

pub use self::artifact::{Artifact, State};
pub use self::error::{CatalogError, Differs};
pub use self::examine::{Depth, Examination};
pub use self::export::{ExportRequest, Exported};
pub use self::import::{Import, ImportRequest, Outcome, Source};
pub use self::judge::{Judged, Overlay};
pub use self::list::{ListRequest, Listed, ListedReference, ListedSigner, Listing, Order, Page};
pub use self::reference::{MAX_REASON, Reference, ReferenceKind};
pub use self::resolve::{MAX_CANDIDATES, Resolution};
pub use self::tidy::{CleanSets, Cleaned, Discard};

/// What the catalog is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Looking only; a catalog that is not there is refused.
    Read,
    /// Changing; a catalog that is not there is made.
    Write,
}

/// Who works on the catalog, when, and who watches.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The present, by the caller's clock.
    pub now: Timestamp,
    /// Who does it, for the event log.
    pub actor: &'a str,
    /// Who is told of the progress, and may stop the work.
    pub progress: &'a dyn Progress,
}

/// 2020-01-01T00:00:00Z: no catalog is older, so an earlier clock is wrong.
const EARLIEST: i64 = 1_577_836_800;

impl Context<'_> {
    /// Refuses a clock that cannot be right: trust judged by it, and events dated by it, would be wrong.
    pub fn expect_clock(&self) -> Result<(), CatalogError> {
        if self.now.as_second() < EARLIEST {
            return Err(CatalogError::Clock { now: self.now });
        }
        Ok(())
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

/// An open catalog.
#[derive(Debug)]
pub struct Catalog {
    layout: Layout,
    database: Database,
    lock_timeout: Duration,
}

impl Catalog {
    /// Opens the catalog in the directory `root`; `lock_timeout` limits every later wait for others too.
    ///
    /// The directory must belong to the effective user and be closed to other writers.
    pub fn open(
        root: &Path,
        access: Access,
        lock_timeout: Duration,
        progress: &dyn Progress,
    ) -> Result<Self, CatalogError> {
        tracing::info!("catalog: {}", root.display());
        let layout = match access {
            Access::Read => Layout::open(root)?,
            Access::Write => Layout::open_or_create(root)?,
        };
        let shared = Held::take(&layout, LockKind::Shared, lock_timeout, progress)?;
        if let Some(database) = open_current(&layout)? {
            drop(shared);
            return Ok(Self {
                layout,
                database,
                lock_timeout,
            });
        }
        drop(shared);
        bring_up_to_date(&layout, lock_timeout, progress)?;
        let _exclusive = Held::take(&layout, LockKind::Exclusive, lock_timeout, progress)?;
        let database = match open_current(&layout)? {
            Some(database) => database,
            None => begin(&layout, access)?,
        };
        Ok(Self {
            layout,
            database,
            lock_timeout,
        })
    }

    /// The last entries of the event log, at most `limit`, oldest first.
    pub fn events(&mut self, limit: Option<u64>) -> Result<Vec<events::Event>, CatalogError> {
        events::read(&mut self.database, limit)
    }

    /// Reads entries of the event log in their order, as long as `take` wants more; gives the end of the
    /// whole log at that moment.
    pub fn events_each(
        &mut self,
        filter: &events::Filter,
        take: &mut dyn FnMut(events::Event) -> bool,
    ) -> Result<events::Head, CatalogError> {
        events::read_each(&mut self.database, filter, take)
    }

    /// Follows the event log and its mirror to the end; findings say what does not fit.
    pub fn verify_events(
        &mut self,
        progress: &dyn Progress,
    ) -> Result<Vec<events::ChainFinding>, CatalogError> {
        let _shared = self.hold(LockKind::Shared, progress)?;
        let mut findings = self.database.read("read the event log", events::verify)?;
        findings.extend(events::mirror::compare(
            self.layout.root(),
            &mut self.database,
        )?);
        Ok(findings)
    }

    /// The end of the event log, to be compared with later or kept elsewhere.
    pub fn event_head(&mut self) -> Result<events::Head, CatalogError> {
        self.database.read("read the event log", events::head)
    }

    fn hold(&self, kind: LockKind, progress: &dyn Progress) -> Result<Held, CatalogError> {
        Held::take(&self.layout, kind, self.lock_timeout, progress)
    }
}

/// Opens the database if it is there with this program's schema.
fn open_current(layout: &Layout) -> Result<Option<Database>, CatalogError> {
    if layout.root().kind_of(DATABASE)?.is_none() {
        return Ok(None);
    }
    let database = Database::open(layout)?;
    let current = database.schema()? == Schema::Current;
    Ok(current.then_some(database))
}

/// Brings a database of an older version up to date, under the exclusive lock; does nothing to any other.
fn bring_up_to_date(
    layout: &Layout,
    lock_timeout: Duration,
    progress: &dyn Progress,
) -> Result<(), CatalogError> {
    let Some((_, found)) = open_old(layout)? else {
        return Ok(());
    };
    let held = Held::take(layout, LockKind::Exclusive, lock_timeout, progress);
    let _exclusive = held.map_err(|error| match error {
        CatalogError::Files(source) => CatalogError::DatabaseOld {
            path: layout.path(DATABASE),
            found,
            wanted: database::NEWEST,
            source,
        },
        error => error,
    })?;
    match open_old(layout)? {
        Some((mut database, _)) => database.migrate(),
        // Somebody else did it meanwhile.
        None => Ok(()),
    }
}

/// Opens the database if it is there with an older schema; gives that, too.
fn open_old(layout: &Layout) -> Result<Option<(Database, i32)>, CatalogError> {
    if layout.root().kind_of(DATABASE)?.is_none() {
        return Ok(None);
    }
    let database = Database::open(layout)?;
    Ok(match database.schema()? {
        Schema::Old(found) => Some((database, found)),
        Schema::Empty | Schema::Current => None,
    })
}

/// Makes the database of a new catalog.
fn begin(layout: &Layout, access: Access) -> Result<Database, CatalogError> {
    if layout.has_content()? {
        let path = layout.path(DATABASE);
        return Err(CatalogError::DatabaseLost { path });
    }
    if access == Access::Read {
        let root = layout.root().path().to_owned();
        return Err(CatalogError::Missing { root });
    }
    layout.create_database_file()?;
    let mut database = Database::open(layout)?;
    database.migrate()?;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::testing::{artifact, catalog};
    use super::*;
    use crate::progress::Silent;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn open(root: &Path, access: Access) -> Result<Catalog, CatalogError> {
        Catalog::open(root, access, Duration::ZERO, &Silent)
    }

    fn refusal(root: &Path, access: Access) -> String {
        open(root, access).unwrap_err().code().to_owned()
    }

    #[test]
    fn looking_makes_nothing_and_changing_makes_a_private_catalog() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("a/catalog");
        assert_eq!(refusal(&root, Access::Read), "E_NO_CATALOG");
        assert!(!home.path().join("a").exists());
        open(&root, Access::Write).unwrap();
        open(&root, Access::Read).unwrap();
        for (name, mode) in [
            ("", 0o700),
            ("artifacts", 0o700),
            ("incoming", 0o700),
            ("quarantine", 0o700),
            ("lock", 0o600),
            ("catalog.db", 0o600),
        ] {
            let found = std::fs::metadata(root.join(name)).unwrap().permissions();
            assert_eq!(found.mode() & 0o777, mode, "{name}");
        }
    }

    #[test]
    fn a_catalog_begun_and_never_finished_is_no_catalog_yet() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("catalog");
        open(&root, Access::Write).unwrap();
        std::fs::write(root.join("catalog.db"), b"").unwrap();
        assert_eq!(refusal(&root, Access::Read), "E_NO_CATALOG");
        std::fs::remove_file(root.join("catalog.db")).unwrap();
        assert_eq!(refusal(&root, Access::Read), "E_NO_CATALOG");
        open(&root, Access::Write).unwrap();
        open(&root, Access::Read).unwrap();
    }

    #[test]
    fn a_database_that_is_gone_while_artifacts_are_there_is_not_replaced() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("catalog");
        open(&root, Access::Write).unwrap();
        std::fs::create_dir(root.join("artifacts/ab")).unwrap();
        for lost in [true, false] {
            if lost {
                std::fs::remove_file(root.join("catalog.db")).unwrap();
            } else {
                std::fs::write(root.join("catalog.db"), b"").unwrap();
            }
            for access in [Access::Read, Access::Write] {
                assert_eq!(refusal(&root, access), "E_DATABASE_LOST");
            }
        }
    }

    #[test]
    fn a_damaged_database_is_told_apart() {
        let (_home, catalog) = catalog(&[artifact("aa")]);
        let root = catalog.layout.root().path().to_owned();
        drop(catalog);
        let path = root.join("catalog.db");
        let sound = std::fs::read(&path).unwrap();
        std::fs::write(&path, vec![b'x'; 8192]).unwrap();
        assert_eq!(refusal(&root, Access::Read), "E_DATABASE_DAMAGED");
        std::fs::write(&path, &sound[..sound.len() / 2]).unwrap();
        let listed = open(&root, Access::Read).and_then(|mut catalog| catalog.ids());
        assert_eq!(listed.unwrap_err().code(), "E_DATABASE_DAMAGED");
    }

    #[test]
    fn a_row_that_this_program_cannot_have_written_is_damage() {
        for change in ["version = 'x y'", "state = 'fine'", "type = 'meal'"] {
            let (_home, mut catalog) = catalog(&[artifact("aa")]);
            assert_eq!(catalog.list(&ListRequest::default()).unwrap().total, 1);
            let change = format!("UPDATE artifact SET {change}");
            catalog
                .database
                .write("test", |transaction| transaction.execute(&change, []))
                .unwrap();
            let error = catalog.list(&ListRequest::default()).unwrap_err();
            assert_eq!(error.code(), "E_DATABASE_DAMAGED", "{change}");
        }
    }

    #[test]
    fn c09_links_in_place_of_the_catalogs_own_names_are_refused() {
        for name in ["artifacts", "incoming", "quarantine", "lock", "catalog.db"] {
            let home = tempfile::tempdir().unwrap();
            let (root, elsewhere) = (home.path().join("catalog"), home.path().join("elsewhere"));
            open(&root, Access::Write).unwrap();
            std::fs::rename(root.join(name), &elsewhere).unwrap();
            symlink(&elsewhere, root.join(name)).unwrap();
            for access in [Access::Read, Access::Write] {
                assert_eq!(refusal(&root, access), "E_UNSAFE_PATH", "{name} {access:?}");
            }
        }
    }

    #[test]
    fn c09_a_link_in_place_of_the_journal_is_not_written_through() {
        let home = tempfile::tempdir().unwrap();
        let (root, secret) = (home.path().join("catalog"), home.path().join("secret"));
        let mut catalog = open(&root, Access::Write).unwrap();
        std::fs::write(&secret, b"keep").unwrap();
        symlink(&secret, root.join("catalog.db-journal")).unwrap();
        let written = catalog.database.write("test", |transaction| {
            transaction.execute("INSERT INTO meta VALUES ('key', 1)", [])
        });
        assert!(written.is_err());
        assert_eq!(std::fs::read(&secret).unwrap(), b"keep");
    }

    #[test]
    fn the_catalog_directory_itself_may_be_reached_through_a_link() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("real")).unwrap();
        symlink(home.path().join("real"), home.path().join("link")).unwrap();
        let root = home.path().join("link/catalog");
        open(&root, Access::Write).unwrap();
        open(&root, Access::Read).unwrap();
        assert!(home.path().join("real/catalog/catalog.db").exists());
    }

    #[test]
    fn a_catalog_that_others_may_write_to_is_refused_with_the_remedy() {
        for name in [
            "",
            "artifacts",
            "incoming",
            "quarantine",
            "lock",
            "catalog.db",
        ] {
            let home = tempfile::tempdir().unwrap();
            let root = home.path().join("catalog");
            open(&root, Access::Write).unwrap();
            let path = root.join(name);
            let path = if name.is_empty() { root.clone() } else { path };
            let mode = |mode| {
                let permissions = std::fs::Permissions::from_mode(mode);
                std::fs::set_permissions(&path, permissions).unwrap();
            };
            for bits in [0o720, 0o702] {
                mode(bits);
                let error = open(&root, Access::Read).unwrap_err();
                assert_eq!(error.code(), "E_WRITABLE_BY_OTHERS", "{name}");
                let remedy = format!("`chmod go-w {}`", path.display());
                assert_eq!(error.hint(), Some(remedy), "{name}");
            }
            mode(0o750);
            open(&root, Access::Write).unwrap();
        }
    }
}
