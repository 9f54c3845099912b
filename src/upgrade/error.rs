use std::path::PathBuf;

use super::{Action, OwnImageError, Refusal, Step};
use crate::catalog::CatalogError;
use crate::digest::PackageId;
use crate::fsio::FsError;
use crate::package::{OpenError, TreeError, VerifyError};
use crate::payload::PayloadError;
use crate::system::{CarryError, EnvName, HookError, KernelError, ListsError, SystemError};
use crate::trust::{LoadError, Verdict};

/// What an upgrade refuses or cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The package cannot be installed on this system.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// Something is under way already.
    #[error("{action} {number} of this system is under way: {}", state.join(", "))]
    Running {
        /// What is under way.
        action: Action,
        /// Which one of the system.
        number: u64,
        /// Where it stands, for a person.
        state: Vec<String>,
    },
    /// Nothing is under way that could be gone on with.
    #[error("nothing is under way on this system: {found}")]
    NotRunning {
        /// What there is instead.
        found: String,
    },
    /// What is under way is not at a point where this can be done.
    #[error("{wanted} is not possible now: {found}")]
    NotNow {
        /// What was asked for.
        wanted: &'static str,
        /// Where the upgrade stands.
        found: String,
        /// What to do instead.
        hint: String,
    },
    /// The work was stopped on request; it can go on.
    #[error("stopped on request before the step {next}")]
    Paused {
        /// The step that comes next.
        next: Step,
    },
    /// A step failed.
    #[error("the step {step} of the {action} failed")]
    Step {
        /// What it is part of.
        action: Action,
        /// Which one.
        step: Step,
        /// Why.
        source: Box<Self>,
    },
    /// The journal does not say what it should.
    #[error("the journal {} is damaged: {detail}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A part of the package cannot be read.
    #[error("cannot read package {id}")]
    Package {
        /// The package.
        id: PackageId,
        /// Why not.
        source: Box<OpenError>,
    },
    /// The payload of the package cannot be unpacked.
    #[error("cannot unpack package {id}")]
    Payload {
        /// The package.
        id: PackageId,
        /// Why not.
        source: PayloadError,
    },
    /// What belongs to the machine could not be carried over.
    #[error("cannot carry the configuration over")]
    Carry(#[source] Box<CarryError>),
    /// The kernels could not be installed.
    #[error("cannot install the kernels")]
    Kernel(#[source] Box<KernelError>),
    /// The lists of the package cannot be used.
    #[error("cannot use the lists")]
    Lists(#[source] Box<ListsError>),
    /// The catalog refused or failed.
    #[error(transparent)]
    Catalog(#[from] Box<CatalogError>),
    /// The system refused or failed.
    #[error(transparent)]
    System(#[from] Box<SystemError>),
    /// A program of the package was refused or failed.
    #[error(transparent)]
    Hook(#[from] Box<HookError>),
    /// An image of the system itself could not be made.
    #[error("cannot make an image of environment {environment}")]
    OwnImage {
        /// The environment.
        environment: EnvName,
        /// Why not.
        source: OwnImageError,
    },
    /// There is no way back.
    #[error("{environment} cannot be rolled back: {reason}")]
    NoWayBack {
        /// The environment.
        environment: EnvName,
        /// Why not.
        reason: &'static str,
    },
    /// What is trusted cannot be read.
    #[error("cannot read what is trusted")]
    Trust(#[source] Box<LoadError>),
    /// A file operation failed.
    #[error(transparent)]
    Files(#[from] FsError),
    /// The caller wanted the work to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl UpgradeError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Running { .. } => "E_UPGRADE_RUNNING",
            Self::NotRunning { .. } => "E_NO_UPGRADE",
            Self::NotNow { .. } => "E_NOT_NOW",
            Self::Paused { .. } => "E_PAUSED",
            Self::Step { source, .. } => source.code(),
            Self::Journal { .. } => "E_JOURNAL",
            Self::Package { source, .. } => source.code(),
            Self::Payload { source, .. } => source.code(),
            Self::Carry(error) => error.code(),
            Self::Kernel(error) => error.code(),
            Self::Lists(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::System(error) => error.code(),
            Self::Hook(error) => error.code(),
            Self::OwnImage { source, .. } => source.code(),
            Self::NoWayBack { .. } => "E_NO_WAY_BACK",
            Self::Trust(error) => error.code(),
            Self::Files(error) if error.is_full() => "E_NO_SPACE",
            Self::Files(error) => error.code(),
            Self::Cancelled => "E_CANCELLED",
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Refused(refusal) => return refusal.hint(),
            Self::Running { .. } => "`isi upgrade view` shows it; `isi upgrade resume` goes on with it, \
                 `isi upgrade rollback` undoes it"
                .into(),
            Self::NotRunning { .. } => "`isi upgrade start` begins one".into(),
            Self::NotNow { hint, .. } => hint.clone(),
            Self::Paused { .. } => {
                "`isi upgrade resume` goes on, `isi upgrade rollback` undoes it".into()
            }
            Self::Step { action: Action::Rollback | Action::Commit, .. } => {
                "when the cause is removed, `isi upgrade retry-last-action`".into()
            }
            Self::Step { .. } => "when the cause is removed, `isi upgrade retry-last-action`; \
                 `isi upgrade rollback` undoes it"
                .into(),
            Self::Journal { .. } => {
                "nothing was changed; put the journal back from a backup, or move it away and look at \
                 `isi upgrade bootenv list`"
                    .into()
            }
            Self::Package { source, .. } => return source.hint().map(str::to_owned),
            Self::Payload { source, .. } => return source.hint(),
            Self::Carry(error) => return error.hint(),
            Self::Kernel(error) => return error.hint(),
            Self::Lists(error) => return error.hint(),
            Self::Catalog(error) => return error.hint(),
            Self::System(error) => return error.hint(),
            Self::Trust(error) => return error.hint(),
            Self::Hook(error) => return error.hint(),
            Self::OwnImage { source, .. } => return source.hint(),
            Self::NoWayBack { .. } => "`isi upgrade commit` makes it permanent; another image may be \
                 installed over it after that"
                .into(),
            Self::Files(error) if error.is_full() => "free some space, then try again".into(),
            Self::Files(error) => return error.hint(),
            Self::Cancelled => return None,
        };
        Some(hint)
    }

    /// Whether the caller itself stopped the work.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled => true,
            Self::Step { source, .. } => source.is_cancelled(),
            Self::Catalog(error) => matches!(**error, CatalogError::Cancelled),
            Self::System(error) => matches!(**error, SystemError::Cancelled),
            Self::Payload { source, .. } => matches!(source, PayloadError::Cancelled),
            Self::Hook(error) => matches!(**error, HookError::Cancelled),
            Self::OwnImage { source, .. } => source.is_cancelled(),
            _ => false,
        }
    }

    /// What was checked, if a package was refused for what it is.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Step { source, .. } => source.verdict(),
            Self::Catalog(error) => match &**error {
                CatalogError::Verify {
                    source: VerifyError::Refused(verdict),
                    ..
                } => Some(verdict),
                _ => None,
            },
            _ => None,
        }
    }

    /// Says of which package a region could not be read; use with `map_err`.
    pub(crate) fn package(id: PackageId) -> impl FnOnce(OpenError) -> Self {
        move |source| Self::Package {
            id,
            source: Box::new(source),
        }
    }

    /// What a package says of its files cannot be used.
    pub(crate) fn tree(id: PackageId) -> impl FnOnce(TreeError) -> Self {
        move |error| match error {
            TreeError::Region(source) => Self::package(id)(source),
            TreeError::Payload(source) => Self::Payload { id, source },
        }
    }
}

impl From<Refusal> for UpgradeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<CatalogError> for UpgradeError {
    fn from(error: CatalogError) -> Self {
        Self::Catalog(Box::new(error))
    }
}

impl From<HookError> for UpgradeError {
    fn from(error: HookError) -> Self {
        Self::Hook(Box::new(error))
    }
}

impl From<SystemError> for UpgradeError {
    fn from(error: SystemError) -> Self {
        Self::System(Box::new(error))
    }
}
