use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Texts;
use crate::fsio::EntryKind;
use crate::payload::EntryPath;
use crate::system::merge::ConflictKind;
use crate::system::{CarryError, EnvName, System, layout};

/// The list in the directory of an environment's conflicts.
const LIST: &str = "conflicts.json";
/// The texts with markers.
const MERGED: &str = "merged";
/// Version of the list.
const SCHEMA: u32 = 1;
/// Most bytes of a list.
const MAX_LIST: u64 = 64 << 20;

/// Something that could not be merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Where, from the root of the environment on.
    pub path: EntryPath,
    /// Why not.
    pub kind: ConflictKind,
    /// Whether there is a text of both sides with markers.
    #[serde(default)]
    pub merged: bool,
}

/// The conflicts of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflicts {
    environment: EnvName,
    from: Option<EnvName>,
    list: Vec<Conflict>,
    texts: Texts,
}

/// The form of the list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    schema: u32,
    environment: EnvName,
    from: Option<EnvName>,
    conflicts: Vec<Conflict>,
}

impl Conflicts {
    /// No conflicts yet of an environment, with the one that things came from.
    pub(in crate::system) fn new(environment: EnvName, from: Option<EnvName>) -> Self {
        Self {
            environment,
            from,
            list: Vec::new(),
            texts: Texts::new(),
        }
    }

    /// The conflicts of an environment that nobody has decided about; none if there is no list.
    pub fn open(system: &System, environment: &EnvName) -> Result<Self, CarryError> {
        let root = system.root();
        let path = directory(environment).join(LIST);
        if root.kind_of(&path)?.is_none() {
            return Ok(Self::new(environment.clone(), None));
        }
        let damaged = |detail: String| CarryError::Damaged {
            path: root.path().join(&path),
            detail,
        };
        let bytes = root.read_bounded(&path, MAX_LIST)?;
        let stored: Stored =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if stored.schema != SCHEMA || stored.environment != *environment {
            let Stored {
                schema,
                environment,
                ..
            } = stored;
            return Err(damaged(format!("schema {schema}, of {environment}")));
        }
        Ok(Self {
            environment: stored.environment,
            from: stored.from,
            list: stored.conflicts,
            texts: Texts::new(),
        })
    }

    /// What is to be decided, in the order of the paths.
    pub fn list(&self) -> &[Conflict] {
        &self.list
    }

    /// Where the text with markers of a conflict is, below the system's directory.
    pub fn text_of(&self, path: &EntryPath) -> PathBuf {
        directory(&self.environment).join(MERGED).join(path)
    }

    pub(in crate::system) fn into_list(self) -> Vec<Conflict> {
        self.list
    }

    /// Adds a conflict, with the text of both sides if there is one.
    pub(in crate::system) fn add(
        &mut self,
        path: EntryPath,
        kind: ConflictKind,
        text: Option<Vec<u8>>,
    ) {
        let merged = text.is_some();
        if let Some(text) = text {
            self.texts.insert(path.clone(), text);
        }
        self.list.push(Conflict { path, kind, merged });
    }

    /// Adds what has no directory in the new environment.
    pub(in crate::system) fn add_displaced(&mut self, path: EntryPath) {
        self.add(path, ConflictKind::NoPlace, None);
    }

    pub(super) fn remove(&mut self, path: &EntryPath) {
        self.list.retain(|conflict| conflict.path != *path);
    }

    /// Writes the list, and the texts that are not written yet; removes all if nothing is left.
    pub(in crate::system) fn store(&mut self, system: &System) -> Result<(), CarryError> {
        self.list.sort_by(|one, other| one.path.cmp(&other.path));
        let root = system.root();
        let own = directory(&self.environment);
        if self.list.is_empty() {
            if root.kind_of(&own)?.is_some() {
                // The list first: without it nothing is there.
                root.remove_if_there(own.join(LIST))?;
                root.remove_tree(&own)?;
                root.open_dir(layout::CONFLICTS)?.sync()?;
            }
            return Ok(());
        }
        if root.kind_of(&own)?.is_none() {
            root.create_dir(&own, 0o700)?;
            root.open_dir(layout::CONFLICTS)?.sync()?;
        }
        for (path, text) in std::mem::take(&mut self.texts) {
            let place = own.join(MERGED).join(&path);
            make_parents(root, &own, Path::new(MERGED).join(&path).parent())?;
            root.replace_file(&place, &text, 0o600)?;
        }
        let stored = Stored {
            schema: SCHEMA,
            environment: self.environment.clone(),
            from: self.from.clone(),
            conflicts: self.list.clone(),
        };
        // Nothing in it can fail to be written as JSON.
        let bytes = serde_json::to_vec_pretty(&stored).unwrap_or_default();
        root.replace_file(own.join(LIST), &bytes, 0o600)?;
        Ok(())
    }
}

/// Where the conflicts of an environment are.
fn directory(environment: &EnvName) -> PathBuf {
    Path::new(layout::CONFLICTS).join(environment.as_str())
}

fn make_parents(
    root: &crate::fsio::Dir,
    own: &Path,
    parent: Option<&Path>,
) -> Result<(), CarryError> {
    let parents: Vec<_> = parent.into_iter().flat_map(Path::ancestors).collect();
    for parent in parents.into_iter().rev() {
        let path = own.join(parent);
        if parent.as_os_str().is_empty() || root.kind_of(&path)? == Some(EntryKind::Directory) {
            continue;
        }
        root.create_dir(&path, 0o700)?;
    }
    Ok(())
}
