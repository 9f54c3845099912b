//! Making permanent what runs.

use super::engine::{Engine, Run};
use super::journal::Entry;
use super::{Action, Advice, Journals, Machine, Phase, Standing, UpgradeError};
use crate::system::{EnvName, Image, Origin};

/// What a commit would do, and what of it cannot be undone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CommitPreview {
    /// The environment that becomes permanent.
    pub environment: EnvName,
    /// What becomes permanent.
    pub permanent: Permanent,
    /// What cannot be undone; nothing if there is nothing to do.
    pub irreversible: Vec<Advice>,
}

/// What becomes permanent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Permanent {
    /// The image of the upgrade that is under way.
    Upgrade {
        /// The image.
        image: Origin,
    },
    /// An image that is yet to be made of a system that never was a package.
    OwnImage,
    /// The image that it was made from, which nobody committed yet.
    Installed {
        /// The image.
        image: Origin,
    },
    /// All of it is permanent already.
    Nothing {
        /// The image.
        image: Origin,
        /// Whether the catalog has it.
        present: bool,
    },
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Committed {
    /// The image that is permanent.
    pub image: Image,
    /// Whether the catalog has it.
    pub present: bool,
}

/// Says what a commit would do; refused where there is nothing that could become permanent.
pub fn preview_commit(
    machine: &mut Machine<'_>,
    journals: &Journals,
    run: &Run<'_>,
) -> Result<CommitPreview, UpgradeError> {
    let records = journals.read()?.unwrap_or_default();
    let standing = Standing::of(&records).filter(|found| found.phase() != Phase::Ended);
    let running = machine.expect_running("a commit")?;
    match standing {
        Some(standing) => {
            expect_upgraded(machine, &standing, &running)?;
            let image = super::machine::origin(&standing.plan);
            Ok(CommitPreview {
                irreversible: irreversible(machine, &standing, run)?,
                environment: running,
                permanent: Permanent::Upgrade { image },
            })
        }
        None => preview_of_running(machine, running, run),
    }
}

/// Makes permanent what runs; needs the lock of the system.
///
/// Of an upgrade, its steps are done; what fails is gone on with by the next commit. A system that never was
/// a package becomes one first, so that it can be installed again from the catalog.
pub fn commit(
    machine: &mut Machine<'_>,
    journals: &Journals,
    run: Run<'_>,
) -> Result<Committed, UpgradeError> {
    let preview = preview_commit(machine, journals, &run)?;
    let environment = &preview.environment;
    match preview.permanent {
        Permanent::Upgrade { .. } => finish(machine, journals, run)?,
        Permanent::OwnImage => {
            let image = machine.make_own_image(environment, &run)?;
            settle_alone(machine, environment, image, &run)?;
        }
        Permanent::Installed { image } => settle_alone(machine, environment, image, &run)?,
        Permanent::Nothing { image, .. } => keep(machine, environment, &image, &run)?,
    }
    let state = machine.system().state()?;
    let image = state.committed.ok_or_else(|| UpgradeError::NotRunning {
        found: "nothing is committed".to_owned(),
    })?;
    let id = image.origin.package;
    let present = machine.has_image(&id, &run.context())?;
    if !present {
        let details = serde_json::json!({ "holder": machine.holder()? });
        machine.tell("committed-image-missing", Some(&id), details, &run);
    }
    Ok(Committed { image, present })
}

/// Does the steps of a commit.
fn finish(
    machine: &mut Machine<'_>,
    journals: &Journals,
    run: Run<'_>,
) -> Result<(), UpgradeError> {
    let Some(mut engine) = Engine::open(machine, journals, run)? else {
        return Ok(());
    };
    let waits = |standing: Standing| standing.phase() == Phase::Waiting;
    if engine.standing().is_some_and(waits) {
        // Somebody marked it good by hand.
        engine.enter(Entry::Good {
            checks: serde_json::Value::Null,
        })?;
    }
    journals.ask_no_pause()?;
    engine.run(Action::Commit)
}

/// Makes an image permanent that no upgrade is under way for.
fn settle_alone(
    machine: &mut Machine<'_>,
    environment: &EnvName,
    origin: Origin,
    run: &Run<'_>,
) -> Result<(), UpgradeError> {
    let context = run.context();
    machine.pin_image(&origin.package, environment, &context)?;
    let system = machine.system();
    system.mark_good(environment, run.now())?;
    let mut state = system.state()?;
    let floor = state.floors.entry(origin.product.clone()).or_default();
    *floor = (*floor).max(origin.release_counter);
    let id = origin.package;
    let image = Image {
        environment: environment.clone(),
        origin,
        since: run.now(),
    };
    state.installed = Some(image.clone());
    state.committed = Some(image);
    system.store_state(&state)?;
    let details = serde_json::json!({ "outcome": "committed", "environment": environment });
    machine.tell("upgrade-commit", Some(&id), details, run);
    Ok(())
}

