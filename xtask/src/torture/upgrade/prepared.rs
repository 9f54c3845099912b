//! A command with the system it runs on, and what it does when nobody disturbs it.

use std::path::Path;

use super::selection;
use super::site::Site;
use super::state::State;
use super::subjects::{Step, Subject};
use crate::shell::{Outcome, failure};
use crate::torture::calls::Call;
use crate::torture::place::remove;
use crate::torture::tracer::{self, Act};

/// A command that is ready to be tortured.
pub struct Prepared<'a> {
    /// The table entry.
    pub subject: &'a Subject,
    /// The machine before.
    pub site: Site,
    /// What can be seen before it.
    pub before: State,
    /// What can be seen after it.
    pub after: State,
    /// What is chosen in a row when nobody marks anything: before it, and after it.
    pub boots: [Vec<String>; 2],
    /// Its changing calls.
    pub calls: Vec<Call>,
}

impl<'a> Prepared<'a> {
    /// Makes the machine below `root` and runs the command once on a copy of it.
    pub fn new(subject: &'a Subject, trust: &Path, packages: &Path, root: &Path) -> Outcome<Self> {
        let site = Site::create(&root.join("before"), trust)?;
        std::os::unix::fs::symlink(packages, site.path("packages"))?;
        for step in subject.before {
            match step {
                Step::Isi(line, code) => drop(site.expect(line, *code)?),
                Step::Outside(work) => work(&site)?,
            }
        }
        let copy = site.copy_to(&root.join("after"))?;
        let ending = tracer::run(&copy.isi(subject.line), root, Act::Watch)?;
        if ending.code != Some(subject.code) {
            return failure(format!("{}: {ending:?}", subject.name));
        }
        let after = State::look(&copy)?;
        let boots_after = selection::boots(&copy)?;
        let copy = site.copy_to(&root.join("after"))?;
        let boots_before = selection::boots(&copy)?;
        remove(&root.join("after"))?;
        Ok(Self {
            subject,
            before: State::look(&site)?,
            after,
            boots: [boots_before, boots_after],
            calls: ending.calls,
            site,
        })
    }
}
