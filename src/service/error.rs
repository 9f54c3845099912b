use std::path::PathBuf;

use crate::catalog::CatalogError;
use crate::fsio::FsError;
use crate::package::{OpenError, VerifyError};
use crate::system::installed::InstalledError;
use crate::system::{CarryError, SystemError};
use crate::trust::{LoadError, Verdict};
use crate::upgrade::UpgradeError;

/// Why a call did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The catalog refused or failed.
    #[error(transparent)]
    Catalog(Box<CatalogError>),
    /// The system or one of its boot environments cannot be worked on.
    #[error(transparent)]
    System(Box<SystemError>),
    /// The upgrade refused or failed.
    #[error(transparent)]
    Upgrade(Box<UpgradeError>),
    /// What is installed cannot be compared or repaired.
    #[error(transparent)]
    Installed(#[from] InstalledError),
    /// A conflict cannot be listed or decided.
    #[error(transparent)]
    Carry(Box<CarryError>),
    /// Text that is no name of a jail.
    #[error("{name:?} is no name of a jail")]
    Jail {
        /// The text.
        name: String,
    },
    /// The trust directories or the identities file cannot be used.
    #[error("cannot read what is trusted")]
    Trust(#[from] LoadError),
    /// A file operation failed.
    #[error(transparent)]
    Files(#[from] FsError),
    /// A package file is not accepted.
    #[error("{} is not accepted", label.display())]
    Verify {
        /// The file as the caller calls it.
        label: PathBuf,
        /// Why not.
        source: VerifyError,
    },
    /// A package file cannot be read.
    #[error("cannot read the package {}", label.display())]
    Open {
        /// The file as the caller calls it.
        label: PathBuf,
        /// Why not.
        source: OpenError,
    },
}

impl ServiceError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &str {
        match self {
            Self::Catalog(error) => error.code(),
            Self::System(error) => error.code(),
            Self::Upgrade(error) => error.code(),
            Self::Installed(error) => error.code(),
            Self::Carry(error) => error.code(),
            Self::Jail { .. } => "E_JAIL",
            Self::Trust(error) => error.code(),
            Self::Files(error) => error.code(),
            Self::Verify { source, .. } => source.code(),
            Self::Open { source, .. } => source.code(),
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Catalog(error) => error.hint(),
            Self::System(error) => error.hint(),
            Self::Upgrade(error) => error.hint(),
            Self::Installed(error) => error.hint(),
            Self::Carry(error) => error.hint(),
            Self::Jail { .. } => {
                Some("`isi config show` has the jails that are configured".to_owned())
            }
            Self::Trust(error) => error.hint(),
            Self::Files(error) => error.hint(),
            Self::Verify { source, .. } => source.hint().map(str::to_owned),
            Self::Open { source, .. } => source.hint().map(str::to_owned),
        }
    }

    /// What was checked, if a package was refused for what it is; front ends tell this apart.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Catalog(error) => match &**error {
                CatalogError::Verify { source, .. } | CatalogError::NotExported { source, .. } => {
                    refusal(source)
                }
                _ => None,
            },
            Self::Upgrade(error) => error.verdict(),
            Self::Verify { source, .. } => refusal(source),
            _ => None,
        }
    }

    /// Whether the caller itself stopped the work.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Catalog(error) => matches!(**error, CatalogError::Cancelled),
            Self::Installed(error) => error.is_cancelled(),
            Self::System(error) => matches!(**error, SystemError::Cancelled),
            Self::Upgrade(error) => error.is_cancelled(),
            Self::Verify { source, .. } => matches!(source, VerifyError::Cancelled),
            _ => false,
        }
    }
}

impl From<UpgradeError> for ServiceError {
    fn from(error: UpgradeError) -> Self {
        Self::Upgrade(Box::new(error))
    }
}

impl From<CatalogError> for ServiceError {
    fn from(error: CatalogError) -> Self {
        Self::Catalog(Box::new(error))
    }
}

impl From<CarryError> for ServiceError {
    fn from(error: CarryError) -> Self {
        Self::Carry(Box::new(error))
    }
}

impl From<SystemError> for ServiceError {
    fn from(error: SystemError) -> Self {
        Self::System(Box::new(error))
    }
}

fn refusal(error: &VerifyError) -> Option<&Verdict> {
    match error {
        VerifyError::Refused(verdict) => Some(verdict),
        _ => None,
    }
}
