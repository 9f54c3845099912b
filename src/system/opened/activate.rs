use jiff::Timestamp;

use super::System;
use crate::system::loader::{Counter, DEFAULT_TRIES, Entry, WhichKernel};
use crate::system::{Boot, EnvName, Origin, Record, SystemError};

/// How an environment is activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activation {
    /// Only for the next boot, with this kernel; the default stays. By default it boots with its own.
    pub once: Option<WhichKernel>,
    /// How often it may be tried before something else is booted; without a number one that is good stays
    /// so, and one that has no try left gets new ones.
    pub tries: Option<u32>,
}

impl System {
    /// Lets an environment boot by default, or once.
    ///
    /// Entries that are missing are made first, of what the record says.
    pub fn activate(&self, name: &EnvName, activation: Activation) -> Result<(), SystemError> {
        drop(self.storage.open(name)?);
        let found = self.loader.entry(name)?;
        let bad = match &found {
            Some(found) => found.counter.is_some_and(Counter::is_bad),
            None => true,
        };
        let tries = activation.tries.or(bad.then_some(DEFAULT_TRIES));
        let wants_old = activation.once == Some(WhichKernel::Old);
        if (found.is_none() || wants_old) && self.loader.old_kernel(name)?.is_none() {
            self.put_old_kernel(name)?;
        }
        if wants_old && self.loader.old_kernel(name)?.is_none() {
            return Err(SystemError::NoOldKernel { name: name.clone() });
        }
        if found.is_none() {
            let tries = tries.unwrap_or(DEFAULT_TRIES);
            let entry = self.entry_of(name)?;
            self.loader.put(&entry, Some(Counter::new(tries)))?;
        }
        if let Some(tries) = tries {
            self.loader.try_anew(name, tries)?;
        }
        match activation.once {
            Some(which) => self.loader.set_next(name, which),
            None => self.loader.activate(name, None),
        }
    }

    /// Marks an environment good, after noting since when.
    ///
    /// The entry decides, so it comes last, and an attempt that was interrupted is made again whole. A disk
    /// that is full keeps the time from being noted, and nothing from being good.
    pub fn mark_good(&self, name: &EnvName, now: Timestamp) -> Result<(), SystemError> {
        drop(self.storage.open(name)?);
        if self.loader.entry(name)?.is_none() {
            return Err(SystemError::NoEntry { name: name.clone() });
        }
        let mut record = self.record_or_new(name, now)?;
        if record.good_since.is_none() {
            record.good_since = Some(now);
            match self.store_record(&record) {
                Err(error) if error.code() != "E_NO_SPACE" => return Err(error),
                _ => {}
            }
        }
        self.loader.mark_good(name)
    }

    /// The loader entry that follows from an environment's record.
    pub fn entry_of(&self, name: &EnvName) -> Result<Entry, SystemError> {
        let record = self.record(name)?;
        let (origin, boot) = match record {
            Some(Record { origin, boot, .. }) => (origin, boot),
            None => (None, None),
        };
        let boot = boot.unwrap_or_default();
        Ok(entry(name, WhichKernel::Own, origin.as_ref(), &boot))
    }

    /// Writes the entry for the kernel that was kept from before, if the record says that one was.
    pub(super) fn put_old_kernel(&self, name: &EnvName) -> Result<(), SystemError> {
        let Some(Record { origin, boot, .. }) = self.record(name)? else {
            return Ok(());
        };
        let Some((old, options)) = boot.and_then(|boot| Some((boot.old?, boot.options))) else {
            return Ok(());
        };
        let boot = Boot {
            kernel: old.kernel,
            initrd: old.initrd,
            options,
            old: None,
        };
        let entry = entry(name, WhichKernel::Old, origin.as_ref(), &boot);
        self.loader.put_old_kernel(&entry)
    }

    pub(super) fn record_or_new(
        &self,
        name: &EnvName,
        now: Timestamp,
    ) -> Result<Record, SystemError> {
        let record = self.record(name)?;
        Ok(record.unwrap_or_else(|| Record::new(name.clone(), now)))
    }
}

fn entry(name: &EnvName, which: WhichKernel, origin: Option<&Origin>, boot: &Boot) -> Entry {
    let path = |file: &str| format!("/{}/{name}/{file}", crate::system::layout::KERNELS);
    let title = match origin {
        Some(origin) => format!("{} {} ({name})", origin.name, origin.version),
        None => name.to_string(),
    };
    Entry {
        name: name.clone(),
        which,
        title: match which {
            WhichKernel::Own => title,
            WhichKernel::Old => format!("{title}, old kernel"),
        },
        version: (origin.map(|origin| origin.version.clone())).unwrap_or_default(),
        kernel: (!boot.kernel.is_empty()).then(|| path(&boot.kernel)),
        initrd: boot.initrd.iter().map(|file| path(file)).collect(),
        options: boot.options.clone(),
    }
}
