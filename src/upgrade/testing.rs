//! Made-up facts and a machine that only remembers what it was asked to do.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Action, Inventory, Node, PackageFacts, Plan, Rules, Step, UpgradeError, plan};
use crate::catalog::Context;
use crate::digest::PackageId;
use crate::manifest::{Dependency, Restart};
use crate::release::PackageType;
use crate::system::KernelsBefore;
use crate::upgrade::plan::TreeFacts;

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

pub(super) fn facts() -> PackageFacts {
    PackageFacts {
        id: "ab".repeat(32).parse().unwrap(),
        package_type: PackageType::Onefs,
        name: "OneFS".into(),
        version: "9.5".parse().unwrap(),
        build: "1".into(),
        product: "onefs".into(),
        architecture: "x86_64".into(),
        release_counter: 7,
        source_versions: ">=9.0".parse().unwrap(),
        requires: Vec::new(),
        conflicts: Vec::new(),
        restart: Restart::Reboot,
        rollback: true,
        services: Vec::new(),
        minutes: 10,
        free_space: 0,
        tree: Some(TreeFacts {
            entries: 10,
            bytes: 1 << 20,
        }),
        hooks: Vec::new(),
        health_checks: Vec::new(),
        kernels: Vec::new(),
        kernel_bytes: 0,
        rights: Vec::new(),
    }
}

pub(super) fn inventory() -> Inventory {
    Inventory {
        target: "00".repeat(16),
        architecture: "x86_64".into(),
        installed: Some(super::Installed {
            id: None,
            name: "OneFS".into(),
            version: "9.4".parse().unwrap(),
            build: String::new(),
            product: "onefs".into(),
            release_counter: 6,
            environment: "old".parse().unwrap(),
        }),
        packages: Vec::new(),
        floors: [("onefs".to_owned(), 7)].into(),
        environments: vec!["old".parse().unwrap()],
        default: Some("old".parse().unwrap()),
        free_space: 1 << 30,
        carried: 0,
        free_for_kernels: None,
        kernels: KernelsBefore::default(),
    }
}

pub(super) fn dependency(name: &str, versions: &str) -> Dependency {
    Dependency {
        name: name.into(),
        versions: versions.parse().unwrap(),
    }
}

pub(super) fn a_plan() -> Plan {
    plan(&inventory(), &facts(), &Rules::default()).unwrap()
}

/// A machine that only remembers what it was asked to do.
#[derive(Debug, Default)]
pub(super) struct Mock {
    /// What was done, in this order; steps taken back by a rollback are named with it.
    pub(super) done: Vec<(Action, Step)>,
    /// What was entered into the event log.
    pub(super) logged: Vec<&'static str>,
    /// What was said with that.
    pub(super) said: Vec<serde_json::Value>,
    /// The step that fails.
    pub(super) fails: Option<Step>,
    /// Whether the event log cannot be written.
    pub(super) log_fails: bool,
}

impl Mock {
    fn act(&mut self, action: Action, step: Step) -> Result<(), UpgradeError> {
        if self.fails == Some(step) {
            return Err(UpgradeError::Files(failure()));
        }
        self.done.push((action, step));
        Ok(())
    }
}

fn failure() -> crate::fsio::FsError {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    crate::fsio::FsError::system("write to", "x")(full)
}

impl Node for Mock {
    fn inventory(&mut self, _: &Context<'_>) -> Result<Inventory, UpgradeError> {
        Ok(inventory())
    }

    fn perform(&mut self, step: Step, _: &Plan, _: &Context<'_>) -> Result<(), UpgradeError> {
        let action = if Step::COMMIT.contains(&step) {
            Action::Commit
        } else {
            Action::Upgrade
        };
        self.act(action, step)
    }

    fn undo(&mut self, step: Step, _: &Plan, _: &Context<'_>) -> Result<(), UpgradeError> {
        self.act(Action::Rollback, step)
    }

    fn logged(
        &mut self,
        _: &PackageId,
        upgrade: u64,
        _: &Context<'_>,
    ) -> Result<BTreeSet<u64>, UpgradeError> {
        let said = self.said.iter().filter(|said| said["upgrade"] == upgrade);
        Ok(said.filter_map(|said| said["record"].as_u64()).collect())
    }

    fn log(
        &mut self,
        kind: &'static str,
        _: &PackageId,
        details: serde_json::Value,
        _: &Context<'_>,
    ) -> Result<(), UpgradeError> {
        if self.log_fails {
            return Err(UpgradeError::Files(failure()));
        }
        self.logged.push(kind);
        self.said.push(details);
        Ok(())
    }
}
