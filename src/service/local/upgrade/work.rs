use super::super::context;
use super::{Local, journals, run};
use crate::catalog::Access;
use crate::digest::PackageId;
use crate::service::{
    ArchiveReply, Call, ImportRequest, InstallImage, SCHEMA, ServiceError, Target, UpgradeRequest,
    UpgradeStatus,
};
use crate::system::System;
use crate::upgrade::{
    Action, Engine, Node as _, Outcome, PackageFacts, Phase, Standing, UpgradeError,
    expect_nothing_running, plan,
};

impl Local {
    pub(crate) fn upgrade_start(
        &self,
        request: UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        let (target, rules) = (request.target.clone(), self.rules(&request));
        let root = self.root_of(&target)?;
        let is_there = System::is_at(&root)?;
        if is_there {
            // Before a package is read from end to end only to be told this.
            let system = System::open(&root)?;
            self.notice(&system, &target, call)?;
            expect_nothing_running(&journals(&system)?)?;
        }
        let storage = request.storage;
        let id = self.image_of(request, call)?;
        let opened = self.opened(id, &target, call)?;
        let facts = PackageFacts::of(&opened)?;
        if !is_there {
            // A package that is refused makes no system.
            let inventory = self.nothing_at(&root)?;
            plan(&inventory, &facts, &rules).map_err(UpgradeError::from)?;
        }
        let system = self.system_or_new(&target, storage)?;
        let held = self.hold(&system, call)?;
        let journals = journals(&system)?;
        expect_nothing_running(&journals)?;
        let mut machine = self.machine(&system, &target)?;
        let inventory = machine.inventory_for(&opened, &rules.carrying, &context(call))?;
        machine.take(opened);
        let plan = plan(&inventory, &facts, &rules).map_err(UpgradeError::from)?;
        let run = run(call);
        Engine::begin(&mut machine, &journals, plan, run)?.run(Action::Upgrade)?;
        drop(held);
        self.status(&system, &target, call)
    }

    /// Goes on with what was paused or killed; `failed` with what failed.
    pub(crate) fn upgrade_resume(
        &self,
        target: &Target,
        failed: bool,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        let system = self.system(target)?;
        let held = self.hold(&system, call)?;
        let journals = journals(&system)?;
        let mut machine = self.machine(&system, target)?;
        let engine = Engine::open(&mut machine, &journals, run(call))?;
        let mut engine = engine.ok_or_else(|| not_running("no upgrade is under way"))?;
        expect_resumable(engine.standing().as_ref(), failed)?;
        engine.resume()?;
        drop(held);
        self.status(&system, target, call)
    }

    /// Asks the engine to stop before its next step.
    pub(crate) fn upgrade_pause(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<UpgradeStatus, ServiceError> {
        let system = self.system(target)?;
        let journals = journals(&system)?;
        let standing = Standing::of(&journals.read()?.unwrap_or_default());
        let left = standing.filter(|standing| standing.outcome.is_none());
        let Some(standing) = left else {
            return Err(not_running("no upgrade is under way").into());
        };
        if standing.next_step().is_none() || !system.is_locked()? {
            return Err(UpgradeError::NotNow {
                wanted: "a pause",
                found: standing.words().join(", "),
                hint: "no step is being done; `isi upgrade view` shows what comes next".to_owned(),
            }
            .into());
        }
        journals.ask_pause()?;
        self.status(&system, target, call)
    }

    /// Puts the journal of an upgrade that ended away, and removes the environment that a rollback left.
    pub(crate) fn upgrade_archive(
        &self,
        target: &Target,
        call: &Call<'_>,
    ) -> Result<ArchiveReply, ServiceError> {
        let system = self.system(target)?;
        let _held = self.hold(&system, call)?;
        let journals = journals(&system)?;
        expect_nothing_running(&journals)?;
        let standing = Standing::of(&journals.read()?.unwrap_or_default());
        let Some(standing) = standing else {
            return Err(not_running("no upgrade is left to be archived").into());
        };
        let (mut removed, mut kept) = (None, Vec::new());
        let name = &standing.plan.environment;
        if standing.outcome == Some(Outcome::RolledBack) && system.has(name)? {
            let booted = self.booted_of(target);
            kept = system.needed(name, system.running(booted)?.as_ref())?;
            if kept.is_empty() {
                system.destroy(name, booted)?;
                removed = Some(name.clone());
            }
        }
        journals.archive()?;
        let (id, number) = (standing.plan.package.id, standing.number);
        let details = serde_json::json!({ "number": number, "removed": removed });
        let context = context(call);
        let mut machine = self.machine(&system, target)?;
        if let Err(error) = machine.log("upgrade-archive", &id, details, &context) {
            let message = format!("this is not in the event log: {error}");
            super::super::warn(call, error.code(), &message, error.hint().as_deref());
        }
        Ok(ArchiveReply {
            schema: SCHEMA,
            number,
            removed,
            kept,
        })
    }

    /// The image in the catalog; a file is imported first.
    fn image_of(
        &self,
        request: UpgradeRequest,
        call: &Call<'_>,
    ) -> Result<PackageId, ServiceError> {
        match request.image {
            InstallImage::Id(prefix) => {
                Ok(self.catalog(Access::Read, call)?.expect_one(&prefix)?.id)
            }
            InstallImage::File(file) => {
                let import = ImportRequest {
                    package: file.into(),
                    allow_unsigned: request.allow_unsigned,
                };
                Ok(Self::import(self, import, call)?.item.id)
            }
        }
    }
}

/// Refuses to go on with what does not wait for that.
fn expect_resumable(standing: Option<&Standing>, failed: bool) -> Result<(), UpgradeError> {
    let Some(standing) = standing else {
        return Err(not_running("no upgrade is under way"));
    };
    let found = standing.words().join(", ");
    let not_now = |wanted, hint: &str| UpgradeError::NotNow {
        wanted,
        found: found.clone(),
        hint: hint.to_owned(),
    };
    match (standing.phase(), standing.failure.is_some()) {
        (Phase::Waiting, _) => Err(not_now(
            "going on",
            "start the new system; `isi upgrade bootenv check` in it goes on",
        )),
        (Phase::Upgraded, _) => Err(not_now(
            "going on",
            "`isi upgrade commit` makes it permanent, `isi upgrade rollback` takes it back",
        )),
        (_, true) if !failed => Err(not_now(
            "a resume",
            "`isi upgrade retry-last-action` does the failed step again",
        )),
        (_, false) if failed => Err(not_now(
            "another try",
            "nothing failed; `isi upgrade resume` goes on",
        )),
        _ => Ok(()),
    }
}

fn not_running(found: &str) -> UpgradeError {
    let found = found.to_owned();
    UpgradeError::NotRunning { found }
}
