use std::io::Read as _;
use std::path::Path;

use super::{Artifact, Catalog, CatalogError};
use crate::digest::{PackageId, Sha256Digest};
use crate::fsio::{FsError, LockKind, RegionReader};
use crate::isi_file::Extent;
use crate::manifest::{Manifest, RegionKind};
use crate::package::{OpenError, Package, Unverified};
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
        let (artifact, package) = self.open_recorded(id, progress)?;
        let label = self.layout.artifact_file(id);
        let refused = |source| refused(&label, source);
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

    /// The manifest of an artifact, which is the one that was verified on import, and where the regions lie.
    pub fn manifest(
        &mut self,
        id: &PackageId,
        progress: &dyn Progress,
    ) -> Result<(Manifest, Vec<Extent>), CatalogError> {
        let (_, package) = self.open_recorded(id, progress)?;
        let label = self.layout.artifact_file(id);
        package.inspect().map_err(|source| refused(&label, source))
    }

    /// Opens an artifact whose manifest is the one on record.
    fn open_recorded(
        &mut self,
        id: &PackageId,
        progress: &dyn Progress,
    ) -> Result<(Artifact, Package<Unverified>), CatalogError> {
        let (artifact, file) = {
            let _shared = self.hold(LockKind::Shared, progress)?;
            let artifact = self.artifact(id)?;
            (artifact, self.layout.open_artifact(id)?)
        };
        let file = file.ok_or(CatalogError::ArtifactMissing { id: *id })?;
        let label = self.layout.artifact_file(id);
        let package = Package::open(file).map_err(|source| refused(&label, source))?;
        let found = &package.envelope().manifest;
        expect_same(&artifact, "manifest", artifact.manifest, found)?;
        Ok((artifact, package))
    }
}

fn refused(label: &Path, source: OpenError) -> CatalogError {
    CatalogError::Open {
        label: label.to_owned(),
        source: Box::new(source),
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
