use super::Mtree;
use super::error::{MtreeError, MtreeRule};
use super::facts::{Facts, Kind};
use crate::payload::EntryPath;
use crate::payload::entry::{FileEntry, FileKind};

impl Mtree {
    /// What is said of `path`, if anything is.
    pub(in crate::payload) fn facts(&self, path: &EntryPath) -> Option<&Facts> {
        self.entries.get(path)
    }

    /// The entries that `has` does not know and that are to be added.
    ///
    /// Fails if one of them has contents, which a specification does not hold.
    pub(in crate::payload) fn added(
        &self,
        has: impl Fn(&EntryPath) -> bool,
    ) -> Result<Vec<FileEntry>, MtreeError> {
        let mut added = Vec::new();
        for (path, facts) in self.entries.iter().filter(|(path, _)| !has(path)) {
            let kind = facts.to_kind().map_err(|keyword| {
                let name = path.to_string();
                facts.refused(MtreeRule::Incomplete { name, keyword })
            })?;
            match kind {
                Some(kind) => added.push(facts.entry(path.clone(), kind)),
                None if facts.optional => {}
                None => return Err(facts.refused(MtreeRule::Missing(path.to_string()))),
            }
        }
        Ok(added)
    }
}

impl Facts {
    /// Puts what is said in the place of what was found.
    pub(in crate::payload) fn apply(&self, entry: &mut FileEntry) -> Result<(), MtreeError> {
        let found = Kind::of(&entry.kind);
        if let Some(expected) = self.kind.filter(|kind| *kind != found) {
            return Err(self.refused(MtreeRule::Kind {
                name: entry.path.to_string(),
                expected: expected.word(),
                found: found.word(),
            }));
        }
        // A symbolic link has no mode of its own.
        if found != Kind::Link {
            entry.mode = self.mode.unwrap_or(entry.mode);
        }
        entry.uid = self.uid.unwrap_or(entry.uid);
        entry.gid = self.gid.unwrap_or(entry.gid);
        entry.mtime = self.mtime.unwrap_or(entry.mtime);
        Ok(())
    }

    fn entry(&self, path: EntryPath, kind: FileKind) -> FileEntry {
        let usual = match kind {
            FileKind::Symlink { .. } => 0o777,
            FileKind::Directory => 0o755,
            _ => 0o600,
        };
        let own = self
            .mode
            .filter(|_| !matches!(kind, FileKind::Symlink { .. }));
        FileEntry {
            path,
            kind,
            mode: own.unwrap_or(usual),
            uid: self.uid.unwrap_or(0),
            gid: self.gid.unwrap_or(0),
            mtime: self.mtime.unwrap_or_default(),
            xattrs: Vec::new(),
        }
    }

    fn refused(&self, rule: MtreeRule) -> MtreeError {
        let line = self.line;
        MtreeError { line, rule }
    }
}
