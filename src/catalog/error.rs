use std::path::PathBuf;

use jiff::Timestamp;

use super::{Reference, ReferenceKind};
use crate::digest::{IdPrefix, PackageId, Sha256Digest};
use crate::fsio::FsError;
use crate::package::{OpenError, VerifyError};
use crate::progress::Holder;

/// What the catalog refuses or cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// There is no catalog at the path.
    #[error("there is no catalog at {}", root.display())]
    Missing {
        /// The catalog directory as given.
        root: PathBuf,
    },
    /// A name in the catalog is not the kind of file it has to be.
    #[error("{} is not {expected}", path.display())]
    WrongKind {
        /// The name.
        path: PathBuf,
        /// What it has to be, with its article.
        expected: &'static str,
    },
    /// Somebody else works on the catalog for too long.
    #[error("{} is in use by {holder}; gave up after {waited_ms} ms", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as far as can be told.
        holder: Holder,
        /// How long it was waited for, in milliseconds.
        waited_ms: u128,
    },
    /// The file system has no room for the package.
    #[error("{} has {free} bytes free: the package needs {needed}", path.display())]
    NoSpace {
        /// Where the package would have gone.
        path: PathBuf,
        /// Bytes needed, with some to spare for the database.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// A file operation failed.
    #[error(transparent)]
    Files(#[from] FsError),
    /// A database operation failed.
    #[error("cannot {operation} in the catalog's database")]
    Database {
        /// What was attempted, as in "cannot read".
        operation: &'static str,
        /// What the database said.
        source: rusqlite::Error,
    },
    /// The database is not one, or contradicts itself.
    #[error("{} is damaged: {detail}", path.display())]
    DatabaseDamaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The database is another program's.
    #[error("{} is not a catalog's database: application ID {found:#010x}, expected {expected:#010x}", path.display())]
    DatabaseForeign {
        /// The database.
        path: PathBuf,
        /// Its application ID.
        found: i32,
        /// The catalog's application ID.
        expected: i32,
    },
    /// The database was made by a newer version of this program.
    #[error("{} has schema {found}: this program knows schemas up to {supported}", path.display())]
    DatabaseNewer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i32,
        /// The newest schema version known.
        supported: i32,
    },
    /// The database was made by an older version of this program, and cannot be brought up to date.
    #[error("{} has schema {found} and cannot be brought to schema {wanted}", path.display())]
    DatabaseOld {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i32,
        /// The schema version of this program.
        wanted: i32,
        /// Why it cannot be written.
        source: FsError,
    },
    /// There are artifacts or events, but no database that lists them.
    #[error("{} is missing or empty, but there are artifacts or events", path.display())]
    DatabaseLost {
        /// Where the database should be.
        path: PathBuf,
    },
    /// The clock cannot be right.
    #[error("the clock says {now}: expected 2020 or later")]
    Clock {
        /// The time the caller gave.
        now: Timestamp,
    },
    /// A stream has more bytes than are taken.
    #[error("{} has more than {limit} bytes", label.display())]
    StreamTooLong {
        /// The stream as the caller calls it.
        label: PathBuf,
        /// The most that would have been taken, in bytes.
        limit: u64,
    },
    /// The package was examined and not accepted.
    #[error("{} is not accepted", label.display())]
    Verify {
        /// The package as the caller calls it.
        label: PathBuf,
        /// Why not.
        source: VerifyError,
    },
    /// An artifact that is whole but not trusted does not get out without a reason.
    #[error("{} is not accepted", label.display())]
    NotExported {
        /// The file of the artifact.
        label: PathBuf,
        /// Why not.
        source: VerifyError,
    },
    /// The package cannot be read.
    #[error("cannot read the package {}", label.display())]
    Open {
        /// The package as the caller calls it.
        label: PathBuf,
        /// Why not.
        source: Box<OpenError>,
    },
    /// Another package of the same name, version and build, but with other content, is in the catalog.
    #[error("{package} is in the catalog with other content, as {present}")]
    VersionConflict {
        /// Name, version and build of both.
        package: String,
        /// The one in the catalog.
        present: PackageId,
    },
    /// A value of the manifest is larger than the database can hold.
    #[error("{field} is {found}: the catalog holds at most {limit}")]
    TooLarge {
        /// The manifest's field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The largest value that can be kept.
        limit: u64,
    },
    /// No artifact has this ID.
    #[error("no artifact in the catalog has an ID that begins with {prefix}")]
    UnknownId {
        /// The ID as typed.
        prefix: IdPrefix,
    },
    /// More than one artifact has an ID with this beginning.
    #[error("{prefix} is the beginning of more than one ID: {}", list(candidates))]
    AmbiguousId {
        /// The ID as typed.
        prefix: IdPrefix,
        /// Some of the artifacts meant, in the order of their IDs.
        candidates: Vec<PackageId>,
    },
    /// The artifact's row is there, its file is not.
    #[error("the file of artifact {id} is missing")]
    ArtifactMissing {
        /// The artifact.
        id: PackageId,
    },
    /// The artifact's file does not have the content that its ID names.
    #[error("the {part} of artifact {id} has SHA-256 {}: expected {}", differs.found, differs.expected)]
    ArtifactCorrupt {
        /// The artifact.
        id: PackageId,
        /// What was compared: the whole file, or a part that stands for it.
        part: &'static str,
        /// The digest on record and the one of what is there.
        differs: Box<Differs>,
    },
    /// Somebody replaced the database after a repair was planned on it.
    #[error("{} was changed by somebody else meanwhile", path.display())]
    Changed {
        /// The database.
        path: PathBuf,
    },
    /// There is no such entry in quarantine.
    #[error("there is nothing called {entry:?} in quarantine")]
    UnknownEntry {
        /// The name as typed.
        entry: String,
    },
    /// The entry in quarantine is nothing that could be put back.
    #[error("entry {entry} of the quarantine holds no package")]
    NoPackage {
        /// The name of the entry.
        entry: String,
    },
    /// The artifact is needed.
    #[error("artifact {id} is needed: {}", holders(held))]
    Referenced {
        /// The artifact.
        id: PackageId,
        /// Who needs it.
        held: Vec<Reference>,
    },
    /// The reference that should end is not there.
    #[error("artifact {id} has no {kind} of {holder}")]
    NotReferenced {
        /// The artifact.
        id: PackageId,
        /// The kind of reference.
        kind: ReferenceKind,
        /// Who should have held it.
        holder: String,
        /// What references there are.
        held: Vec<Reference>,
    },
    /// A reason or a holder's name is missing or too long.
    #[error("the {field} has {found} bytes: expected some text of at most {limit}")]
    Reason {
        /// What is wrong.
        field: &'static str,
        /// Its length in bytes.
        found: usize,
        /// The most that is kept, in bytes.
        limit: usize,
    },
    /// The artifact is not listed any more, but its file could not be removed.
    #[error("artifact {id} is removed, but its file is still there")]
    LeftBehind {
        /// The artifact.
        id: PackageId,
        /// Why.
        source: Box<Self>,
    },
    /// The caller wanted the work to stop.
    #[error("stopped on request")]
    Cancelled,
}

