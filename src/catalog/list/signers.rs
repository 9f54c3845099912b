use std::collections::HashMap;

use rusqlite::{Rows, Transaction};

use super::ListedSigner;
use crate::catalog::database::{blob, digest};
use crate::digest::Sha256Digest;

/// Who signed one artifact, in the order of its signature.
pub(super) fn signers_of(
    transaction: &Transaction<'_>,
    id: &Sha256Digest,
) -> rusqlite::Result<Vec<ListedSigner>> {
    let mut statement = transaction.prepare_cached(
        "SELECT identity, subject FROM signer JOIN certificate ON certificate.sha256 = certificate
         WHERE artifact = ?1 ORDER BY position",
    )?;
    let signers = statement.query_map([blob(id)], |row| {
        Ok(ListedSigner {
            identity: row.get(0)?,
            subject: row.get(1)?,
        })
    })?;
    signers.collect()
}

/// Who signed each artifact, in one pass in the order of their IDs; every list that occurs is kept once.
pub(super) struct SignerLists<'t> {
    transaction: &'t Transaction<'t>,
    rows: Rows<'t>,
    /// The row that was read last and belongs to an artifact further on.
    ahead: Option<(Sha256Digest, u32)>,
    /// Every signer that occurs, and how they are found again.
    signers: Vec<ListedSigner>,
    known: HashMap<Sha256Digest, Vec<u32>>,
    /// Every list that occurs, by its signers.
    lists: HashMap<Vec<u32>, u32>,
    /// What came last is looked at first: most artifacts have the signers of their neighbour.
    last_signer: Option<(Sha256Digest, u32)>,
    last_list: Option<(Vec<u32>, u32)>,
}

impl<'t> SignerLists<'t> {
    /// What has to be read for it.
    pub(super) const SELECT: &'static str =
        "SELECT artifact, certificate, identity FROM signer ORDER BY artifact, position";

    pub(super) fn new(transaction: &'t Transaction<'t>, rows: Rows<'t>) -> Self {
        Self {
            transaction,
            rows,
            ahead: None,
            signers: Vec::new(),
            known: HashMap::new(),
            lists: HashMap::new(),
            last_signer: None,
            last_list: None,
        }
    }

    /// The number of the artifact's list; asked for in the order of the IDs.
    pub(super) fn of(&mut self, id: &Sha256Digest) -> rusqlite::Result<u32> {
        let mut list = Vec::new();
        loop {
            let (artifact, signer) = match self.ahead.take() {
                Some(ahead) => ahead,
                None => match self.read()? {
                    Some(read) => read,
                    None => break,
                },
            };
            if artifact > *id {
                self.ahead = Some((artifact, signer));
                break;
            }
            if artifact == *id {
                list.push(signer);
            }
        }
        if let Some((last, number)) = &self.last_list
            && *last == list
        {
            return Ok(*number);
        }
        let new = count(self.lists.len());
        let number = *self.lists.entry(list.clone()).or_insert(new);
        self.last_list = Some((list, number));
        Ok(number)
    }

    /// The lists, by number.
    pub(super) fn finish(self) -> Vec<Vec<ListedSigner>> {
        let signer = |number: &u32| self.signers.get(usize::try_from(*number).ok()?).cloned();
        let mut lists: Vec<_> = self.lists.iter().collect();
        lists.sort_unstable_by_key(|(_, number)| **number);
        let lists = lists.into_iter().map(|(list, _)| list);
        lists
            .map(|list| list.iter().filter_map(signer).collect())
            .collect()
    }

    fn read(&mut self) -> rusqlite::Result<Option<(Sha256Digest, u32)>> {
        let Some(row) = self.rows.next()? else {
            return Ok(None);
        };
        let (artifact, certificate) = (digest(row, 0)?, digest(row, 1)?);
        let identity = row.get_ref(2)?.as_str_or_null()?;
        let same = |number: &u32| {
            let signer = usize::try_from(*number)
                .ok()
                .and_then(|n| self.signers.get(n));
            signer.is_some_and(|signer| signer.identity.as_deref() == identity)
        };
        if let Some((last, number)) = self.last_signer
            && last == certificate
            && same(&number)
        {
            return Ok(Some((artifact, number)));
        }
        let known = self.known.entry(certificate).or_default();
        if let Some(number) = known.iter().copied().find(same) {
            self.last_signer = Some((certificate, number));
            return Ok(Some((artifact, number)));
        }
        let subject = self
            .transaction
            .prepare_cached("SELECT subject FROM certificate WHERE sha256 = ?1")?
            .query_row([blob(&certificate)], |row| row.get(0))?;
        let number = count(self.signers.len());
        self.signers.push(ListedSigner {
            identity: identity.map(str::to_owned),
            subject,
        });
        known.push(number);
        Ok(Some((artifact, number)))
    }
}

/// There are not four thousand million signers in a database.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
