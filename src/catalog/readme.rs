use std::io::Read as _;

use super::{Artifact, Catalog, CatalogError};
use crate::digest::{PackageId, Sha256Digest};
use crate::fsio::{FsError, LockKind, RegionReader};
use crate::manifest::RegionKind;
use crate::package::{OpenError, Package};
use crate::progress::Progress;

impl Catalog {
    /// The README of an artifact, if it has one.
    ///
    /// The rest of the package is not read: the manifest has to be the one that was verified on import,
    /// and the README the one that this manifest names.
    pub fn readme(
        &mut self,
        id: &PackageId,
        progress: &dyn Progress,
    ) -> Result<Option<String>, CatalogError> {
        let (artifact, file) = {
            let _shared = self.hold(LockKind::Shared, progress)?;
            let artifact = self.artifact(id)?;
            (artifact, self.layout.open_artifact(id)?)
        };
        let file = file.ok_or(CatalogError::ArtifactMissing { id: *id })?;
        let label = self.layout.artifact_file(id);
        let refused = |source| CatalogError::Open {
            label: label.clone(),
            source: Box::new(source),
        };
        let package = Package::open(file).map_err(refused)?;
        expect_same(
            &artifact,
            "manifest",
            artifact.manifest,
            &package.envelope().manifest,
        )?;
        let (manifest, extents) = package.inspect().map_err(refused)?;
        let mut regions = manifest.regions.iter().zip(extents);
        let Some((region, extent)) = regions.find(|(region, _)| region.kind == RegionKind::Readme)
        else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        RegionReader::new(package.file(), extent.offset, extent.length)
            .read_to_end(&mut bytes)
            .map_err(FsError::system("read", &label))?;
        expect_same(&artifact, "README", region.sha256, &bytes)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid_up_to = error.utf8_error().valid_up_to();
            refused(OpenError::Readme { valid_up_to })
        });
        text.map(Some)
    }
}

fn expect_same(
    artifact: &Artifact,
    part: &'static str,
    expected: Sha256Digest,
    bytes: &[u8],
) -> Result<(), CatalogError> {
    let (id, found) = (artifact.id, Sha256Digest::of(bytes));
    if found == expected {
        Ok(())
    } else {
        Err(CatalogError::corrupt(id, part, expected, found))
    }
}
