use super::{Refusal, UpgradeError};
use crate::digest::PackageId;
use crate::package::{Package, Tree, Verified};

/// A package that was opened and verified, with what it says of its files.
#[derive(Debug)]
pub struct Opened {
    /// Which package it is.
    pub id: PackageId,
    /// The package.
    pub package: Package<Verified>,
    /// Its files; none if its payload is no tree of files.
    pub tree: Option<Tree>,
}

impl Opened {
    /// Reads what `package` says of its files; its payload is not read.
    pub fn of(id: PackageId, package: Package<Verified>) -> Result<Self, UpgradeError> {
        let tree = package.tree().map_err(UpgradeError::tree(id))?;
        Ok(Self { id, package, tree })
    }

    /// Its files, which a plan was refused without.
    pub(super) fn files(&self) -> Result<&Tree, UpgradeError> {
        let name = || self.package.manifest().name.clone();
        let files = self.tree.as_ref();
        files.ok_or_else(|| Refusal::NoTree { name: name() }.into())
    }
}
