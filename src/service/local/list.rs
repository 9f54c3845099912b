use super::Local;
use crate::catalog::Access;
use crate::service::{Call, Item, ListReply, ListRequest, SCHEMA, ServiceError};

impl Local {
    pub(super) fn list(
        &self,
        request: &ListRequest,
        call: &Call<'_>,
    ) -> Result<ListReply, ServiceError> {
        let page = self.catalog(Access::Read, call)?.list(request)?;
        Ok(ListReply {
            schema: SCHEMA,
            total: page.total,
            offset: request.offset,
            items: page.items.into_iter().map(Item::from).collect(),
        })
    }
}
