use std::collections::BTreeSet;

use jiff::Timestamp;

use super::TrustStore;
use super::chain::Anchors;
use crate::digest::{Hasher, Sha256Digest};

/// First bytes of what is hashed; a change of the form needs a new number.
const DOMAIN: &[u8] = b"isi-catalog trust 1\n";

impl TrustStore {
    /// Names what is trusted, so that a verdict made under it is known to hold still.
    ///
    /// The same certificates, lists and identities have the same fingerprint, whatever their files are
    /// called. Lists count with whether they are in force at `now`: the day on which one runs out
    /// changes verdicts like a new file does. `format-spec/catalog.md` says what is hashed.
    pub fn fingerprint(&self, now: Timestamp) -> Sha256Digest {
        let crls = self.crls.as_ref().map(|crls| {
            let entries = crls.iter().map(|crl| {
                // What was read from DER can be written as DER.
                let sha256 = crl.sha256().unwrap_or(Sha256Digest::of(&[]));
                let mut entry = sha256.as_bytes().to_vec();
                entry.push(u8::from(crl.is_fresh(now)));
                entry
            });
            entries.collect()
        });
        let mut hasher = Hasher::new();
        hasher.update(DOMAIN);
        hasher.update(self.identities.sha256.as_bytes());
        add(&mut hasher, Some(certificates(&self.anchors)));
        add(&mut hasher, self.tsa_anchors.as_ref().map(certificates));
        add(&mut hasher, crls);
        hasher.finish()
    }
}

fn certificates(anchors: &Anchors) -> BTreeSet<Vec<u8>> {
    let certificates = anchors.certificates.iter();
    certificates
        .map(|certificate| Sha256Digest::of(&certificate.der).as_bytes().to_vec())
        .collect()
}

/// A directory that is not configured is another thing than one that holds nothing.
fn add(hasher: &mut Hasher, entries: Option<BTreeSet<Vec<u8>>>) {
    let count = entries.as_ref().map_or(u64::MAX, |entries| {
        u64::try_from(entries.len()).unwrap_or(u64::MAX)
    });
    hasher.update(&count.to_le_bytes());
    for entry in entries.into_iter().flatten() {
        hasher.update(&entry);
    }
}
