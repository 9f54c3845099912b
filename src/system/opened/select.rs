use std::path::PathBuf;

use super::System;
use crate::system::loader::{Candidate, Choice, Entry, View, WhichKernel, choose};
use crate::system::{EnvName, SystemError};

/// How often the choice is made anew while somebody else chooses, too.
const ATTEMPTS: u32 = 64;

/// The environment to boot now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Which it is, why, and the counter before this boot.
    pub choice: Choice,
    /// Its root directory.
    pub path: PathBuf,
    /// What boots it.
    pub entry: Entry,
}

impl System {
    /// Chooses the environment to boot now, takes one of its tries, and points `current` to it.
    ///
    /// Needs no lock: every step is one rename, and of two who choose at once each takes a try of its own.
    /// Where nothing may be booted, nothing is changed.
    pub fn select(&self) -> Result<Selected, SystemError> {
        for _ in 0..ATTEMPTS {
            let choice = choose(&self.view()?).ok_or(SystemError::NothingToBoot)?;
            if !self.loader.follow(&choice)? {
                continue;
            }
            self.point_current_to(&choice.name)?;
            let entry = match choice.kernel {
                WhichKernel::Own => self.loader.entry(&choice.name)?.map(|found| found.entry),
                WhichKernel::Old => self.loader.old_kernel(&choice.name)?,
            };
            let entry = match entry {
                Some(entry) => entry,
                None => self.entry_of(&choice.name)?,
            };
            return Ok(Selected {
                path: self.path_of(&choice.name),
                entry,
                choice,
            });
        }
        Err(SystemError::NothingToBoot)
    }

    /// What the choice is made from.
    pub fn view(&self) -> Result<View, SystemError> {
        let names = self.storage.names()?;
        let entries = self.loader.entries()?.into_iter();
        let candidates = entries.map(|found| Candidate {
            exists: names.binary_search(&found.entry.name).is_ok(),
            created: self.created(&found.entry.name),
            old_kernel: self.has_old_kernel(&found.entry.name),
            counter: found.counter,
            name: found.entry.name,
        });
        Ok(View {
            candidates: candidates.collect(),
            default: self.loader.default()?,
            next: self.loader.next()?,
        })
    }

    /// An entry that cannot be read is as good as none.
    fn has_old_kernel(&self, name: &EnvName) -> bool {
        let entry = self.loader.old_kernel(name);
        entry.is_ok_and(|entry| entry.is_some())
    }

    /// A record that cannot be read must not keep a machine from booting.
    fn created(&self, name: &EnvName) -> Option<jiff::Timestamp> {
        Some(self.record(name).ok()??.created)
    }
}
