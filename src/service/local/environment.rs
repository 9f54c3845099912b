use std::path::PathBuf;

use serde_json::json;

use super::upgrade::journals;
use super::{Local, context, warn};
use crate::catalog::Access;
use crate::fsio::{Dir, open_regular};
use crate::service::{
    ActivateRequest, Call, CreateEnvironmentRequest, DestroyEnvironmentReply,
    DestroyEnvironmentRequest, EnvironmentContent, EnvironmentItem, EnvironmentReply,
    EnvironmentsReply, Event, KernelRequest, MarkGoodRequest, MountReply, MountRequest, SCHEMA,
    SelectReply, ServiceError, Target, Trial,
};
use crate::system::loader::Counter;
use crate::system::{
    Activation, Beginning, EnvName, Environment, KernelFiles, System, SystemError, VOLATILE,
    WhichKernel,
};
use crate::upgrade::{Phase, Standing};

impl Local {
    pub(super) fn environments(&self, target: &Target) -> Result<EnvironmentsReply, ServiceError> {
        let system = self.system(target)?;
        let state = system.state()?;
        let all = system.environments(self.booted_of(target))?.into_iter();
        Ok(EnvironmentsReply {
            schema: SCHEMA,
            root: system.root().path().to_owned(),
            target: state.target,
            storage: state.storage,
            environments: all.map(|environment| item(&system, environment)).collect(),
        })
    }

    pub(super) fn create_environment(
        &self,
        request: &CreateEnvironmentRequest,
        call: &Call<'_>,
    ) -> Result<EnvironmentReply, ServiceError> {
        let CreateEnvironmentRequest { target, name, .. } = request;
        // A directory that is not there makes no system.
        let tree = match &request.content {
            EnvironmentContent::Tree(path) => Some(Dir::open(path)?),
            _ => None,
        };
        let kernel = request.kernel.as_ref().map(opened).transpose()?;
        let system = match request.content {
            // Only what is made of no other one can be the first of a system.
            EnvironmentContent::Empty | EnvironmentContent::Tree(_) => {
                self.system_or_new(target, request.storage)?
            }
            _ => self.system(target)?,
        };
        let _held = self.hold(&system, call)?;
        expect_no_upgrade(&system, name)?;
        let from = match &request.content {
            EnvironmentContent::Empty | EnvironmentContent::Tree(_) => None,
            EnvironmentContent::Copy(from) => Some(from.clone()),
            EnvironmentContent::Running => Some(self.running(&system, target)?),
        };
        let mut details = json!({ "environment": name, "from": from });
        if from.is_some() {
            system.create(name, from.as_ref(), call.now, call.observer)?;
        } else {
            let (tree, kernel) = (tree.as_ref(), kernel.as_ref());
            let beginning = Beginning { tree, kernel };
            system.create_of(name, beginning, call.now, call.observer)?;
        }
        if let Some(tree) = &tree {
            warn_of_mounts(tree, call)?;
            details = json!({ "environment": name, "tree": tree.path() });
        }
        if let Some(kernel) = &request.kernel {
            details["kernel"] = json!(kernel.file);
        }
        self.note("bootenv-create", &system, details, call);
        self.one(&system, target, name)
    }

    pub(super) fn mount_environment(
        &self,
        request: &MountRequest,
    ) -> Result<MountReply, ServiceError> {
        let root = self
            .system(&request.target)?
            .storage()
            .open(&request.name)?;
        if let Some(at) = &request.at {
            root.bind_to(at)?;
        }
        Ok(MountReply {
            schema: SCHEMA,
            name: request.name.clone(),
            mounted: request.at.is_some(),
            path: request.at.clone().unwrap_or_else(|| root.path().to_owned()),
        })
    }

