use super::Local;
use crate::catalog::Access;
use crate::digest::IdPrefix;
use crate::service::{
    Call, PackageDetails, Problem, RegionDetails, SCHEMA, ServiceError, ViewReply,
};

impl Local {
    pub(super) fn view(&self, id: &IdPrefix, call: &Call<'_>) -> Result<ViewReply, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let id = catalog.expect_one(id)?.id;
        let mut reply = ViewReply {
            schema: SCHEMA,
            item: catalog.listed(&id)?.into(),
            verdict: catalog.verdict(&id)?,
            package: None,
            regions: Vec::new(),
            problem: None,
        };
        match catalog.manifest(&id, call.observer) {
            Ok((manifest, extents)) => {
                reply.regions = RegionDetails::all(&manifest, &extents);
                reply.package = Some(PackageDetails::from(&manifest));
            }
            Err(error) if error.is_about_artifact() => {
                reply.problem = Some(Problem {
                    code: error.code().to_owned(),
                    detail: error.to_string(),
                    hint: error.hint(),
                });
            }
            Err(error) => return Err(error.into()),
        }
        Ok(reply)
    }
}
