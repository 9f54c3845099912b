use super::super::warn;
use super::{Local, journals, run};
use crate::service::{
    Call, CheckReply, CommitPreviewReply, CommitReply, RollbackPreviewReply, RollbackRequest,
    SCHEMA, ServiceError, Target, UpgradeStatus,
};
use crate::system::System;
use crate::upgrade::{
    check, commit, has_rolled_back, notice_rollback, preview_commit, preview_rollback, rollback,
};

impl Local {
    pub(crate) fn upgrade_check(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<CheckReply, ServiceError> {
        let system = self.system(target)?;
        let _held = self.hold(&system, call)?;
        let journals = journals(&system)?;
        let mut machine = self.machine(&system, target)?;
        let report = check(&mut machine, &journals, run(call))?;
        Ok(CheckReply {
            schema: SCHEMA,
            root: system.root().path().to_owned(),
            passed: report.passed(),
            report,
        })
    }

    pub(crate) fn upgrade_commit_preview(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<CommitPreviewReply, ServiceError> {
        let system = self.system(target)?;
        let journals = journals(&system)?;
        let mut machine = self.machine(&system, target)?;
        Ok(CommitPreviewReply {
            schema: SCHEMA,
            root: system.root().path().to_owned(),
            preview: preview_commit(&mut machine, &journals, &run(call))?,
        })
    }

    pub(crate) fn upgrade_commit(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<CommitReply, ServiceError> {
        let system = self.system(target)?;
        let held = self.hold(&system, call)?;
        let journals = journals(&system)?;
        let mut machine = self.machine(&system, target)?;
        let committed = commit(&mut machine, &journals, run(call))?;
        drop(held);
        Ok(CommitReply {
            schema: SCHEMA,
            committed,
            status: self.status(&system, target, call)?,
        })
    }

    pub(crate) fn upgrade_rollback_preview(
        &self,
        target: &Target,
    ) -> Result<RollbackPreviewReply, ServiceError> {
        let system = self.system(target)?;
        let machine = self.machine(&system, target)?;
        Ok(RollbackPreviewReply {
            schema: SCHEMA,
            root: system.root().path().to_owned(),
            preview: preview_rollback(&machine, &journals(&system)?)?,
        })
    }

    pub(crate) fn upgrade_rollback(
        &self,
        request: &RollbackRequest,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        let target = &request.target;
        let system = self.system(target)?;
        let held = self.hold(&system, call)?;
        let journals = journals(&system)?;
        let mut machine = self.machine(&system, target)?;
        drop(rollback(
            &mut machine,
            &journals,
            &request.reason,
            run(call),
        )?);
        drop(held);
        self.status(&system, target, call)
    }

    /// Writes down a rollback that happened by itself; what goes wrong with that is told and stops nothing.
    pub(super) fn notice(
        &self,
        system: &System,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<(), ServiceError> {
        let journals = journals(system)?;
        let mut machine = self.machine(system, target)?;
        if !has_rolled_back(&machine, &journals)? {
            return Ok(());
        }
        let noticed = self
            .hold(system, call)
            .and_then(|_held| Ok(notice_rollback(&mut machine, &journals, run(call))?));
        if let Err(error) = noticed {
            let message = format!("a rollback that happened is not written down: {error}");
            warn(call, error.code(), &message, error.hint().as_deref());
        }
        Ok(())
    }
}
