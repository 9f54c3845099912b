use std::collections::HashMap;

use rusqlite::{Transaction, params};

use super::database::{ARTIFACT_COLUMNS, artifact_of, blob, digest};
use super::{Artifact, Catalog, CatalogError};
use crate::digest::{PackageId, Sha256Digest};
use crate::release::PackageType;

/// Fewest digits of an ID that are shown.
const MIN_SHOWN_DIGITS: usize = 5;

/// Which artifacts to list, and in which order.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Only packages of this type.
    pub package_type: Option<PackageType>,
    /// What to order by.
    pub order: Order,
    /// Last first.
    pub descending: bool,
    /// Most artifacts to return.
    pub limit: Option<u64>,
    /// How many to leave out before the first.
    pub offset: u64,
}

/// What a listing is ordered by; ties are broken by the ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The time of import.
    #[default]
    Imported,
    /// The name, then the version.
    Name,
    /// The type, then the name, then the version.
    Type,
    /// The version by its rank, then the name.
    Version,
    /// The ID.
    Id,
    /// The length of the file.
    Size,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 6] = [
        Self::Imported,
        Self::Name,
        Self::Type,
        Self::Version,
        Self::Id,
        Self::Size,
    ];

    /// The word used in flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Name => "name",
            Self::Type => "type",
            Self::Version => "version",
            Self::Id => "id",
            Self::Size => "size",
        }
    }

    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Imported => &["imported_at", "artifact.rowid"],
            Self::Name => &["name", "version_key", "artifact.id"],
            Self::Type => &["type", "name", "version_key", "artifact.id"],
            Self::Version => &["version_key", "name", "artifact.id"],
            Self::Id => &["artifact.id"],
            Self::Size => &["size", "artifact.id"],
        }
    }
}

/// Part of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many artifacts there are without limit and offset.
    pub total: u64,
    /// The artifacts asked for.
    pub items: Vec<Listed>,
}

/// One artifact of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What is on record.
    pub artifact: Artifact,
    /// The shortest beginning of its ID, of five digits or more, that no other artifact has.
    pub short_id: String,
    /// Who signed it.
    pub signers: Vec<ListedSigner>,
}

/// Who signed an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSigner {
    /// The rule of the identities file that matched.
    pub identity: Option<String>,
    /// Subject of the certificate.
    pub subject: String,
}

impl Catalog {
    /// Lists artifacts as they are on record; nothing is verified anew.
    pub fn list(&mut self, request: &ListRequest) -> Result<Page, CatalogError> {
        self.database.read("list the artifacts", |transaction| {
            list(transaction, request)
        })
    }

    /// All IDs in their order, with the shortest unique beginning of each.
    pub fn ids(&mut self) -> Result<Vec<(PackageId, String)>, CatalogError> {
        self.database.read("list the artifacts", |transaction| {
            let ids = all_ids(transaction)?;
            let short = |(index, id): (usize, &Sha256Digest)| {
                (PackageId::new(*id), shortened(&ids, index, id))
            };
            Ok(ids.iter().enumerate().map(short).collect())
        })
    }

    /// One artifact as [`Catalog::list`] gives it.
    pub fn listed(&mut self, id: &PackageId) -> Result<Listed, CatalogError> {
        let (artifact, short_id) = (self.artifact(id)?, self.short_id(id)?);
        let signers = self.database.read("list the signers", |transaction| {
            signers(transaction, std::slice::from_ref(&artifact), false)
        })?;
        Ok(Listed {
            signers: signers.into_values().flatten().collect(),
            artifact,
            short_id,
        })
    }

