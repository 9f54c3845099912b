use super::Local;
use crate::catalog::Access;
use crate::service::{Call, OneOf, ReadmeReply, SCHEMA, ServiceError};

impl Local {
    pub(super) fn readme(
        &self,
        request: &OneOf,
        call: &Call<'_>,
    ) -> Result<ReadmeReply, ServiceError> {
        let (item, readme) = match request {
            OneOf::File(package) => {
                let verified = self.verify_file(package, None, call)?;
                let readme = verified.readme().map_err(|source| ServiceError::Open {
                    label: package.label.clone(),
                    source,
                })?;
                (package.label.display().to_string(), readme)
            }
            OneOf::Id(prefix) => {
                let mut catalog = self.catalog(Access::Read, call)?;
                let id = catalog.expect_one(prefix)?.id;
                let readme = catalog.readme(&id, call.observer)?;
                (catalog.short_id(&id)?, readme)
            }
        };
        Ok(ReadmeReply {
            schema: SCHEMA,
            item,
            readme,
        })
    }
}
