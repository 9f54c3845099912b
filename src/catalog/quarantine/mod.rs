//! What failed and is kept for a look, each with the reason beside it.

mod entry;

use std::path::Path;

use serde_json::json;

pub use self::entry::Reason;
pub(super) use self::entry::{
    CONTENT, Entries, create, drop_empty, entries, package_path, set_aside,
};

use self::entry::{entry_path, reason};
use super::events::{self, NewEvent};
use super::layout::{DATABASE, PACKAGE, QUARANTINE};
use super::{Catalog, CatalogError, Context, Import, ImportRequest, Source};
use crate::fsio::{Dir, FsError, LockKind};
use crate::trust::TrustStore;

/// One entry of the quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its name, by which it is restored or purged.
    pub entry: String,
    /// Why it is there, if that can be read.
    pub reason: Option<Reason>,
    /// What it is.
    pub content: Content,
    /// How many bytes its files have, the reason not counted.
    pub size: u64,
}

/// What an entry of the quarantine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Content {
    /// A file that may be a package.
    Package,
    /// A database, or its journal.
    Database,
    /// Anything else.
    Other,
    /// Nothing: what was there went back, or never came.
    Nothing,
}

impl Content {
    /// The word used in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Database => "database",
            Self::Other => "other",
            Self::Nothing => "nothing",
        }
    }
}

/// An entry to be put back.
#[derive(Debug, Clone, Copy)]
pub struct RestoreRequest<'a> {
    /// Its name.
    pub entry: &'a str,
    /// Whom to trust.
    pub trust: &'a TrustStore,
    /// Why it should be let in if nobody signed it; the policy has to agree.
    pub unsigned: Option<&'a str>,
}

impl Catalog {
    /// Lists what is in quarantine, numbers in their order, then other names.
    pub fn quarantined(&mut self, context: &Context<'_>) -> Result<Vec<Quarantined>, CatalogError> {
        let _shared = self.hold(LockKind::Shared, context.progress)?;
        let root = self.layout.root();
        let found = entries(root)?;
        let names = [found.with_package, found.others, found.empty];
        let listed = names.into_iter().flatten();
        let mut listed = listed
            .map(|entry| describe(root, entry))
            .collect::<Result<Vec<_>, _>>()?;
        listed.sort_by_key(|found| (found.entry.parse().unwrap_or(u64::MAX), found.entry.clone()));
        Ok(listed)
    }

    /// Imports what is in quarantine as any other package, then removes the entry.
    pub fn restore(
        &mut self,
        request: &RestoreRequest<'_>,
        context: &Context<'_>,
    ) -> Result<Import, CatalogError> {
        let (source, label) = {
            let _shared = self.hold(LockKind::Shared, context.progress)?;
            let root = self.layout.root();
            self.expect_entries(std::slice::from_ref(&request.entry))?;
            let label = package_path(request.entry);
            let source = match root.open_file(&label) {
                Ok(source) => source,
                Err(error) if error.is_not_found() => {
                    let entry = request.entry.to_owned();
                    return Err(CatalogError::NoPackage { entry });
                }
                Err(error) => return Err(error.into()),
            };
            (source, label)
        };
        let import = ImportRequest {
            label: &label,
            trust: request.trust,
            unsigned: request.unsigned,
        };
        let imported = self.import(Source::File(&source), &import, context)?;
        let _exclusive = self.hold(LockKind::Exclusive, context.progress)?;
        self.remove_entry(request.entry)?;
        Ok(imported)
    }

    /// Deletes entries of the quarantine for good; what is told is what was deleted.
    pub fn purge(
        &mut self,
        names: &[&str],
        context: &Context<'_>,
    ) -> Result<Vec<Quarantined>, CatalogError> {
        let _exclusive = self.hold(LockKind::Exclusive, context.progress)?;
        self.expect_entries(names)?;
        let mut purged = Vec::new();
        for name in names {
            purged.push(describe(self.layout.root(), (*name).to_owned())?);
        }
        self.database.write("record the purge", |transaction| {
            purged.iter().try_for_each(|found| {
                let reason = found.reason.as_ref();
                let subject = reason.and_then(|reason| reason.id);
                let event = NewEvent {
                    time: context.now,
                    kind: "purge",
                    subject: &subject.map(|id| id.to_string()).unwrap_or_default(),
                    actor: context.actor,
                    details: json!({
                        "entry": found.entry,
                        "size": found.size,
                        "from": reason.map(|reason| &reason.from),
                        "code": reason.map(|reason| &reason.code),
                    }),
                };
                events::append(transaction, &event)
            })
        })?;
        for name in names {
            self.remove_entry(name)?;
        }
        Ok(purged)
    }

    fn expect_entries(&self, names: &[&str]) -> Result<(), CatalogError> {
        let found = entries(self.layout.root())?;
        let known = |name: &str| {
            let lists = [&found.with_package, &found.others, &found.empty];
            lists.into_iter().flatten().any(|entry| entry == name)
        };
        match names.iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => Err(CatalogError::UnknownEntry {
                entry: (*name).to_owned(),
            }),
        }
    }

    fn remove_entry(&self, entry: &str) -> Result<(), CatalogError> {
        let quarantine = self.layout.dir(QUARANTINE)?;
        match quarantine.remove_tree(entry) {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(quarantine.sync()?),
        }
    }
}

fn describe(root: &Dir, entry: String) -> Result<Quarantined, CatalogError> {
    let place = root.open_dir(entry_path(&entry))?;
    let names = place.entries()?;
    let mut names = names.iter().map(|found| found.name.as_encoded_bytes());
    let content = names.find(|name| *name != entry::REASON.as_bytes());
    let content = match content {
        None => Content::Nothing,
        Some(name) if name == PACKAGE.as_bytes() => Content::Package,
        Some(name) if name.starts_with(DATABASE.as_bytes()) => Content::Database,
        Some(_) => Content::Other,
    };
    Ok(Quarantined {
        reason: reason(root, &entry),
        content,
        size: size(&place, Path::new(""))?,
        entry,
    })
}

/// The bytes of all files in an entry, or below a directory in it.
fn size(place: &Dir, below: &Path) -> Result<u64, FsError> {
    let mut total = 0_u64;
    for found in place.entries()? {
        let path = below.join(&found.name);
        let bytes = match found.kind {
            crate::fsio::EntryKind::Directory => size(&place.open_dir(&found.name)?, &path)?,
            _ if path == Path::new(entry::REASON) => 0,
            _ => place.status_of(&found.name)?.size,
        };
        total = total.saturating_add(bytes);
    }
    Ok(total)
}
