use jiff::Timestamp;

use super::{Artifact, CatalogError, State};
use crate::digest::{PackageId, Sha256Digest};
use crate::isi_file::Envelope;
use crate::manifest::{Manifest, RegionKind};

/// A package whose content is known to be what its ID names.
pub(super) struct Content<'a> {
    pub(super) id: PackageId,
    /// Digest of the footer.
    pub(super) footer: Sha256Digest,
    pub(super) envelope: &'a Envelope,
    pub(super) manifest: &'a Manifest,
}

impl Content<'_> {
    /// What a row says of the package, verified at `now` and imported then.
    ///
    /// `unsigned` is why it was let in, if nobody signed it; `signed_at` is what its verified timestamp
    /// says.
    pub(super) fn describe(
        &self,
        unsigned: Option<&str>,
        signed_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Artifact, CatalogError> {
        let manifest = self.manifest;
        let limit = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
        if manifest.release_counter > limit {
            let (field, found) = ("release-counter", manifest.release_counter);
            return Err(CatalogError::TooLarge {
                field,
                found,
                limit,
            });
        }
        let signed = !self.envelope.signature.is_empty();
        let mut regions = manifest.regions.iter();
        Ok(Artifact {
            id: self.id,
            package_type: manifest.package_type,
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            build: manifest.build.clone(),
            description: manifest.description.clone(),
            product: manifest.product.clone(),
            architecture: manifest.architecture.clone(),
            branch: manifest.branch.clone(),
            release_counter: manifest.release_counter,
            created: manifest.created,
            size: self.envelope.footer.file_length,
            readme: regions.any(|region| region.kind == RegionKind::Readme),
            signed,
            unsigned_reason: (!signed).then(|| unsigned.unwrap_or_default().to_owned()),
            signed_at,
            manifest: Sha256Digest::of(&self.envelope.manifest),
            footer: self.footer,
            imported_at: now,
            state: if signed {
                State::Verified
            } else {
                State::Unsigned
            },
            state_code: None,
            checked_at: now,
        })
    }
}
