use super::Local;
use crate::service::{
    Call, SCHEMA, ServiceError, TrustCheckReply, TrustCheckRequest, TrustShowReply,
};
use crate::trust::Severity;

impl Local {
    pub(super) fn trust_show(&self, call: &Call<'_>) -> Result<TrustShowReply, ServiceError> {
        Ok(TrustShowReply {
            schema: SCHEMA,
            items: self.trust()?.items(call.now),
        })
    }

    pub(super) fn trust_check(
        &self,
        request: &TrustCheckRequest,
        call: &Call<'_>,
    ) -> Result<TrustCheckReply, ServiceError> {
        let findings = self.trust()?.findings(call.now, request.within);
        let problems = findings
            .iter()
            .filter(|finding| finding.severity != Severity::Note)
            .count();
        Ok(TrustCheckReply {
            schema: SCHEMA,
            problems: u64::try_from(problems).unwrap_or(u64::MAX),
            findings,
        })
    }
}
