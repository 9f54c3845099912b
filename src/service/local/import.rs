use super::{Local, context};
use crate::catalog::{self, Access};
use crate::fsio::regular_length;
use crate::service::{Call, ImportReply, ImportRequest, SCHEMA, ServiceError};

impl Local {
    pub(super) fn import(
        &self,
        request: &ImportRequest,
        call: &Call<'_>,
    ) -> Result<ImportReply, ServiceError> {
        // What is no file is refused before anything is made for it.
        regular_length(&request.package.file, &request.package.label)?;
        let trust = self.trust()?;
        let mut catalog = self.catalog(Access::Write, call)?;
        let import = catalog::ImportRequest {
            source: &request.package.file,
            label: &request.package.label,
            trust: &trust,
            unsigned: request.allow_unsigned.as_deref(),
        };
        let imported = catalog.import(&import, &context(call))?;
        Ok(ImportReply {
            schema: SCHEMA,
            outcome: imported.outcome,
            item: catalog.listed(&imported.artifact.id)?.into(),
            verdict: imported.verdict,
        })
    }
}
