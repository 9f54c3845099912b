use super::{Local, dated};
use crate::catalog::{Access, Catalog, CatalogError, ReferenceKind, Resolution};
use crate::digest::{IdPrefix, PackageId};
use crate::service::{Call, PinReply, PinRequest, SCHEMA, ServiceError, UnpinRequest};

impl Local {
    pub(super) fn pin(
        &self,
        request: &PinRequest,
        call: &Call<'_>,
    ) -> Result<PinReply, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let id = catalog.expect_one(&request.id)?.id;
        let (kind, holder) = (ReferenceKind::Pin, call.actor);
        let changed = catalog.hold_reference(&id, kind, holder, &request.reason, &dated(call)?)?;
        reply(&mut catalog, id, changed)
    }

    pub(super) fn unpin(
        &self,
        request: &UnpinRequest,
        call: &Call<'_>,
    ) -> Result<PinReply, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let id = referenced(&mut catalog, &request.id)?;
        let holder = request.holder.as_deref().unwrap_or(call.actor);
        let kind = ReferenceKind::Pin;
        catalog.release_reference(&id, kind, holder, &request.reason, &dated(call)?)?;
        reply(&mut catalog, id, true)
    }
}

/// A listed artifact, or one that is not listed any more by its whole ID.
fn referenced(catalog: &mut Catalog, prefix: &IdPrefix) -> Result<PackageId, CatalogError> {
    if catalog.resolve(prefix)? == Resolution::None
        && let Ok(digest) = prefix.as_str().parse()
    {
        return Ok(PackageId::new(digest));
    }
    Ok(catalog.expect_one(prefix)?.id)
}

fn reply(catalog: &mut Catalog, id: PackageId, changed: bool) -> Result<PinReply, ServiceError> {
    let references = catalog.references(&id)?.into_iter();
    Ok(PinReply {
        schema: SCHEMA,
        id,
        changed,
        references: references.map(Into::into).collect(),
    })
}
