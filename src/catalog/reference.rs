use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::database::{blob, damaged, time};
use super::events::{self, NewEvent};
use super::{Catalog, CatalogError, Context};
use crate::digest::PackageId;
use crate::fsio::LockKind;

/// Longest reason or holder in bytes.
pub const MAX_REASON: usize = 1024;

/// Who needs an artifact, and why: what is referenced is not removed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reference {
    /// What for.
    pub kind: ReferenceKind,
    /// Who needs it.
    pub holder: String,
    /// Why, in the holder's words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// What an artifact is needed for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReferenceKind {
    /// The image that the system runs on: joining nodes and removing patches need it.
    CommittedImage,
    /// A patch that is installed: its removal needs it.
    InstalledPatch,
    /// An upgrade that is under way.
    RunningUpgrade,
    /// Somebody said so.
    Pin,
}

impl ReferenceKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::CommittedImage,
        Self::InstalledPatch,
        Self::RunningUpgrade,
        Self::Pin,
    ];

    /// The word used in the database, tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CommittedImage => "committed-image",
            Self::InstalledPatch => "installed-patch",
            Self::RunningUpgrade => "running-upgrade",
            Self::Pin => "pin",
        }
    }

    /// The kinds of the events that say that one is held and that it is not any more.
    const fn events(self) -> (&'static str, &'static str) {
        match self {
            Self::Pin => ("pin", "unpin"),
            _ => ("reference", "unreference"),
        }
    }
}

impl std::fmt::Display for ReferenceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Catalog {
    /// Who needs the artifact, by kind and holder; it need not be listed.
    pub fn references(&mut self, id: &PackageId) -> Result<Vec<Reference>, CatalogError> {
        self.database.read("list the references", |transaction| {
            references(transaction, id)
        })
    }

    /// Notes that `holder` needs a listed artifact; tells whether that is news.
    ///
    /// A holder has one reference of a kind to an artifact: another reason takes the place of the first.
    pub fn hold_reference(
        &mut self,
        id: &PackageId,
        kind: ReferenceKind,
        holder: &str,
        reason: &str,
        context: &Context<'_>,
    ) -> Result<bool, CatalogError> {
        expect_text("holder", holder)?;
        expect_text("reason", reason)?;
        let _exclusive = self.hold(LockKind::Exclusive, context.progress)?;
        self.artifact(id)?;
        let reference = Reference {
            kind,
            holder: holder.to_owned(),
            reason: reason.to_owned(),
            since: context.now,
        };
        self.database.write("enter the reference", |transaction| {
            if reason_of(transaction, id, kind, holder)?.is_some_and(|found| found == reason) {
                return Ok(false);
            }
            enter(transaction, id, &reference)?;
            record(transaction, kind.events().0, id, &reference, context)?;
            Ok(true)
        })
    }

    /// Notes that `holder` does not need the artifact any more, and why.
    ///
    /// The artifact need not be listed: a missing one may be given up, too.
    pub fn release_reference(
        &mut self,
        id: &PackageId,
        kind: ReferenceKind,
        holder: &str,
        reason: &str,
        context: &Context<'_>,
    ) -> Result<(), CatalogError> {
        expect_text("reason", reason)?;
        let _exclusive = self.hold(LockKind::Exclusive, context.progress)?;
        let reference = Reference {
            kind,
            holder: holder.to_owned(),
            reason: reason.to_owned(),
            since: context.now,
        };
        let found = self.database.write("drop the reference", |transaction| {
            let found = drop_one(transaction, id, kind, holder)?;
            if found {
                record(transaction, kind.events().1, id, &reference, context)?;
            }
            Ok(found)
        })?;
        if found {
            return Ok(());
        }
        Err(CatalogError::NotReferenced {
            id: *id,
            kind,
            holder: holder.to_owned(),
            held: self.references(id)?,
        })
    }
}

/// The references to an artifact, by kind and holder.
pub(super) fn references(
    transaction: &Transaction<'_>,
    id: &PackageId,
) -> rusqlite::Result<Vec<Reference>> {
    let mut statement = transaction.prepare_cached(
        "SELECT kind, holder, reason, since FROM reference WHERE artifact = ?1
         ORDER BY kind, holder",
    )?;
    let rows = statement.query_map([blob(&id.digest())], |row| {
        let kind: String = row.get(0)?;
        Ok(Reference {
            kind: kind_named(&kind).ok_or_else(|| damaged(0, "unknown kind of reference"))?,
            holder: row.get(1)?,
            reason: row.get(2)?,
            since: time(row, 3)?,
        })
    })?;
    rows.collect()
}

/// The facts of an event about a reference.
#[derive(serde::Serialize)]
struct Details {
    kind: ReferenceKind,
    holder: String,
    reason: String,
}

fn kind_named(name: &str) -> Option<ReferenceKind> {
    let mut kinds = ReferenceKind::ALL.into_iter();
    kinds.find(|kind| kind.name() == name)
}