    /// The shortest beginning of `id`, of five digits or more, that no other artifact has.
    pub fn short_id(&mut self, id: &PackageId) -> Result<String, CatalogError> {
        let id = id.digest();
        self.database.read("list the artifacts", |transaction| {
            let mut neighbours = Vec::new();
            for statement in [
                "SELECT id FROM artifact WHERE id < ?1 ORDER BY id DESC LIMIT 1",
                "SELECT id FROM artifact WHERE id > ?1 ORDER BY id LIMIT 1",
            ] {
                let mut statement = transaction.prepare_cached(statement)?;
                let found = statement.query_map([blob(&id)], |row| digest(row, 0))?;
                neighbours.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            Ok(cut(&id, digits_needed(&id, neighbours.iter())))
        })
    }
}

fn list(transaction: &Transaction<'_>, request: &ListRequest) -> rusqlite::Result<Page> {
    let kind = request.package_type.map(PackageType::name);
    let total: i64 = transaction
        .prepare_cached("SELECT count(*) FROM artifact WHERE ?1 IS NULL OR type = ?1")?
        .query_row([kind], |row| row.get(0))?;
    let direction = if request.descending { " DESC" } else { "" };
    let order: Vec<String> = (request.order.columns().iter())
        .map(|column| format!("{column}{direction}"))
        .collect();
    let mut statement = transaction.prepare_cached(&format!(
        "SELECT {ARTIFACT_COLUMNS} FROM artifact WHERE ?1 IS NULL OR type = ?1
         ORDER BY {} LIMIT ?2 OFFSET ?3",
        order.join(", ")
    ))?;
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let limit = request.limit.map_or(-1, whole);
    let artifacts = statement
        .query_map(params![kind, limit, whole(request.offset)], artifact_of)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let everything = request.limit.is_none() && request.package_type.is_none();
    let mut signers = signers(transaction, &artifacts, everything)?;
    let ids = all_ids(transaction)?;
    let items = artifacts.into_iter().map(|artifact| {
        let id = artifact.id.digest();
        let index = ids.binary_search(&id).unwrap_or_else(|place| place);
        Listed {
            short_id: shortened(&ids, index, &id),
            signers: signers.remove(&id).unwrap_or_default(),
            artifact,
        }
    });
    Ok(Page {
        total: u64::try_from(total).unwrap_or(0),
        items: items.collect(),
    })
}

/// Who signed the artifacts: one look at each for a page, one pass over the table for everything.
fn signers(
    transaction: &Transaction<'_>,
    artifacts: &[Artifact],
    everything: bool,
) -> rusqlite::Result<HashMap<Sha256Digest, Vec<ListedSigner>>> {
    const SELECT: &str = "SELECT artifact, identity, subject FROM signer
        JOIN certificate ON certificate.sha256 = signer.certificate";
    let mut signers = HashMap::<_, Vec<_>>::new();
    let mut take = |row: &rusqlite::Row<'_>| {
        let signer = ListedSigner {
            identity: row.get(1)?,
            subject: row.get(2)?,
        };
        signers.entry(digest(row, 0)?).or_default().push(signer);
        Ok::<_, rusqlite::Error>(())
    };
    if everything {
        let mut statement =
            transaction.prepare_cached(&format!("{SELECT} ORDER BY artifact, position"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(row)?;
        }
    } else {
        let mut statement = transaction
            .prepare_cached(&format!("{SELECT} WHERE artifact = ?1 ORDER BY position"))?;
        for artifact in artifacts {
            let mut rows = statement.query([blob(&artifact.id.digest())])?;
            while let Some(row) = rows.next()? {
                take(row)?;
            }
        }
    }
    Ok(signers)
}

/// All IDs in their order; from the index alone, which is a few megabytes for 100,000 of them.
fn all_ids(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Sha256Digest>> {
    let mut statement = transaction.prepare_cached("SELECT id FROM artifact ORDER BY id")?;
    let ids = statement.query_map([], |row| digest(row, 0))?;
    ids.collect()
}

/// The shortest unique beginning of `id`, which is or would be at `index` of the sorted `ids`.
fn shortened(ids: &[Sha256Digest], index: usize, id: &Sha256Digest) -> String {
    let before = index.checked_sub(1).and_then(|before| ids.get(before));
    let after = ids.get(index.saturating_add(1));
    cut(id, digits_needed(id, before.into_iter().chain(after)))
}

fn cut(id: &Sha256Digest, digits: usize) -> String {
    let mut text = id.to_string();
    text.truncate(digits);
    text
}

/// One digit more than `id` has in common with any of its neighbours.
fn digits_needed<'a>(
    id: &Sha256Digest,
    neighbours: impl Iterator<Item = &'a Sha256Digest>,
) -> usize {
    neighbours
        .map(|other| common_digits(id, other).saturating_add(1))
        .fold(MIN_SHOWN_DIGITS, usize::max)
}

fn common_digits(left: &Sha256Digest, right: &Sha256Digest) -> usize {
    let mut pairs = left.as_bytes().iter().zip(right.as_bytes());
    let bytes = pairs
        .by_ref()
        .take_while(|(left, right)| left == right)
        .count();
    let next = left.as_bytes().get(bytes).zip(right.as_bytes().get(bytes));
    let half = next.is_some_and(|(left, right)| left >> 4 == right >> 4);
    2 * bytes + usize::from(half)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{artifact, catalog, id};
    use super::*;
    use jiff::Timestamp;

    fn short_ids(digits: &[&str]) -> Vec<String> {
        let artifacts: Vec<_> = digits.iter().map(|digits| artifact(digits)).collect();
        let (_home, mut catalog) = catalog(&artifacts);
        let page = catalog.list(&ListRequest::default()).unwrap();
        let listed: Vec<_> = page
            .items
            .iter()
            .map(|item| item.short_id.clone())
            .collect();
        // Three ways to the same answer.
        let ids: HashMap<_, _> = catalog.ids().unwrap().into_iter().collect();
        for item in &page.items {
            assert_eq!(ids[&item.artifact.id], item.short_id);
            assert_eq!(catalog.short_id(&item.artifact.id).unwrap(), item.short_id);
            assert_eq!(catalog.listed(&item.artifact.id).unwrap(), *item);
        }
        listed
    }

    #[test]
    fn shown_ids_have_five_digits_or_as_many_as_it_takes() {
        assert_eq!(short_ids(&["cdb88"]), ["cdb88"]);
        assert_eq!(short_ids(&["cdb88", "cdb89"]), ["cdb88", "cdb89"]);
        assert_eq!(
            short_ids(&["abcde1", "abcde2", "abcde21", "b"]),
            ["abcde1", "abcde20", "abcde21", "b0000"]
        );
        let (left, right) = ("f".repeat(64), format!("{}e", "f".repeat(63)));
        assert_eq!(short_ids(&[&left, &right]), [left.clone(), right.clone()]);
    }

    #[test]
    fn a_page_is_part_of_the_whole_and_knows_its_size() {
        let artifacts: Vec<_> = (10..35)
            .map(|number| artifact(&number.to_string()))
            .collect();
        let (_home, mut catalog) = catalog(&artifacts);
        let whole = catalog.list(&ListRequest::default()).unwrap();
        assert_eq!((whole.total, whole.items.len()), (25, 25));
        let mut pages = Vec::new();
        for offset in [0, 10, 20, 30] {
            let request = ListRequest {
                limit: Some(10),
                offset,
                ..ListRequest::default()
            };
            let page = catalog.list(&request).unwrap();
            assert_eq!(page.total, 25);
            pages.extend(page.items);
        }
        assert_eq!(pages, whole.items);
        let none = ListRequest {
            limit: Some(0),
            ..ListRequest::default()
        };
        assert_eq!(catalog.list(&none).unwrap().items, []);
        let past = ListRequest {
            offset: u64::MAX,
            limit: Some(u64::MAX),
            ..ListRequest::default()
        };
        assert_eq!(catalog.list(&past).unwrap().items, []);
    }

    #[test]
    fn orders_are_total_and_can_be_turned_round() {
        let one = |digits, name: &str, version: &str, kind, size, second| Artifact {
            name: name.to_owned(),
            version: version.parse().unwrap(),
            package_type: kind,
            size,
            imported_at: Timestamp::from_second(second).unwrap(),
            ..artifact(digits)
        };
        let (_home, mut catalog) = catalog(&[
            one("a", "b", "9.10", PackageType::Patch, 3, 50),
            one("b", "b", "9.4", PackageType::Onefs, 2, 30),
            one("c", "a", "9.4-rc.1", PackageType::Dsp, 1, 40),
        ]);
        for (order, expected) in [
            (Order::Imported, "bca"),
            (Order::Name, "cba"),
            (Order::Type, "cba"),
            (Order::Version, "cba"),
            (Order::Id, "abc"),
            (Order::Size, "cba"),
        ] {
            let mut request = ListRequest {
                order,
                ..ListRequest::default()
            };
            let mut shown = |request: &ListRequest| -> String {
                let page = catalog.list(request).unwrap();
                page.items
                    .iter()
                    .map(|item| item.short_id.first_digit())
                    .collect()
            };
            assert_eq!(shown(&request), expected, "{order:?}");
            request.descending = true;
            let turned: String = expected.chars().rev().collect();
            assert_eq!(shown(&request), turned, "{order:?}");
        }
    }

    #[test]
    fn a_type_can_be_asked_for_and_the_signers_come_along() {
        let patch = Artifact {
            package_type: PackageType::Patch,
            ..artifact("a")
        };
        let (_home, mut catalog) = catalog(&[patch.clone(), artifact("b")]);
        let request = ListRequest {
            package_type: Some(PackageType::Patch),
            ..ListRequest::default()
        };
        let page = catalog.list(&request).unwrap();
        assert_eq!(page.total, 1);
        assert_eq!(page.items[0].artifact, patch);
        let names: Vec<_> = page.items[0]
            .signers
            .iter()
            .map(|signer| &*signer.subject)
            .collect();
        assert_eq!(names, ["CN=release", "CN=approval"]);
        let whole = catalog.list(&ListRequest::default()).unwrap();
        assert_eq!(whole.items[0].signers, page.items[0].signers);
        assert_eq!(whole.items[1].artifact.id, id("b"));
    }

    /// First letter of a short ID, to write orders as words.
    trait First {
        fn first_digit(&self) -> char;
    }

    impl First for String {
        fn first_digit(&self) -> char {
            self.chars().next().unwrap()
        }
    }
}