/// Two digests that should be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Differs {
    /// The digest on record.
    pub expected: Sha256Digest,
    /// The digest of what is there.
    pub found: Sha256Digest,
}

impl CatalogError {
    /// The refusal of an artifact that does not have the content its ID names.
    pub(super) fn corrupt(
        id: PackageId,
        part: &'static str,
        expected: Sha256Digest,
        found: Sha256Digest,
    ) -> Self {
        let differs = Box::new(Differs { expected, found });
        Self::ArtifactCorrupt { id, part, differs }
    }

    /// Stable code of the refusal.
    pub fn code(&self) -> &str {
        match self {
            Self::Missing { .. } => "E_NO_CATALOG",
            Self::WrongKind { .. } => "E_UNSAFE_PATH",
            Self::Locked { .. } => "E_LOCKED",
            Self::NoSpace { .. } => "E_NO_SPACE",
            Self::Files(source) if source.is_full() => "E_NO_SPACE",
            Self::Files(source) => source.code(),
            Self::Database { .. } if self.is_full() => "E_NO_SPACE",
            Self::Database { .. } => "E_DATABASE",
            Self::DatabaseDamaged { .. } => "E_DATABASE_DAMAGED",
            Self::DatabaseForeign { .. } => "E_DATABASE_FOREIGN",
            Self::DatabaseNewer { .. } => "E_DATABASE_NEWER",
            Self::DatabaseOld { .. } => "E_DATABASE_OLD",
            Self::DatabaseLost { .. } => "E_DATABASE_LOST",
            Self::Clock { .. } => "E_CLOCK",
            Self::Verify { source, .. } | Self::NotExported { source, .. } => source.code(),
            Self::Open { source, .. } => source.code(),
            Self::VersionConflict { .. } => "E_VERSION_CONFLICT",
            Self::TooLarge { .. } | Self::StreamTooLong { .. } => "E_TOO_LARGE",
            Self::UnknownId { .. } => "E_UNKNOWN_ID",
            Self::AmbiguousId { .. } => "E_AMBIGUOUS_ID",
            Self::ArtifactMissing { .. } => "E_ARTIFACT_MISSING",
            Self::ArtifactCorrupt { .. } => "E_ARTIFACT_CORRUPT",
            Self::Changed { .. } => "E_CHANGED",
            Self::UnknownEntry { .. } => "E_UNKNOWN_ENTRY",
            Self::NoPackage { .. } => "E_NO_PACKAGE",
            Self::Referenced { .. } => "E_REFERENCED",
            Self::NotReferenced { .. } => "E_NOT_REFERENCED",
            Self::Reason { .. } => "E_REASON",
            Self::LeftBehind { .. } => "E_LEFT_BEHIND",
            Self::Cancelled => "E_CANCELLED",
        }
    }

