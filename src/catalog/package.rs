use super::examine::footer_digest;
use super::{Artifact, Catalog, CatalogError, Context};
use crate::digest::PackageId;
use crate::fsio::LockKind;
use crate::package::{Hashing, OpenError, Package, Verified, VerifyError, VerifyRequest};
use crate::trust::TrustStore;

impl Catalog {
    /// Opens an artifact for use: judged under the trust of now, its payload not read.
    ///
    /// Every byte of it was compared when it was imported, and the footer on record says that it is still
    /// that file; what is read of it is compared once more at that moment. One that was found damaged is
    /// read from end to end first.
    pub fn package(
        &mut self,
        id: &PackageId,
        trust: &TrustStore,
        context: &Context<'_>,
    ) -> Result<Package<Verified>, CatalogError> {
        let artifact = self.artifact(id)?;
        let file = {
            let _shared = self.hold(LockKind::Shared, context.progress)?;
            self.layout.open_artifact(id)?
        };
        let file = file.ok_or(CatalogError::ArtifactMissing { id: *id })?;
        let label = self.layout.artifact_file(id);
        let found = footer_digest(&file).map_err(|source| CatalogError::Open {
            label: label.clone(),
            source: Box::new(OpenError::Read(source)),
        })?;
        if found != artifact.footer {
            let expected = artifact.footer;
            return Err(CatalogError::corrupt(*id, "footer", expected, found));
        }
        let opened = Package::open(file).map_err(VerifyError::from);
        opened
            .and_then(|package| judge(package, &artifact, trust, context))
            .map_err(|source| match source {
                VerifyError::Cancelled => CatalogError::Cancelled,
                source => CatalogError::Verify { label, source },
            })
    }
}

fn judge(
    package: Package,
    artifact: &Artifact,
    trust: &TrustStore,
    context: &Context<'_>,
) -> Result<Package<Verified>, VerifyError> {
    let request = VerifyRequest {
        now: context.now,
        hashing: Hashing::Chunks,
        unsigned: artifact.unsigned_reason.as_deref(),
        progress: context.progress,
    };
    if artifact.state.is_whole() {
        package.authenticate(trust, &request)?.defer_regions()
    } else {
        package.verify(trust, &request)
    }
}
