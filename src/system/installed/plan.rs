use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use serde::Serialize;

use super::finding::{Class, Finding, Present, Report, rooted};
use super::scope::links;
use super::{Expected, InstalledError};
use crate::payload::{EntryPath, FileKind};

/// What may be repaired besides the image's own files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FixOptions {
    /// Replace what belongs to the machine with what the image has, too.
    pub local: bool,
    /// Remove what is not in the image.
    pub remove_extra: bool,
}

/// What a repair would do, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FixPlan {
    /// The steps; each leaves its path as it was or as it should be.
    pub steps: Vec<Step>,
    /// What stays wrong.
    pub left: Vec<Left>,
    /// Bytes of contents that will be written.
    pub bytes: u64,
}

/// One step of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The path it is about, from the root of the system.
    #[serde(serialize_with = "rooted")]
    pub path: EntryPath,
    /// What is done with it.
    pub action: Action,
    /// Bytes of contents that are written.
    pub bytes: u64,
    /// Its number in the table.
    #[serde(skip)]
    pub(super) number: Option<usize>,
    /// What is there before.
    #[serde(skip)]
    pub(super) present: Present,
    /// Extended attributes to take away.
    #[serde(skip)]
    pub(super) surplus: Vec<OsString>,
}

/// What is done with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// What an interrupted repair left is removed.
    Clear,
    /// A directory is made.
    MakeDirectory,
    /// A file is written anew from the artifact.
    WriteFile,
    /// A symbolic link is made anew.
    MakeLink,
    /// A further name is given to a file.
    LinkFile,
    /// A FIFO or device is made anew.
    MakeNode,
    /// Owner, mode, extended attributes or time are set.
    SetAttributes,
    /// It is removed.
    Remove,
}

impl Action {
    /// As it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::MakeDirectory => "make-directory",
            Self::WriteFile => "write-file",
            Self::MakeLink => "make-link",
            Self::LinkFile => "link-file",
            Self::MakeNode => "make-node",
            Self::SetAttributes => "set-attributes",
            Self::Remove => "remove",
        }
    }
}

/// What a repair leaves as it is although it is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The path, from the root of the system.
    #[serde(serialize_with = "rooted")]
    pub path: EntryPath,
    /// Why.
    pub reason: LeftReason,
}

/// Why something is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftReason {
    /// A directory is in the way, and it holds something.
    Occupied,
    /// It is below what is left as it is.
    Below,
    /// Devices are not made in this environment.
    Device,
}

impl LeftReason {
    /// As it is printed.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Occupied => "a directory that holds something is in the way: move it away first",
            Self::Below => "it is below something that is left as it is",
            Self::Device => "no devices were made in this environment",
        }
    }
}

/// Decides what a repair does about `report`; reads nothing.
///
/// What belongs to the machine is left alone unless `options` say otherwise, and so is what is extra. Extra
/// files are never removed by the findings about some paths.
pub fn plan(
    report: &Report,
    expected: &Expected<'_>,
    options: FixOptions,
) -> Result<FixPlan, InstalledError> {
    if options.remove_extra && report.filtered {
        return Err(InstalledError::ExtraWithPaths);
    }
    let mut planner = Planner {
        expected,
        links: links(expected.table),
        plan: FixPlan::default(),
        relinked: BTreeSet::new(),
        made: Vec::new(),
    };
    let is_ours = |finding: &&Finding| match finding.class {
        Class::Damaged | Class::Leftover => true,
        Class::Local | Class::Carried => options.local && finding.number.is_some(),
        Class::Extra | Class::Hidden => false,
    };
    for finding in report.findings.iter().filter(is_ours) {
        planner.finding(finding);
    }
    planner.finish();
    if options.remove_extra {
        planner.remove_extra(report);
    }
    Ok(planner.plan)
}

struct Planner<'a> {
    expected: &'a Expected<'a>,
    links: BTreeMap<usize, Vec<usize>>,
    plan: FixPlan,
    /// Hard links that have their step already.
    relinked: BTreeSet<usize>,
    /// Directories that get their attributes last, parents before children.
    made: Vec<Step>,
}

