use std::borrow::Cow;

use rusqlite::Transaction;

use super::signers::{SignerLists, signers_of};
use super::{ListedSigner, short};
use crate::catalog::database::digest;
use crate::digest::Sha256Digest;

/// A look-up costs about as much as this many steps of the pass over everything.
const STEPS: u64 = 32;

/// What stands beside the artifacts' own rows in a listing.
///
/// For a page it is looked up for each artifact. For a large part of the catalog one pass over the IDs and
/// the signers in their common order is several times faster, and 24 bytes for each artifact are little.
#[derive(Debug)]
pub(super) enum Companions {
    Each,
    All(All),
}

/// What stands beside one artifact's row.
pub(super) struct Companion<'a> {
    /// How many digits of its ID are shown.
    pub(super) digits: usize,
    /// Who signed it.
    pub(super) signers: Cow<'a, [ListedSigner]>,
}

impl Companions {
    /// For listing `wanted` of `total` artifacts.
    pub(super) fn new(
        transaction: &Transaction<'_>,
        wanted: u64,
        total: u64,
    ) -> rusqlite::Result<Self> {
        if wanted.saturating_mul(STEPS) < total {
            Ok(Self::Each)
        } else {
            All::read(transaction).map(Self::All)
        }
    }

    /// What stands beside the artifact `id`, which has this row number; none if another one had it when
    /// the listing began.
    pub(super) fn of(
        &mut self,
        transaction: &Transaction<'_>,
        row: i64,
        id: &Sha256Digest,
    ) -> rusqlite::Result<Option<Companion<'_>>> {
        match self {
            Self::All(all) => Ok(all.of(row, id)),
            Self::Each => Ok(Some(Companion {
                digits: short::digits_of(transaction, id)?,
                signers: signers_of(transaction, id)?.into(),
            })),
        }
    }
}

/// The companions of all artifacts, by row number.
#[derive(Debug)]
pub(super) struct All {
    entries: Vec<Entry>,
    lists: Vec<Vec<ListedSigner>>,
    /// Where the next one is looked for first: listings often go from row to row.
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    row: i64,
    /// First bytes of the ID: row numbers are used again.
    start: u64,
    list: u32,
    digits: u8,
}

impl All {
    fn read(transaction: &Transaction<'_>) -> rusqlite::Result<Self> {
        let mut signers = transaction.prepare_cached(SignerLists::SELECT)?;
        let mut lists = SignerLists::new(transaction, signers.query([])?);
        let mut ids = transaction.prepare_cached("SELECT id, rowid FROM artifact ORDER BY id")?;
        let mut ids = ids.query([])?;
        let mut entries = Vec::<Entry>::new();
        let mut before = None;
        while let Some(row) = ids.next()? {
            let id = digest(row, 0)?;
            let needed = short::digits_needed(&id, before.iter());
            let digits = u8::try_from(needed).unwrap_or(u8::MAX);
            if let Some(last) = entries.last_mut() {
                last.digits = last.digits.max(digits);
            }
            entries.push(Entry {
                row: row.get(1)?,
                start: start(&id),
                list: lists.of(&id)?,
                digits,
            });
            before = Some(id);
        }
        entries.sort_unstable_by_key(|entry| entry.row);
        Ok(Self {
            entries,
            lists: lists.finish(),
            next: 0,
        })
    }

    fn of(&mut self, row: i64, id: &Sha256Digest) -> Option<Companion<'_>> {
        let expected = self.entries.get(self.next);
        let place = match expected.filter(|entry| entry.row == row) {
            Some(_) => self.next,
            None => (self.entries)
                .binary_search_by_key(&row, |entry| entry.row)
                .ok()?,
        };
        self.next = place.saturating_add(1);
        let entry = self.entries.get(place)?;
        if entry.start != start(id) {
            return None;
        }
        let list = usize::try_from(entry.list).ok();
        let signers = list.and_then(|list| self.lists.get(list));
        Some(Companion {
            digits: entry.digits.into(),
            signers: signers.map_or(&[][..], Vec::as_slice).into(),
        })
    }
}

/// The first bytes of an ID as a number.
fn start(id: &Sha256Digest) -> u64 {
    let first = id.as_bytes().first_chunk::<8>();
    first.map_or(0, |first| u64::from_be_bytes(*first))
}
