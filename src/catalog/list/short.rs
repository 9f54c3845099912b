//! How much of an ID is shown: enough to tell it from all others in the catalog.

use data_encoding::HEXLOWER;
use rusqlite::Transaction;

use crate::catalog::database::{blob, digest};
use crate::digest::Sha256Digest;

/// Fewest digits of an ID that are shown.
const MIN_SHOWN_DIGITS: usize = 5;

/// The beginning of `id` with this many digits.
pub(super) fn cut(id: &Sha256Digest, digits: usize) -> String {
    let bytes = id.as_bytes();
    let start = bytes.get(..digits.div_ceil(2)).unwrap_or(bytes);
    let mut text = HEXLOWER.encode(start);
    text.truncate(digits);
    text
}

/// How many digits of `id` are shown, by its neighbours in the database.
pub(super) fn digits_of(
    transaction: &Transaction<'_>,
    id: &Sha256Digest,
) -> rusqlite::Result<usize> {
    let mut neighbours = Vec::new();
    for statement in [
        "SELECT id FROM artifact WHERE id < ?1 ORDER BY id DESC LIMIT 1",
        "SELECT id FROM artifact WHERE id > ?1 ORDER BY id LIMIT 1",
    ] {
        let mut statement = transaction.prepare_cached(statement)?;
        let found = statement.query_map([blob(id)], |row| digest(row, 0))?;
        neighbours.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    Ok(digits_needed(id, neighbours.iter()))
}

/// One digit more than `id` has in common with any of its neighbours.
pub(super) fn digits_needed<'a>(
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