    pub(super) fn activate_environment(
        &self,
        request: &ActivateRequest,
        call: &Call<'_>,
    ) -> Result<EnvironmentReply, ServiceError> {
        let system = self.system(&request.target)?;
        let _held = self.hold(&system, call)?;
        let once = match (request.old_kernel, request.next_boot_only) {
            (true, _) => Some(WhichKernel::Old),
            (false, true) => Some(WhichKernel::Own),
            (false, false) => None,
        };
        let activation = Activation {
            once,
            tries: request.tries,
        };
        system.activate(&request.name, activation)?;
        let details = json!({
            "environment": request.name,
            "next_boot_only": once.is_some(),
            "old_kernel": request.old_kernel,
            "tries": request.tries,
        });
        self.note("bootenv-activate", &system, details, call);
        self.one(&system, &request.target, &request.name)
    }

    pub(super) fn mark_good(
        &self,
        request: &MarkGoodRequest,
        call: &Call<'_>,
    ) -> Result<EnvironmentReply, ServiceError> {
        let system = self.system(&request.target)?;
        let _held = self.hold(&system, call)?;
        let name = match &request.name {
            Some(name) => name.clone(),
            None => self.running(&system, &request.target)?,
        };
        system.mark_good(&name, call.now)?;
        self.note(
            "bootenv-good",
            &system,
            json!({ "environment": name }),
            call,
        );
        self.one(&system, &request.target, &name)
    }

    pub(super) fn destroy_environment(
        &self,
        request: &DestroyEnvironmentRequest,
        call: &Call<'_>,
    ) -> Result<DestroyEnvironmentReply, ServiceError> {
        let DestroyEnvironmentRequest { target, name, .. } = request;
        let system = self.system(target)?;
        let booted = self.booted_of(target);
        if request.dry_run {
            expect_no_upgrade(&system, name)?;
            system.expect_needless(name, booted)?;
        } else {
            let _held = self.hold(&system, call)?;
            expect_no_upgrade(&system, name)?;
            system.destroy(name, booted)?;
            let details = json!({ "environment": name });
            self.note("bootenv-destroy", &system, details, call);
        }
        Ok(DestroyEnvironmentReply {
            schema: SCHEMA,
            name: name.clone(),
            dry_run: request.dry_run,
        })
    }

    pub(super) fn select_environment(&self, target: &Target) -> Result<SelectReply, ServiceError> {
        let system = System::open_to_select(&self.root_of(target)?)?;
        let selected = system.select()?;
        let below = |path: &String| below(&system, path);
        let left = selected.choice.counter.map(Counter::tried);
        Ok(SelectReply {
            schema: SCHEMA,
            why: selected.choice.why,
            name: selected.choice.name,
            path: selected.path,
            kernel: selected.entry.kernel.as_ref().map(below),
            initrd: selected.entry.initrd.iter().map(below).collect(),
            options: selected.entry.command_line(),
            tries_left: left.map(|counter| counter.left),
        })
    }

    /// The environment that runs.
    pub(super) fn running(
        &self,
        system: &System,
        target: &Target,
    ) -> Result<EnvName, ServiceError> {
        let running = system.running(self.booted_of(target))?;
        let root = || system.root().path().to_owned();
        Ok(running.ok_or_else(|| SystemError::NothingRuns { root: root() })?)
    }

    /// The environment that runs, or, where none does, the one that boots by default.
    pub(super) fn active(&self, system: &System, target: &Target) -> Result<EnvName, ServiceError> {
        if system.running(self.booted_of(target))?.is_none()
            && let Some(default) = system.loader().default()?
            && system.has(&default)?
        {
            return Ok(default);
        }
        self.running(system, target)
    }

    fn one(
        &self,
        system: &System,
        target: &Target,
        name: &EnvName,
    ) -> Result<EnvironmentReply, ServiceError> {
        let all = system.environments(self.booted_of(target))?;
        let found = all.into_iter().find(|one| one.name == *name);
        let environment = found.ok_or_else(|| SystemError::Unknown { name: name.clone() })?;
        Ok(EnvironmentReply {
            schema: SCHEMA,
            environment: item(system, environment),
        })
    }

