//! Merges a directory of configuration into the new environment.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;

use super::put::{Times, clear_way, set_rights};
use super::{CarryError, CarryReport, CarryRequest, Put, base_of, put_text, remove};
use crate::digest::Sha256Digest;
use crate::fsio::{Dir, EntryKind, TreeCopy};
use crate::payload::EntryPath;
use crate::progress::Progress;
use crate::system::conflicts::Conflicts;
use crate::system::merge::{
    ConflictKind, Content, MAX_TEXT, Node, Outcome, Source, Text, Tree, decide, is_text,
    merge_texts, read_node, read_tree,
};
use crate::system::{EnvName, System};

/// One directory that is merged.
pub(super) struct Merge<'a> {
    pub(super) system: &'a System,
    pub(super) from: &'a EnvName,
    pub(super) request: &'a CarryRequest<'a>,
    /// The root of the old environment.
    pub(super) old: &'a Dir,
    pub(super) directory: &'a EntryPath,
}

/// What the three sides have.
struct Sides {
    base: Option<Tree>,
    ours: Tree,
    theirs: Tree,
}

impl Merge<'_> {
    /// Merges, and adds what came of it to `report` and `conflicts`.
    pub(super) fn run(
        &self,
        report: &mut CarryReport,
        conflicts: &mut Conflicts,
        progress: &dyn Progress,
    ) -> Result<(), CarryError> {
        progress.begin("merge", 0);
        let sides = self.read(progress)?;
        let outcomes = decide(sides.base.as_ref(), &sides.ours, &sides.theirs);
        let outcomes: Vec<_> = outcomes.iter().collect();
        let new = self.request.root;
        let times = Times::before(new, outcomes.iter().map(|(path, _)| *path))?;
        for (path, outcome) in outcomes.iter().rev() {
            if outcome.source == Source::Nothing && sides.theirs.contains_key(*path) {
                remove(new, path)?;
            }
        }
        let mut copy = TreeCopy::new(self.old, new);
        for (path, outcome) in &outcomes {
            if progress.cancelled() {
                return Err(CarryError::Cancelled);
            }
            self.settle(path, outcome, &sides, &mut copy, conflicts)?;
        }
        copy.finish()?;
        self.set_rights(&outcomes, &sides)?;
        let directories = outcomes.iter().map(|(path, _)| *path);
        let changed = directories.filter(|path| is_directory(&sides.ours, path));
        let own = changed.filter(|path| !is_directory(&sides.theirs, path));
        times.restore(new, &own.collect::<BTreeSet<_>>())?;
        for (path, _) in &outcomes {
            self.note(path, &sides, report)?;
        }
        Ok(())
    }

    fn read(&self, progress: &dyn Progress) -> Result<Sides, CarryError> {
        let root = self.system.root();
        let read = |root: &Dir| -> Result<Tree, CarryError> {
            let mut tree = read_tree(root, self.directory, progress)?;
            // What is left alone was settled before.
            let skip = &self.request.lists.skip;
            tree.retain(|path, _| !skip.matches(path.as_bytes()));
            Ok(tree)
        };
        let base = base_of(self.from);
        let base = match root.kind_of(&base)? {
            Some(EntryKind::Directory) => Some(read(&root.open_dir(&base)?)?),
            _ => None,
        };
        Ok(Sides {
            base,
            ours: read(self.old)?,
            theirs: read(&root.open_dir(base_of(self.request.to))?)?,
        })
    }

    /// Puts the content of one path in its place.
    fn settle(
        &self,
        path: &EntryPath,
        outcome: &Outcome,
        sides: &Sides,
        copy: &mut TreeCopy<'_>,
        conflicts: &mut Conflicts,
    ) -> Result<(), CarryError> {
        match outcome.source {
            Source::Nothing | Source::Theirs => {}
            Source::Ours => self.keep(path, copy)?,
            Source::Both => self.merge(path, outcome, sides, copy, conflicts)?,
        }
        match outcome.conflict {
            Some(kind @ (ConflictKind::Added | ConflictKind::NoBase)) => {
                let texts = self.texts(path, &[])?;
                let marked = texts.map(|[_, ours, theirs]| merge_texts(&[], &ours, &theirs));
                let marked = marked.map(|(Text::Clean(text) | Text::Marked(text))| text);
                conflicts.add(path.clone(), kind, marked);
            }
            Some(kind) => conflicts.add(path.clone(), kind, None),
            None => {}
        }
        Ok(())
    }

    /// Takes what is here over as it is.
    fn keep(&self, path: &EntryPath, copy: &mut TreeCopy<'_>) -> Result<(), CarryError> {
        clear_way(self.request.root, path, &self.old.status_of(path)?)?;
        Ok(copy.name(path)?)
    }

    fn merge(
        &self,
        path: &EntryPath,
        outcome: &Outcome,
        sides: &Sides,
        copy: &mut TreeCopy<'_>,
        conflicts: &mut Conflicts,
    ) -> Result<(), CarryError> {
        let base = self.system.root().open_dir(base_of(self.from))?;
        let base = match base.length_of(path)? {
            length if length <= MAX_TEXT => base.read_bounded(path, MAX_TEXT)?,
            // Too long to be merged by lines.
            _ => vec![0],
        };
        let Some([base, ours, theirs]) = self.texts(path, &base)? else {
            self.keep(path, copy)?;
            conflicts.add(path.clone(), ConflictKind::NoText, None);
            return Ok(());
        };
        match merge_texts(&base, &ours, &theirs) {
            Text::Clean(text) => {
                let (Some(rights), Some(ours)) = (&outcome.rights, sides.ours.get(path)) else {
                    return Ok(());
                };
                let theirs = sides.theirs.get(path).map(|node| node.mtime);
                let mtime = theirs.max(Some(ours.mtime));
                let text = &text;
                put_text(
                    self.request.root,
                    path,
                    Put {
                        text,
                        rights,
                        mtime,
                    },
                )
            }
            Text::Marked(text) => {
                self.keep(path, copy)?;
                conflicts.add(path.clone(), ConflictKind::Changed, Some(text));
                Ok(())
            }
        }
    }

    /// Base, ours and theirs, if all three are texts.
    fn texts(&self, path: &EntryPath, base: &[u8]) -> Result<Option<[Vec<u8>; 3]>, CarryError> {
        let theirs = self.system.root().open_dir(base_of(self.request.to))?;
        let mut texts = vec![base.to_vec()];
        for root in [self.old, &theirs] {
            let is_file = root.kind_of(path)? == Some(EntryKind::File);
            if !is_file || root.length_of(path)? > MAX_TEXT {
                return Ok(None);
            }
            texts.push(root.read_bounded(path, MAX_TEXT)?);
        }
        let all = texts.iter().all(|text| is_text(text));
        Ok(texts.try_into().ok().filter(|_| all))
    }

    /// Children before parents: what is done in a directory changes its time.
    fn set_rights(
        &self,
        outcomes: &[(&EntryPath, &Outcome)],
        sides: &Sides,
    ) -> Result<(), CarryError> {
        for (path, outcome) in outcomes.iter().rev() {
            let placed = match outcome.source {
                Source::Nothing | Source::Both => continue,
                Source::Ours => sides.ours.get(*path),
                Source::Theirs => sides.theirs.get(*path),
            };
            if let (Some(rights), Some(placed)) = (&outcome.rights, placed)
                && placed.rights != *rights
            {
                set_rights(self.request.root, path, rights, Some(placed.mtime))?;
            }
        }
        Ok(())
    }

    /// Notes what the image has and the environment has otherwise.
    fn note(
        &self,
        path: &EntryPath,
        sides: &Sides,
        report: &mut CarryReport,
    ) -> Result<(), CarryError> {
        let Some(theirs) = sides.theirs.get(path) else {
            return Ok(());
        };
        let found = read_tree_at(self.request.root, path)?;
        let same = |found: &Node| found.content == theirs.content && found.rights == theirs.rights;
        if !found.as_ref().is_some_and(same) {
            let digest = found.as_ref().and_then(digest_of);
            report.changed.insert(path.clone(), digest);
        }
        Ok(())
    }
}

fn is_directory(tree: &Tree, path: &EntryPath) -> bool {
    tree.get(path)
        .is_some_and(|node| node.content == Content::Directory)
}

/// The SHA-256 that stands for a node.
fn digest_of(node: &Node) -> Option<Sha256Digest> {
    match &node.content {
        Content::File { sha256, .. } => Some(*sha256),
        Content::Link(target) => Some(Sha256Digest::of(target.as_bytes())),
        Content::Directory | Content::Special(..) => None,
    }
}

/// The SHA-256 of a file's content or of a link's text; nothing for anything else and for nothing.
pub(super) fn digest_at(root: &Dir, path: &EntryPath) -> Result<Option<Sha256Digest>, CarryError> {
    Ok(read_tree_at(root, path)?.as_ref().and_then(digest_of))
}

/// What is at a path, without what is below it; nothing where a link or file is in the way.
fn read_tree_at(root: &Dir, path: &EntryPath) -> Result<Option<Node>, CarryError> {
    match root.kind_of(path) {
        Ok(None) => Ok(None),
        Ok(Some(_)) => read_node(root, path),
        Err(error) if error.is_not_below_directory() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
