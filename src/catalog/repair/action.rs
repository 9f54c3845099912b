use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::survey::Identity;
use crate::catalog::layout::{DATABASE, QUARANTINE, artifact_path};
use crate::catalog::staging::ARTIFACT_MODE;
use crate::catalog::{CatalogError, State};
use crate::digest::PackageId;
use crate::fsio::{FsError, with_causes};

/// The kind of reference whose absence is an alarm.
pub(super) const COMMITTED_IMAGE: &str = "committed-image";

/// What a repair found, and what it is going to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// What is to be done, in this order.
    pub actions: Vec<Action>,
    /// What stays wrong whatever is done; missing committed images first.
    pub problems: Vec<Problem>,
    /// How many files were looked at.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many whole packages stay where they are although they were removed: `clean` takes them.
    pub left_to_clean: u64,
}

/// One step of a repair; none deletes the bytes of a file.
///
/// A plan may hold one for each artifact, so what is large and rare is behind a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// Sets the database aside and makes a new one of the artifacts and the event log.
    Rebuild {
        /// What is wrong with the old one.
        cause: Box<Cause>,
    },
    /// Gives a whole package that is under another name its place.
    Move {
        /// The package.
        id: PackageId,
        /// Where it is, below the catalog's directory.
        #[serde(serialize_with = "lossy")]
        from: Box<Path>,
        /// Which file it was.
        #[serde(skip)]
        identity: Identity,
    },
    /// Lets nobody write to an artifact in its place, and who may see the catalog read it.
    Mode {
        /// The artifact.
        id: PackageId,
        /// The mode that it has.
        mode: u32,
        /// Which file it was.
        #[serde(skip)]
        identity: Identity,
    },
    /// Sets a file aside, with the reason beside it.
    Quarantine {
        /// Where it is, below the catalog's directory.
        #[serde(serialize_with = "lossy")]
        from: Box<Path>,
        /// The name of its entry in quarantine.
        entry: Box<str>,
        /// The artifact whose place it has.
        id: Option<Box<PackageId>>,
        /// Why.
        cause: Box<Cause>,
        /// Whether it comes back in this repair, because another file has its place.
        returns: bool,
        /// Which file it was.
        #[serde(skip)]
        identity: Identity,
    },
    /// Removes a directory that nothing is left in.
    RemoveDirectory {
        /// Where it is, below the catalog's directory.
        #[serde(serialize_with = "lossy")]
        path: Box<Path>,
    },
    /// Takes a package that verifies out of quarantine and puts it back.
    Restore {
        /// The package.
        id: PackageId,
        /// The name of its entry in quarantine.
        entry: Box<str>,
        /// Which file it was.
        #[serde(skip)]
        identity: Identity,
    },
    /// Removes an entry of quarantine that holds nothing but a reason.
    DropEntry {
        /// The name of the entry.
        entry: Box<str>,
    },
    /// Lists an artifact that is not listed.
    Enter {
        /// The artifact.
        id: PackageId,
        /// What it is.
        state: State,
        /// What is wrong with it, if something is.
        cause: Option<Box<Cause>>,
        /// Whether it was in the catalog before; if not, an event says where it came from.
        recorded: bool,
        /// Which file it was.
        #[serde(skip)]
        identity: Identity,
    },
    /// Lets the row of an artifact say again what the artifact says of itself.
    Correct {
        /// The artifact.
        id: PackageId,
        /// Which file it was.
        #[serde(skip)]
        identity: Identity,
    },
    /// Records that an artifact is something else than it was.
    State {
        /// The artifact.
        id: PackageId,
        /// What it was.
        from: State,
        /// What it is.
        to: State,
        /// What is wrong with it, if something is.
        cause: Option<Box<Cause>>,
    },
    /// Drops the row of an artifact that is gone and that nobody needs.
    Lost {
        /// The artifact.
        id: PackageId,
    },
    /// Imports a package that is missed from outside the catalog.
    Fetch {
        /// The package.
        id: PackageId,
        /// Where it was found.
        #[serde(serialize_with = "lossy")]
        from: Box<Path>,
    },
    /// Records that a committed image is missing.
    CommittedImageMissing {
        /// The image.
        id: PackageId,
        /// Who needs it.
        holder: Box<str>,
    },
}

/// Why something is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Cause {
    /// Stable code.
    pub code: String,
    /// One sentence.
    pub detail: String,
    /// What to do about it.
    #[serde(default)]
    pub hint: Option<String>,
}

/// What a repair cannot put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Problem {
    /// Somebody needs an artifact whose file is gone.
    Missing {
        /// The artifact.
        id: PackageId,
        /// The kind of reference.
        kind: String,
        /// Who needs it.
        holder: String,
        /// What for.
        reason: String,
    },
    /// A file cannot be read.
    Unreadable {
        /// Where it is, below the catalog's directory.
        #[serde(serialize_with = "lossy")]
        path: PathBuf,
        /// Why not.
        cause: Cause,
    },
    /// The system does not let this user put a file right.
    Denied {
        /// What was to be done, and to what.
        step: String,
        /// What the system said.
        cause: Cause,
    },
}

