use rusqlite::{OptionalExtension as _, Transaction};

use super::database::{ARTIFACT_COLUMNS, artifact_of, blob, damaged, digest};
use super::{Artifact, Catalog, CatalogError};
use crate::digest::{IdPrefix, PackageId, Sha256Digest};
use crate::trust::Verdict;

/// Most artifacts named when a prefix is ambiguous.
pub const MAX_CANDIDATES: usize = 16;

/// What a typed ID stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// No artifact.
    None,
    /// One artifact.
    One(PackageId),
    /// Several: the first [`MAX_CANDIDATES`] of them in the order of their IDs.
    Ambiguous(Vec<PackageId>),
}

impl Catalog {
    /// Finds the artifacts whose IDs begin with `prefix`.
    pub fn resolve(&mut self, prefix: &IdPrefix) -> Result<Resolution, CatalogError> {
        let (first, last) = (padded(prefix, '0'), padded(prefix, 'f'));
        let ids = self.database.read("look up an ID", |transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT id FROM artifact WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
            )?;
            let limit = i64::try_from(MAX_CANDIDATES).unwrap_or(i64::MAX);
            let rows = statement.query_map(rusqlite::params![first, last, limit], |row| {
                digest(row, 0).map(PackageId::new)
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(match ids[..] {
            [] => Resolution::None,
            [id] => Resolution::One(id),
            _ => Resolution::Ambiguous(ids),
        })
    }

    /// The one artifact whose ID begins with `prefix`; none and several are refused.
    pub fn expect_one(&mut self, prefix: &IdPrefix) -> Result<Artifact, CatalogError> {
        let prefix = prefix.clone();
        match self.resolve(&prefix)? {
            Resolution::None => Err(CatalogError::UnknownId { prefix }),
            Resolution::Ambiguous(candidates) => {
                Err(CatalogError::AmbiguousId { prefix, candidates })
            }
            Resolution::One(id) => self.find(&id)?.ok_or(CatalogError::UnknownId { prefix }),
        }
    }

    /// What is on record of an artifact, if it is listed.
    pub fn find(&mut self, id: &PackageId) -> Result<Option<Artifact>, CatalogError> {
        self.database
            .read("look up an artifact", |transaction| find(transaction, id))
    }

    /// What the last verification of an artifact checked and found, as it is on record.
    pub fn verdict(&mut self, id: &PackageId) -> Result<Verdict, CatalogError> {
        self.database.read("look up a verdict", |transaction| {
            let report: String = transaction
                .prepare_cached("SELECT report FROM verdict WHERE artifact = ?1")?
                .query_row([blob(&id.digest())], |row| row.get(0))?;
            serde_json::from_str(&report).map_err(|error| damaged(0, error.to_string()))
        })
    }

    /// What is on record of an artifact that was listed a moment ago.
    pub(super) fn artifact(&mut self, id: &PackageId) -> Result<Artifact, CatalogError> {
        let found = self.find(id)?;
        found.ok_or(CatalogError::ArtifactMissing { id: *id })
    }
}

/// What is on record of an artifact, if it is listed.
pub(super) fn find(
    transaction: &Transaction<'_>,
    id: &PackageId,
) -> rusqlite::Result<Option<Artifact>> {
    transaction
        .prepare_cached(&format!(
            "SELECT {ARTIFACT_COLUMNS} FROM artifact WHERE id = ?1"
        ))?
        .query_row([blob(&id.digest())], artifact_of)
        .optional()
}

/// The first or last ID with this prefix.
fn padded(prefix: &IdPrefix, digit: char) -> rusqlite::types::Value {
    let missing = (2 * Sha256Digest::LENGTH).saturating_sub(prefix.as_str().len());
    let mut text = prefix.as_str().to_owned();
    text.extend(std::iter::repeat_n(digit, missing));
    // Both parts are hex digits, so this cannot fail; an impossible ID would match nothing.
    let id: Sha256Digest = text.parse().unwrap_or(Sha256Digest::from_bytes([0; 32]));
    blob(&id)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{artifact, catalog, id};
    use super::*;

    #[test]
    fn a_prefix_is_nothing_one_or_ambiguous() {
        let (_home, mut catalog) = catalog(&["abc1", "abc2", "abd", "0", "f"].map(artifact));
        let mut resolve = |text: &str| catalog.resolve(&text.parse().unwrap()).unwrap();
        assert_eq!(resolve("abe"), Resolution::None);
        assert_eq!(resolve("abd"), Resolution::One(id("abd")));
        assert_eq!(resolve("ABD0"), Resolution::One(id("abd")));
        assert_eq!(
            resolve("abc"),
            Resolution::Ambiguous(vec![id("abc1"), id("abc2")])
        );
        assert_eq!(resolve("abc2"), Resolution::One(id("abc2")));
        assert_eq!(resolve("000"), Resolution::One(id("0")));
        assert_eq!(resolve("f00"), Resolution::One(id("f")));
        assert_eq!(resolve("fff"), Resolution::None);
        let whole = id("abc1").to_string();
        assert_eq!(resolve(&whole), Resolution::One(id("abc1")));
        assert_eq!(resolve(&format!("{}1", &whole[..63])), Resolution::None);
    }

    #[test]
    fn a_refusal_names_what_was_typed_and_what_it_could_mean() {
        let many: Vec<_> = (0..20).map(|n| artifact(&format!("abc{n:02}"))).collect();
        let (_home, mut catalog) = catalog(&many);
        let error = catalog.expect_one(&"abc".parse().unwrap()).unwrap_err();
        assert_eq!(error.code(), "E_AMBIGUOUS_ID");
        let CatalogError::AmbiguousId { candidates, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(candidates.len(), MAX_CANDIDATES);
        assert!(error.to_string().contains(&id("abc00").to_string()));
        let error = catalog.expect_one(&"abd".parse().unwrap()).unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().contains("abd")),
            ("E_UNKNOWN_ID", true)
        );
        let found = catalog.expect_one(&"abc07".parse().unwrap()).unwrap();
        assert_eq!(found, many[7]);
    }
}