fn expect_text(field: &'static str, text: &str) -> Result<(), CatalogError> {
    let found = text.len();
    if text.trim().is_empty() || found > MAX_REASON {
        let limit = MAX_REASON;
        return Err(CatalogError::Reason {
            field,
            found,
            limit,
        });
    }
    Ok(())
}

fn reason_of(
    transaction: &Transaction<'_>,
    id: &PackageId,
    kind: ReferenceKind,
    holder: &str,
) -> rusqlite::Result<Option<String>> {
    transaction
        .prepare_cached(
            "SELECT reason FROM reference WHERE artifact = ?1 AND kind = ?2 AND holder = ?3",
        )?
        .query_row(params![blob(&id.digest()), kind.name(), holder], |row| {
            row.get(0)
        })
        .optional()
}

fn enter(
    transaction: &Transaction<'_>,
    id: &PackageId,
    reference: &Reference,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO reference (artifact, kind, holder, reason, since)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET reason = excluded.reason, since = excluded.since",
        )?
        .execute(params![
            blob(&id.digest()),
            reference.kind.name(),
            reference.holder,
            reference.reason,
            reference.since.as_microsecond(),
        ])
        .map(drop)
}

fn drop_one(
    transaction: &Transaction<'_>,
    id: &PackageId,
    kind: ReferenceKind,
    holder: &str,
) -> rusqlite::Result<bool> {
    let dropped = transaction
        .prepare_cached("DELETE FROM reference WHERE artifact = ?1 AND kind = ?2 AND holder = ?3")?
        .execute(params![blob(&id.digest()), kind.name(), holder])?;
    Ok(dropped > 0)
}

fn record(
    transaction: &Transaction<'_>,
    event: &str,
    id: &PackageId,
    reference: &Reference,
    context: &Context<'_>,
) -> rusqlite::Result<()> {
    let details = Details {
        kind: reference.kind,
        holder: reference.holder.clone(),
        reason: reference.reason.clone(),
    };
    let event = NewEvent {
        time: context.now,
        kind: event,
        subject: &id.to_string(),
        actor: context.actor,
        details: serde_json::to_value(details).unwrap_or_default(),
    };
    events::append(transaction, &event)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{artifact, catalog, context, id};
    use super::*;

    fn held(catalog: &mut Catalog) -> Vec<(&'static str, String, String)> {
        let references = catalog.references(&id("aa")).unwrap().into_iter();
        let parts = |one: Reference| (one.kind.name(), one.holder, one.reason);
        references.map(parts).collect()
    }

    #[test]
    fn a_holder_has_one_reference_of_a_kind_and_the_log_tells_all() {
        let (_home, mut catalog) = catalog(&[artifact("aa")]);
        let pin = ReferenceKind::Pin;
        let mut hold = |kind, holder, reason| {
            catalog.hold_reference(&id("aa"), kind, holder, reason, &context())
        };
        assert!(hold(pin, "a", "first").unwrap());
        assert!(!hold(pin, "a", "first").unwrap());
        assert!(hold(pin, "a", "second").unwrap());
        assert!(hold(pin, "b", "other").unwrap());
        assert!(hold(ReferenceKind::CommittedImage, "system", "runs").unwrap());
        let all = |texts: &[(&'static str, &str, &str)]| -> Vec<_> {
            let owned = |(kind, holder, reason): &(&'static str, &str, &str)| {
                (*kind, (*holder).to_owned(), (*reason).to_owned())
            };
            texts.iter().map(owned).collect()
        };
        assert_eq!(
            held(&mut catalog),
            all(&[
                ("committed-image", "system", "runs"),
                ("pin", "a", "second"),
                ("pin", "b", "other")
            ])
        );
        catalog
            .release_reference(&id("aa"), pin, "a", "done", &context())
            .unwrap();
        let error = catalog
            .release_reference(&id("aa"), pin, "a", "done", &context())
            .unwrap_err();
        assert_eq!(error.code(), "E_NOT_REFERENCED");
        assert!(error.hint().unwrap().contains("pin of b"), "{error}");
        let kinds = catalog.events(None).unwrap().into_iter();
        let kinds: Vec<_> = kinds.map(|event| event.kind).collect();
        assert_eq!(kinds, ["pin", "pin", "pin", "reference", "unpin"]);
    }

    #[test]
    fn a_reason_is_needed_and_limited_and_the_artifact_has_to_be_there() {
        let (_home, mut catalog) = catalog(&[artifact("aa")]);
        let mut code = |digits: &str, reason: &str| {
            let pin = ReferenceKind::Pin;
            let held = catalog.hold_reference(&id(digits), pin, "a", reason, &context());
            held.err().map(|error| error.code().to_owned())
        };
        assert_eq!(code("aa", " ").as_deref(), Some("E_REASON"));
        assert_eq!(
            code("aa", &"x".repeat(MAX_REASON + 1)).as_deref(),
            Some("E_REASON")
        );
        assert_eq!(code("aa", &"x".repeat(MAX_REASON)), None);
        assert_eq!(code("bb", "why").as_deref(), Some("E_ARTIFACT_MISSING"));
        assert_eq!(catalog.events(None).unwrap().len(), 1);
    }
}