/// Sees to it that the catalog still knows that the committed image is needed.
fn keep(
    machine: &Machine<'_>,
    environment: &EnvName,
    image: &Origin,
    run: &Run<'_>,
) -> Result<(), UpgradeError> {
    let context = run.context();
    if machine.has_image(&image.package, &context)? {
        machine.pin_image(&image.package, environment, &context)?;
    }
    Ok(())
}

fn preview_of_running(
    machine: &mut Machine<'_>,
    environment: EnvName,
    run: &Run<'_>,
) -> Result<CommitPreview, UpgradeError> {
    let system = machine.system();
    let origin = system
        .record(&environment)?
        .and_then(|record| record.origin);
    let state = system.state()?;
    let committed = state
        .committed
        .filter(|image| image.environment == environment);
    let (permanent, irreversible) = match (committed, origin) {
        (Some(image), _) => {
            let image = image.origin;
            let present = machine.has_image(&image.package, &run.context())?;
            (Permanent::Nothing { image, present }, Vec::new())
        }
        (None, Some(image)) => {
            let raised = floor(&state.floors, &image.product, image.release_counter);
            (Permanent::Installed { image }, raised.into_iter().collect())
        }
        (None, None) => {
            let text = format!(
                "an image is made of {environment}: everything in it, secrets too, is in that package then"
            );
            (Permanent::OwnImage, vec![advice("W_OWN_IMAGE", text)])
        }
    };
    Ok(CommitPreview {
        environment,
        permanent,
        irreversible,
    })
}

/// What of a commit cannot be undone.
fn irreversible(
    machine: &Machine<'_>,
    standing: &Standing,
    run: &Run<'_>,
) -> Result<Vec<Advice>, UpgradeError> {
    let plan = &standing.plan;
    let mut found = Vec::new();
    if let Some(previous) = &plan.previous {
        let text = format!(
            "the upgrade to {} cannot be rolled back to {previous} any more",
            plan.environment
        );
        found.push(advice("W_NO_WAY_BACK", text));
    }
    for name in machine.needless(plan)? {
        let text = format!("environment {name} is removed, with everything in it");
        found.push(advice("W_REMOVED", text));
    }
    let state = machine.system().state()?;
    let package = &plan.package;
    found.extend(floor(
        &state.floors,
        &package.product,
        package.release_counter,
    ));
    for (id, name, version) in machine.superseded(&package.id, &run.context())? {
        let text = format!("{name} {version} ({id}) is not kept from removal any more");
        found.push(advice("W_RELEASED", text));
    }
    Ok(found)
}

fn floor(
    floors: &std::collections::BTreeMap<String, u64>,
    product: &str,
    counter: u64,
) -> Option<Advice> {
    let floor = floors.get(product).copied().unwrap_or(0);
    (counter > floor).then(|| {
        let of = if product.is_empty() { "packages without a product" } else { product };
        let text = format!(
            "the floor of {of} rises from {floor} to {counter}: packages with a lower release counter are \
             refused from then on"
        );
        advice("W_FLOOR", text)
    })
}

fn advice(code: &str, text: String) -> Advice {
    Advice {
        code: code.to_owned(),
        text,
    }
}

/// Refuses unless the new system runs and is known to be well.
fn expect_upgraded(
    machine: &Machine<'_>,
    standing: &Standing,
    running: &EnvName,
) -> Result<(), UpgradeError> {
    let environment = &standing.plan.environment;
    let not_now = |found: String, hint: &str| {
        Err(UpgradeError::NotNow {
            wanted: "a commit",
            found,
            hint: hint.to_owned(),
        })
    };
    let is_good = || -> Result<bool, UpgradeError> {
        let entry = machine.system().loader().entry(environment)?;
        Ok(entry.is_some_and(|entry| entry.counter.is_none()))
    };
    match standing.phase() {
        Phase::Committing => Ok(()),
        Phase::Upgraded if running == environment => Ok(()),
        Phase::Waiting if running == environment && is_good()? => Ok(()),
        Phase::Upgraded | Phase::Waiting if running != environment => not_now(
            format!("{running} runs, and not {environment}"),
            "start the new environment first, or `isi upgrade rollback`",
        ),
        Phase::Waiting => not_now(
            format!("{environment} runs and is not known to be well"),
            "`isi upgrade bootenv check` looks whether it is",
        ),
        _ => not_now(
            standing.words().join(", "),
            "`isi upgrade view` shows how far it is",
        ),
    }
}
