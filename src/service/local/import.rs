use super::{Local, context};
use crate::catalog::{self, Access, Source};
use crate::fsio::regular_length;
use crate::service::{
    Call, ImportReply, ImportRequest, PackageSource, PackageStream, SCHEMA, ServiceError,
};

impl Local {
    pub(super) fn import(
        &self,
        request: ImportRequest,
        call: &Call<'_>,
    ) -> Result<ImportReply, ServiceError> {
        let mut package = request.package;
        if let PackageSource::File(package) = &package {
            // What is no file is refused before anything is made for it.
            regular_length(&package.file, &package.label)?;
        }
        let (source, label) = match &mut package {
            PackageSource::File(package) => (Source::File(&package.file), &package.label),
            PackageSource::Stream(PackageStream {
                reader,
                label,
                limit,
            }) => {
                let (reader, limit) = (&mut **reader, *limit);
                (Source::Stream { reader, limit }, &*label)
            }
        };
        let trust = self.trust()?;
        let mut catalog = self.catalog(Access::Write, call)?;
        let import = catalog::ImportRequest {
            label,
            trust: &trust,
            unsigned: request.allow_unsigned.as_deref(),
        };
        let imported = catalog.import(source, &import, &context(call))?;
        Ok(ImportReply {
            schema: SCHEMA,
            outcome: imported.outcome,
            item: catalog.listed(&imported.artifact.id)?.into(),
            verdict: imported.verdict,
        })
    }
}
