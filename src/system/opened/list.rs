use std::path::Path;

use super::System;
use crate::system::layout;
use crate::system::loader::{Counter, Entry, Found, Next, WhichKernel, choose};
use crate::system::{EnvName, Record, SystemError};

/// One environment, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: EnvName,
    /// Whether it is finished.
    pub finished: bool,
    /// What is known of it.
    pub record: Option<Record>,
    /// What is wrong with its record, if that cannot be read.
    pub damage: Option<String>,
    /// Its loader entry.
    pub entry: Option<Found>,
    /// The entry that boots it with the kernel that was kept from before.
    pub old_kernel: Option<Entry>,
    /// What it is at the moment, in this order.
    pub roles: Vec<Role>,
    /// What it is needed for.
    pub needed: Vec<String>,
}

/// What an environment is at the moment.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It runs.
    Running,
    /// It boots by default.
    Default,
    /// It boots next, and only then.
    Next,
    /// It boots next with its old kernel, and only then.
    #[serde(rename = "next-old-kernel")]
    NextOldKernel,
}

impl Role {
    /// The word used in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Default => "default",
            Self::Next => "next",
            Self::NextOldKernel => "next-old-kernel",
        }
    }
}

impl System {
    /// All environments, finished or not, in the order of their names.
    pub fn environments(&self, booted: Option<&EnvName>) -> Result<Vec<Environment>, SystemError> {
        let running = self.running(booted)?;
        let default = self.loader.default()?;
        let next = self.loader.next()?;
        let mut entries = self.loader.entries()?;
        let finished = self.storage.names()?;
        let unfinished = self.storage.unfinished()?.into_iter();
        let begun = unfinished.filter(|name| finished.binary_search(name).is_err());
        let begun: Vec<_> = begun.collect();
        let both = finished.iter().map(|name| (name, true));
        let mut listed = Vec::new();
        for (name, finished) in both.chain(begun.iter().map(|name| (name, false))) {
            let entry = entries.iter().position(|found| found.entry.name == *name);
            let boots_next = |which| next == Next::Once(name.clone(), which);
            let roles = [
                (Role::Running, running.as_ref() == Some(name)),
                (Role::Default, default.as_ref() == Some(name)),
                (Role::Next, boots_next(WhichKernel::Own)),
                (Role::NextOldKernel, boots_next(WhichKernel::Old)),
            ];
            // One record that cannot be read must not hide all environments.
            let (record, damage) = match self.record(name) {
                Ok(record) => (record, None),
                Err(error) => (None, Some(error.to_string())),
            };
            listed.push(Environment {
                finished,
                record,
                damage,
                entry: entry.map(|index| entries.swap_remove(index)),
                old_kernel: self.loader.old_kernel(name)?,
                roles: roles
                    .into_iter()
                    .filter_map(|(role, is)| is.then_some(role))
                    .collect(),
                needed: self.needed(name, running.as_ref())?,
                name: name.clone(),
            });
        }
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }

    /// What an environment is needed for; nothing: it may be removed.
    pub fn needed(
        &self,
        name: &EnvName,
        running: Option<&EnvName>,
    ) -> Result<Vec<String>, SystemError> {
        let mut why = Vec::new();
        if running == Some(name) {
            why.push("it runs".to_owned());
        }
        let mut view = self.view()?;
        if matches!(&view.next, Next::Once(next, _) if next == name) {
            why.push("it boots next".to_owned());
        }
        let default = view.default.clone();
        if default.as_ref() == Some(name) {
            why.push("it boots by default".to_owned());
        }
        if let Some(image) = self.state()?.committed
            && image.environment == *name
        {
            why.push("the committed image is in it".to_owned());
        }
        // What would be booted if nothing on trial worked.
        view.next = Next::Nothing;
        for candidate in &mut view.candidates {
            if let Some(counter) = &mut candidate.counter {
                *counter = Counter {
                    left: 0,
                    ..*counter
                };
            }
        }
        let fall_back = choose(&view).filter(|choice| choice.name == *name);
        if fall_back.is_some() && default.as_ref() != Some(name) {
            why.push("it is what boots when the default does not work".to_owned());
        }
        Ok(why)
    }

    /// Whether an interrupted removal left something of an environment that is gone.
    pub(super) fn has_remains(&self, name: &EnvName) -> Result<bool, SystemError> {
        let mut places = vec![layout::record(name)];
        places.extend(
            layout::OF_ENVIRONMENTS.map(|directory| Path::new(directory).join(name.as_str())),
        );
        for place in places {
            if self.root.kind_of(&place)?.is_some() {
                return Ok(true);
            }
        }
        Ok(self.storage.removed()?.contains(name) || self.loader.names()?.contains(name))
    }

    /// Removes what belongs to environments that are gone: entries, records, kernels, bases, conflicts.
    ///
    /// Needs the lock.
    pub fn sweep(&self) -> Result<(), SystemError> {
        self.storage.sweep()?;
        self.loader.sweep()?;
        let mut kept = self.storage.names()?;
        kept.extend(self.storage.unfinished()?);
        let gone = |name: Option<&str>| {
            let name: Option<EnvName> = name.and_then(|name| finished(name).parse().ok());
            name.filter(|name| !kept.contains(name))
        };
        for name in self.loader.names()? {
            if !kept.contains(&name) {
                self.loader.remove(&name)?;
            }
        }
        for directory in layout::OF_ENVIRONMENTS {
            let directory = self.directory(directory)?;
            for entry in directory.entries()? {
                if gone(entry.name.to_str()).is_some() {
                    directory.remove_tree(&entry.name)?;
                }
            }
        }
        let records = self.directory(layout::RECORDS)?;
        for entry in records.entries()? {
            let name = entry.name.to_str().map(finished);
            if gone(name.and_then(|name| name.strip_suffix(".json"))).is_some() {
                records.remove_if_there(&entry.name)?;
            }
        }
        Ok(())
    }
}

/// The name that something gets when it is complete: `.NAME.new` was being made for `NAME`.
fn finished(name: &str) -> &str {
    let hidden = name.strip_prefix('.');
    hidden
        .and_then(|name| name.strip_suffix(".new"))
        .unwrap_or(name)
}
