//! The files that the catalog should hold: a list instead of a map, because it may have every file in it.

use crate::catalog::repair::survey::{Found, Judged};
use crate::digest::PackageId;

/// For each artifact the file it is in.
#[derive(Default)]
pub(super) struct Kept<'a> {
    /// Those among the artifacts, by their IDs.
    artifacts: Vec<&'a Found>,
    /// Those in quarantine, by their IDs.
    quarantine: Vec<&'a Found>,
}

impl<'a> Kept<'a> {
    /// Adds the file of an artifact; those of each of the two directories come by their IDs.
    pub(super) fn push(&mut self, found: &'a Found) {
        if found.is_in_quarantine() {
            self.quarantine.push(found);
        } else {
            self.artifacts.push(found);
        }
    }

    /// Whether there is a file of this artifact.
    pub(super) fn contains(&self, id: &PackageId) -> bool {
        [&self.artifacts, &self.quarantine].iter().any(|list| {
            let found = list.binary_search_by_key(&Some(*id), |found| id_of(found));
            found.is_ok()
        })
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a Found, &'a Judged)> {
        let all = self.artifacts.iter().chain(&self.quarantine);
        all.filter_map(|found| Some((*found, found.judged()?)))
    }
}

fn id_of(found: &Found) -> Option<PackageId> {
    found.judged().map(|judged| judged.id)
}