    /// Enters what was done into the event log. A machine has to boot and to be rolled back without a
    /// catalog, so trouble with that is told and nothing is undone.
    pub(super) fn note(
        &self,
        kind: &'static str,
        system: &System,
        mut details: serde_json::Value,
        call: &Call<'_>,
    ) {
        if let Some(details) = details.as_object_mut() {
            let root = system.root().path().display().to_string();
            details.insert("system".to_owned(), root.into());
        }
        let noted = self.catalog(Access::Write, call).and_then(|mut catalog| {
            let recorded = catalog.record(kind, None, details, &context(call));
            recorded.map_err(ServiceError::from)
        });
        if let Err(error) = noted {
            call.observer.event(&Event::Warning {
                code: error.code(),
                message: &format!("this is not in the event log: {error}"),
                hint: error.hint().as_deref(),
            });
        }
    }
}

/// A kernel that comes from no package.
fn opened(kernel: &KernelRequest) -> Result<KernelFiles, ServiceError> {
    let initrd = kernel.initrd.as_deref().map(open_regular).transpose()?;
    Ok(KernelFiles::new(
        &kernel.file,
        open_regular(&kernel.file)?,
        initrd,
    )?)
}

/// Refuses an environment that an upgrade which has not ended makes, or would go back to.
fn expect_no_upgrade(system: &System, name: &EnvName) -> Result<(), ServiceError> {
    let records = journals(system)?.read()?;
    let standing = Standing::of(&records.unwrap_or_default());
    let Some(standing) = standing.filter(|standing| standing.phase() != Phase::Ended) else {
        return Ok(());
    };
    let (number, plan) = (standing.number, &standing.plan);
    let why = if plan.environment == *name {
        format!("upgrade {number} makes it")
    } else if plan.previous.as_ref() == Some(name) {
        format!("upgrade {number} may be rolled back to it")
    } else {
        return Ok(());
    };
    Err(SystemError::Needed {
        name: name.clone(),
        why: vec![why],
    }
    .into())
}

/// Where a file is that a loader entry names.
fn below(system: &System, path: &str) -> PathBuf {
    system.root().path().join(path.trim_start_matches('/'))
}

fn item(system: &System, environment: Environment) -> EnvironmentItem {
    let Environment {
        name,
        finished,
        record,
        entry,
        old_kernel,
        roles,
        needed,
        damage,
    } = environment;
    let counter = entry.as_ref().and_then(|found| found.counter);
    let origin = record.as_ref().and_then(|record| record.origin.clone());
    EnvironmentItem {
        state: match (finished, &entry, counter) {
            (false, _, _) => Trial::Unfinished,
            (true, None, _) => Trial::NoEntry,
            (true, Some(_), None) => Trial::Good,
            (true, Some(_), Some(counter)) if counter.is_bad() => Trial::Bad,
            (true, Some(_), Some(_)) => Trial::Trial,
        },
        tries_left: counter.map(|counter| counter.left),
        tries_done: counter.map(|counter| counter.done),
        roles,
        created: record.as_ref().map(|record| record.created),
        good_since: record.as_ref().and_then(|record| record.good_since),
        parent: record.and_then(|record| record.parent),
        image: (origin.as_ref()).map(|origin| format!("{} {}", origin.name, origin.version)),
        package: origin.map(|origin| origin.package),
        old_kernel: old_kernel
            .and_then(|entry| entry.kernel)
            .map(|path| below(system, &path)),
        needed,
        damage,
        path: system.path_of(&name),
        name,
    }
}

/// Tells what of a tree was not copied because something is mounted there; not where every start does that.
fn warn_of_mounts(tree: &Dir, call: &Call<'_>) -> Result<(), ServiceError> {
    let root = tree.real_path()?;
    let mut told: Vec<PathBuf> = Vec::new();
    for place in tree.mounted_below()? {
        let below = place.strip_prefix(&root).unwrap_or(&place);
        let usual = VOLATILE.iter().any(|name| below.starts_with(name));
        let within = told.iter().any(|above| place.starts_with(above));
        if usual || within || below.as_os_str().is_empty() {
            continue;
        }
        let message = format!("nothing in {} was copied: it is mounted", place.display());
        let hint = "copy into the environment what belongs to the system; `isi upgrade bootenv mount` says \
                    where it is";
        warn(call, "W_MOUNTED", &message, Some(hint));
        told.push(place);
    }
    Ok(())
}