impl Action {
    /// The word used in tables and JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rebuild { .. } => "rebuild",
            Self::Move { .. } => "move",
            Self::Mode { .. } => "mode",
            Self::Quarantine { .. } => "quarantine",
            Self::RemoveDirectory { .. } => "remove-directory",
            Self::Restore { .. } => "restore",
            Self::DropEntry { .. } => "drop-entry",
            Self::Enter { .. } => "enter",
            Self::Correct { .. } => "correct",
            Self::State { .. } => "state",
            Self::Lost { .. } => "lost",
            Self::Fetch { .. } => "fetch",
            Self::CommittedImageMissing { .. } => "committed-image-missing",
        }
    }

    /// The artifact it is about.
    pub fn id(&self) -> Option<PackageId> {
        match self {
            Self::Rebuild { .. } | Self::RemoveDirectory { .. } | Self::DropEntry { .. } => None,
            Self::Quarantine { id, .. } => id.as_deref().copied(),
            Self::Move { id, .. }
            | Self::Mode { id, .. }
            | Self::Restore { id, .. }
            | Self::Enter { id, .. }
            | Self::Correct { id, .. }
            | Self::State { id, .. }
            | Self::Lost { id }
            | Self::Fetch { id, .. }
            | Self::CommittedImageMissing { id, .. } => Some(*id),
        }
    }

    /// What it is about besides the artifact, for people.
    pub fn item(&self) -> String {
        match self {
            Self::Rebuild { .. } => DATABASE.to_owned(),
            Self::Move { from, .. } | Self::Quarantine { from, .. } | Self::Fetch { from, .. } => {
                from.to_string_lossy().into_owned()
            }
            Self::Mode { mode, .. } => format!("{mode:04o} -> {ARTIFACT_MODE:04o}"),
            Self::RemoveDirectory { path } => path.to_string_lossy().into_owned(),
            Self::Restore { entry, .. } | Self::DropEntry { entry } => {
                format!("{QUARANTINE}/{entry}")
            }
            Self::Enter { state, .. } => state.name().to_owned(),
            Self::State { from, to, .. } => format!("{from} -> {to}"),
            Self::CommittedImageMissing { holder, .. } => holder.to_string(),
            Self::Correct { .. } | Self::Lost { .. } => String::new(),
        }
    }

    /// Why it is done, where something is wrong.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Rebuild { cause } | Self::Quarantine { cause, .. } => Some(cause),
            Self::Enter { cause, .. } | Self::State { cause, .. } => cause.as_deref(),
            _ => None,
        }
    }

    /// That the system did not let this user do it.
    pub(super) fn denied(&self, error: &FsError) -> Problem {
        let item = match self {
            Self::Mode { id, .. } => artifact_path(id).display().to_string(),
            other => other.item(),
        };
        let step = format!("{} {item}", self.name());
        let cause = Cause {
            code: error.code().to_owned(),
            detail: with_causes(error),
            hint: None,
        };
        Problem::Denied { step, cause }
    }

    /// Whether it leaves something in quarantine.
    pub const fn sets_aside(&self) -> bool {
        matches!(self, Self::Quarantine { returns: false, .. })
    }
}

impl Problem {
    /// Stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Missing { kind, .. } if kind == COMMITTED_IMAGE => "E_COMMITTED_IMAGE_MISSING",
            Self::Missing { .. } => "E_ARTIFACT_MISSING",
            Self::Unreadable { cause, .. } | Self::Denied { cause, .. } => &cause.code,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some(
                "`isi upgrade catalog repair --from PATH` fetches it from a file, a directory or another catalog"
                    .to_owned(),
            ),
            Self::Unreadable { cause, .. } => cause.hint.clone(),
            Self::Denied { .. } => Some(
                "find out who owns it, and give it back to the owner of the catalog".to_owned(),
            ),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing {
                id,
                kind,
                holder,
                reason,
            } if kind == COMMITTED_IMAGE => {
                write!(
                    f,
                    "the committed image {id} is missing: {holder} needs it ({reason})"
                )
            }
            Self::Missing {
                id,
                kind,
                holder,
                reason,
            } => write!(
                f,
                "artifact {id} is missing: {holder} needs it ({kind}: {reason})"
            ),
            Self::Unreadable { path, cause } => {
                write!(f, "{} stays as it is: {}", path.display(), cause.detail)
            }
            Self::Denied { step, cause } => write!(f, "{step} was not possible: {}", cause.detail),
        }
    }
}

impl From<&CatalogError> for Cause {
    fn from(error: &CatalogError) -> Self {
        Self {
            code: error.code().to_owned(),
            detail: with_causes(error),
            hint: error.hint(),
        }
    }
}

impl Cause {
    pub(super) fn new(code: &str, detail: impl Into<String>, hint: Option<&str>) -> Self {
        Self {
            code: code.to_owned(),
            detail: detail.into(),
            hint: hint.map(str::to_owned),
        }
    }

    pub(super) fn foreign() -> Self {
        let detail = "it does not belong among the artifacts";
        Self::new("E_FOREIGN_FILE", detail, Some("find out who put it there"))
    }

    pub(super) fn removed() -> Self {
        let detail = "the package was removed from the catalog";
        let hint = "import it again if it should be there";
        Self::new("E_REMOVED", detail, Some(hint))
    }

    pub(super) fn duplicate(id: &PackageId) -> Self {
        let detail = format!("a copy of artifact {id}, which is in its place");
        Self::new("E_DUPLICATE", detail, Some("purge it"))
    }

    pub(super) fn misplaced(id: &PackageId) -> Self {
        let detail = format!("it is artifact {id}, whose place is taken by something else");
        Self::new("E_MISPLACED", detail, None)
    }

    pub(super) fn conflict(other: &PackageId) -> Self {
        let detail =
            format!("its name and version are in the catalog with other content, as {other}");
        let hint = "the vendor has to give changed content a new version or build";
        Self::new("E_VERSION_CONFLICT", detail, Some(hint))
    }

    pub(super) fn missing(id: &PackageId) -> Self {
        let detail = format!("the file of artifact {id} is missing");
        let hint = "import the package again from where it came from: that puts its file back";
        Self::new("E_ARTIFACT_MISSING", detail, Some(hint))
    }
}

/// Names that are no text are shown as well as text can.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}
