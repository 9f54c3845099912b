use super::{Local, dated};
use crate::catalog::{self, Access};
use crate::service::{Call, ExportReply, ExportRequest, ExportTarget, SCHEMA, ServiceError};

impl Local {
    pub(super) fn export(
        &self,
        request: &ExportRequest,
        call: &Call<'_>,
    ) -> Result<ExportReply, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let artifact = catalog.expect_one(&request.id)?;
        let target = match &request.target {
            ExportTarget::File(file) => file.clone(),
            ExportTarget::Directory(directory) => directory.join(artifact.file_name()),
        };
        let export = catalog::ExportRequest {
            id: artifact.id,
            target: &target,
            on_existing: request.on_existing,
            side_file: request.side_file,
            trust: &self.trust()?,
            override_reason: request.override_reason.as_deref(),
        };
        let exported = catalog.export(&export, &dated(call)?)?;
        Ok(ExportReply {
            schema: SCHEMA,
            id: artifact.id,
            size: artifact.size,
            file: exported.target,
            side_file: exported.side_file,
            overridden: exported.overridden,
        })
    }
}