    /// Whether this is a finding about one artifact, and not trouble with looking at it.
    pub fn is_about_artifact(&self) -> bool {
        matches!(
            self,
            Self::ArtifactMissing { .. } | Self::ArtifactCorrupt { .. } | Self::Open { .. }
        )
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } => {
                "`isi upgrade catalog import FILE` makes one; `--home` chooses another place".into()
            }
            Self::WrongKind { path, .. } => {
                format!(
                    "find out who put it there, then move {} away",
                    path.display()
                )
            }
            Self::Locked { .. } => "try again when it has finished".into(),
            Self::DatabaseDamaged { .. } | Self::DatabaseLost { .. } => {
                "`isi upgrade catalog repair` makes a new one from the artifacts and the event log"
                    .into()
            }
            Self::DatabaseForeign { .. } => {
                "choose another catalog directory; if it is this one, `isi upgrade catalog repair` \
                 sets the file aside and makes a new database"
                    .into()
            }
            Self::DatabaseNewer { .. } => {
                "use the version of this program that made it, or a later one".into()
            }
            Self::DatabaseOld { .. } => {
                "list the catalog once where it can be written, or with the version of this program \
                 that made it"
                    .into()
            }
            Self::Clock { .. } => "set the system's clock".into(),
            Self::StreamTooLong { .. } => {
                "if it is a package: `--stream-limit BYTES` takes more, and a file may be of any length"
                    .into()
            }
            Self::Files(source) if source.hint().is_some() => return source.hint(),
            Self::Verify { source, .. } => return source.hint().map(str::to_owned),
            Self::NotExported { source, .. } => {
                let instead = "`--override REASON` exports it all the same, and goes on record";
                let hint = source.hint().map(|hint| format!("{hint}; "));
                format!("{}{instead}", hint.unwrap_or_default())
            }
            Self::Open { source, .. } => return source.hint().map(str::to_owned),
            Self::VersionConflict { .. } => {
                "the vendor has to give changed content a new version or build".into()
            }
            Self::UnknownId { .. } => "`isi upgrade catalog list` shows the IDs".into(),
            Self::AmbiguousId { .. } => "give more digits".into(),
            Self::ArtifactMissing { .. } | Self::ArtifactCorrupt { .. } => {
                "import the package again from where it came from: that puts its file back".into()
            }
            Self::Changed { .. } => "`isi upgrade catalog repair` looks again".into(),
            Self::UnknownEntry { .. } => {
                "`isi upgrade catalog quarantine list` shows the entries".into()
            }
            Self::NoPackage { .. } => "`isi upgrade catalog quarantine purge` deletes it".into(),
            Self::Referenced { held, .. } => release(held),
            Self::NotReferenced { held, .. } if held.is_empty() => "nobody needs it".into(),
            Self::NotReferenced { held, .. } => format!("there is: {}", holders(held)),
            Self::Reason { .. } => "say in a few words why; it is kept in the event log".into(),
            Self::LeftBehind { .. } => {
                "`isi upgrade catalog clean` removes the file once that is possible".into()
            }
            _ if self.code() == "E_NO_SPACE" => "free some space, then try again".into(),
            _ => return None,
        };
        Some(hint)
    }

    fn is_full(&self) -> bool {
        matches!(self, Self::Database { source, .. }
            if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }
}

/// Who needs an artifact and why, in one line.
fn holders(held: &[Reference]) -> String {
    let one = |held: &Reference| format!("{} of {}: {}", held.kind, held.holder, held.reason);
    let all: Vec<_> = held.iter().map(one).collect();
    all.join("; ")
}

/// How the references come to an end.
fn release(held: &[Reference]) -> String {
    if held.iter().all(|held| held.kind == ReferenceKind::Pin) {
        return "`isi upgrade catalog unpin` ends a pin; --force does not".into();
    }
    "it can be removed when it is not needed any more; --force does not change that".into()
}

fn list(ids: &[PackageId]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}
