use crate::digest::Sha256Digest;

/// Half of a SHA-256, for things that are only compared and of which there are many.
///
/// Nothing is let in because two of them are the same: that is for whole digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Half([u8; 16]);

impl From<Sha256Digest> for Half {
    fn from(digest: Sha256Digest) -> Self {
        Self(digest.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}