impl Planner<'_> {
    fn finding(&mut self, finding: &Finding) {
        let number = finding.number.unwrap_or(usize::MAX);
        let Some(entry) = self.expected.table.entries().get(number) else {
            if finding.class == Class::Leftover {
                let mut step = step(finding, Action::Clear);
                step.number = None;
                self.plan.steps.insert(0, step);
            }
            return;
        };
        if let Some(reason) = self.obstacle(finding, entry.kind.is_device()) {
            let path = finding.path.clone();
            self.plan.left.push(Left { path, reason });
            return;
        }
        let attributes_only = finding.present == Present::Attributes;
        let action = match &entry.kind {
            FileKind::HardLink { .. } => return self.link(number, finding.present),
            FileKind::Directory => {
                if !attributes_only {
                    self.plan.steps.push(step(finding, Action::MakeDirectory));
                }
                // Last, when nothing is made in it any more.
                return self.made.push(step(finding, Action::SetAttributes));
            }
            _ if attributes_only => Action::SetAttributes,
            FileKind::Regular { .. } => Action::WriteFile,
            FileKind::Symlink { .. } => Action::MakeLink,
            FileKind::Fifo | FileKind::CharacterDevice(_) | FileKind::BlockDevice(_) => {
                Action::MakeNode
            }
        };
        let mut step = step(finding, action);
        if action == Action::WriteFile {
            step.bytes = entry.kind.size();
            self.plan.bytes = self.plan.bytes.saturating_add(step.bytes);
        }
        self.plan.steps.push(step);
        if action == Action::WriteFile {
            // They are names of the old file still.
            for link in self.links.get(&number).cloned().unwrap_or_default() {
                self.link(link, Present::Wrong);
            }
        }
    }

    /// Plans a hard link, once.
    fn link(&mut self, number: usize, present: Present) {
        let entry = self.expected.table.entries().get(number);
        let Some(entry) = entry.filter(|_| self.relinked.insert(number)) else {
            return;
        };
        self.plan.steps.push(Step {
            path: entry.path.clone(),
            action: Action::LinkFile,
            bytes: 0,
            number: Some(number),
            present,
            surplus: Vec::new(),
        });
    }

    fn obstacle(&self, finding: &Finding, is_device: bool) -> Option<LeftReason> {
        let mut left = self.plan.left.iter();
        if left.any(|left| finding.path.is_within(left.path.as_bytes())) {
            return Some(LeftReason::Below);
        }
        match finding.present {
            Present::Directory { full: true } => Some(LeftReason::Occupied),
            _ if is_device && !self.expected.restored.devices => Some(LeftReason::Device),
            _ => None,
        }
    }

    /// A hard link comes behind its file, wherever that was planned, and everything before the attributes
    /// of the directories it is in.
    fn finish(&mut self) {
        let (links, mut steps): (Vec<_>, Vec<_>) = std::mem::take(&mut self.plan.steps)
            .into_iter()
            .partition(|step| step.action == Action::LinkFile);
        steps.extend(links);
        steps.extend(std::mem::take(&mut self.made).into_iter().rev());
        self.plan.steps = steps;
    }

    /// What is extra, children before parents; nothing that holds what has to stay.
    fn remove_extra(&mut self, report: &Report) {
        let stays = |path: &EntryPath| {
            let mut others = report
                .findings
                .iter()
                .filter(|other| other.class != Class::Extra);
            others.any(|other| other.path.is_within(path.as_bytes()))
        };
        let findings = report.findings.iter().rev();
        for finding in findings.filter(|finding| finding.class == Class::Extra) {
            let is_directory = matches!(finding.present, Present::Directory { .. });
            if !(is_directory && stays(&finding.path)) {
                self.plan.steps.push(step(finding, Action::Remove));
            }
        }
    }
}

fn step(finding: &Finding, action: Action) -> Step {
    Step {
        path: finding.path.clone(),
        action,
        bytes: 0,
        number: finding.number,
        present: finding.present,
        surplus: finding.surplus.clone(),
    }
}
