//! Does what was planned, each step only if things are still as they were planned on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::action::{Action, Cause};
use super::survey::Identity;
use crate::catalog::layout::{
    ARTIFACTS, EVENTS, Layout, PACKAGE, artifact_names, artifact_path, ensure_dir,
};
use crate::catalog::quarantine::{CONTENT, Reason, drop_empty, package_path, set_aside};
use crate::catalog::staging::ARTIFACT_MODE;
use crate::catalog::{CatalogError, Context};
use crate::digest::PackageId;
use crate::fsio::{Attributes, Dir, NodeKind, set_mode, sync};

/// Moves files; the caller holds the catalog still.
pub(super) struct Mover<'a> {
    layout: &'a Layout,
    context: &'a Context<'a>,
    /// What was moved, by its new name: a rename changes the time of the last change.
    moved: BTreeMap<PathBuf, Identity>,
}

impl<'a> Mover<'a> {
    pub(super) fn new(layout: &'a Layout, context: &'a Context<'a>) -> Self {
        Self {
            layout,
            context,
            moved: BTreeMap::new(),
        }
    }

    /// Does one step that moves files; `false` if things are no longer as they were planned on.
    pub(super) fn apply(&mut self, action: &Action) -> Result<bool, CatalogError> {
        match action {
            Action::Move { id, from, identity } => {
                let done = self.is_same(from, identity)? && self.bring_home(from, id)?;
                if done {
                    self.sync_parent(from)?;
                }
                Ok(done)
            }
            Action::Mode { id, identity, .. } => self.protect(&artifact_path(id), identity),
            Action::Quarantine {
                from,
                entry,
                cause,
                identity,
                ..
            } => self.set_aside(from, entry, action.id(), cause, identity),
            Action::RemoveDirectory { path } => self.remove_directory(path),
            Action::Restore {
                id,
                entry,
                identity,
            } => {
                let from = package_path(entry);
                let done = self.is_same(&from, identity)? && self.bring_home(&from, id)?;
                if done {
                    drop_empty(self.root(), entry)?;
                }
                Ok(done)
            }
            Action::DropEntry { entry } => drop_empty(self.root(), entry).map(|()| true),
            _ => Ok(true),
        }
    }

    /// Whether the file at `path` is still the one that was planned on.
    pub(super) fn is_same(&self, path: &Path, identity: &Identity) -> Result<bool, CatalogError> {
        let status = match self.root().status_of(path) {
            Ok(status) => status,
            Err(error) if error.is_not_found() => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let found = Identity::of(&status);
        let moved = self.moved.get(path);
        Ok(found == *identity || moved.is_some_and(|moved| found == *moved))
    }

    fn root(&self) -> &'a Dir {
        self.layout.root()
    }

    /// Gives an artifact the mode that it should have, which may be what keeps it from being read.
    fn protect(&mut self, path: &Path, identity: &Identity) -> Result<bool, CatalogError> {
        if !self.is_same(path, identity)? {
            return Ok(false);
        }
        let attributes = Attributes {
            mode: Some(ARTIFACT_MODE),
            ..Attributes::default()
        };
        self.root().set_attributes(path, &attributes)?;
        sync(
            &self.root().open_file(path)?,
            &self.root().path().join(path),
        )?;
        self.note(path.to_owned())?;
        Ok(true)
    }

    /// Gives a file the place of its artifact, if that is free; on disk when this returns.
    fn bring_home(&mut self, from: &Path, id: &PackageId) -> Result<bool, CatalogError> {
        let file = self.root().open_file(from)?;
        set_mode(&file, ARTIFACT_MODE, &self.root().path().join(from))?;
        let artifacts = self.layout.dir(ARTIFACTS)?;
        let (shard, directory) = artifact_names(id);
        ensure_dir(&artifacts, &shard)?;
        let shard = artifacts.open_dir(&shard)?;
        ensure_dir(&shard, &directory)?;
        let place = shard.open_dir(&directory)?;
        match self.root().rename_new(from, &place, PACKAGE) {
            Ok(()) => {}
            Err(error) if error.is_exists() => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        place.sync()?;
        self.note(artifact_path(id))?;
        Ok(true)
    }

    fn set_aside(
        &mut self,
        from: &Path,
        entry: &str,
        id: Option<PackageId>,
        cause: &Cause,
        identity: &Identity,
    ) -> Result<bool, CatalogError> {
        if !self.is_same(from, identity)? {
            return Ok(false);
        }
        let regular = self.root().status_of(from)?.kind == NodeKind::File;
        let may_be_package = regular && from != Path::new(EVENTS);
        let content = if may_be_package { PACKAGE } else { CONTENT };
        let reason = Reason::new(self.context.now, from, id, &cause.code, &cause.detail);
        let reason = reason.hint(cause.hint.clone());
        set_aside(self.root(), from, entry, content, &reason)?;
        if may_be_package {
            self.note(package_path(entry))?;
        }
        Ok(true)
    }

    fn remove_directory(&self, path: &Path) -> Result<bool, CatalogError> {
        if !self.root().open_dir(path)?.entries()?.is_empty() {
            return Ok(false);
        }
        self.root().remove_dir(path)?;
        self.sync_parent(path)?;
        Ok(true)
    }

    fn note(&mut self, path: PathBuf) -> Result<(), CatalogError> {
        let identity = Identity::of(&self.root().status_of(&path)?);
        self.moved.insert(path, identity);
        Ok(())
    }

    fn sync_parent(&self, path: &Path) -> Result<(), CatalogError> {
        match path.parent() {
            Some(parent) => Ok(self.root().open_dir(parent)?.sync()?),
            None => Ok(self.root().sync()?),
        }
    }
}
