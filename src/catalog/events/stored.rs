use serde::{Deserialize, Serialize};

use super::Head;
use crate::digest::{Hasher, Sha256Digest};

/// First bytes of what is hashed; a change of the form needs a new number.
const DOMAIN: &[u8] = b"isi-catalog event 1\n";

/// An entry of the event log exactly as it is stored, so that its hash can be computed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalog) struct Stored {
    /// Position in the log, from 1 on without gaps.
    pub(in crate::catalog) sequence: u64,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(in crate::catalog) time: i64,
    /// What happened.
    pub(in crate::catalog) kind: String,
    /// The artifact's ID, or empty.
    pub(in crate::catalog) subject: String,
    /// Who did it.
    pub(in crate::catalog) actor: String,
    /// The text of a JSON object, to the letter.
    pub(in crate::catalog) details: String,
    /// Hash of the entry before, zero for the first.
    pub(in crate::catalog) previous: Sha256Digest,
    /// Hash of this entry.
    pub(in crate::catalog) hash: Sha256Digest,
}

impl Stored {
    /// With the hash that its content has.
    pub(super) fn sealed(self) -> Self {
        let hash = self.computed();
        Self { hash, ..self }
    }

    /// Whether its content has the hash it carries.
    pub(in crate::catalog) fn is_intact(&self) -> bool {
        self.computed() == self.hash
    }

    /// Its position and hash.
    pub(super) fn place(&self) -> Head {
        Head {
            sequence: self.sequence,
            hash: self.hash,
        }
    }

    /// The hash as `format-spec/catalog.md` defines it.
    fn computed(&self) -> Sha256Digest {
        let mut hasher = Hasher::new();
        hasher.update(DOMAIN);
        hasher.update(self.previous.as_bytes());
        hasher.update(&self.sequence.to_le_bytes());
        hasher.update(&self.time.to_le_bytes());
        for text in [&self.kind, &self.subject, &self.actor, &self.details] {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            hasher.update(&length.to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_the_specification_works_out() {
        let zero = Sha256Digest::from_bytes([0; Sha256Digest::LENGTH]);
        let event = Stored {
            sequence: 1,
            time: 1_767_225_600_000_000,
            kind: "import".to_owned(),
            subject: String::new(),
            actor: "root".to_owned(),
            details: "{}".to_owned(),
            previous: zero,
            hash: zero,
        };
        let event = event.sealed();
        let specification = include_str!("../../../format-spec/catalog.md");
        let hash = event.hash.to_string();
        assert!(specification.contains(&format!("    {hash}\n")), "{hash}");
        let line = serde_json::to_string(&event).unwrap();
        assert!(specification.contains(&format!("    {line}\n")), "{line}");
    }
}
