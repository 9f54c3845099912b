//! What the boot loader reads: entries in the form of the Boot Loader Specification, the default, and what
//! is wanted for the next boot only.
//!
//! `loader.conf` is the one truth about the default, and the name of an entry is the one truth about its
//! counters: each changes by one rename. Reading and choosing need no lock; who changes more than a counter
//! holds the lock of the system.

mod choose;
mod entry;
mod found;

use std::path::Path;

pub use self::choose::{Candidate, Choice, Next, View, WhichKernel, Why, choose};
pub use self::entry::{Counter, DEFAULT_TRIES, Entry, MAX_TRIES};
pub use self::found::Found;

use self::entry::{file_name, id, old_file_name, parse_id};
use super::{EnvName, SystemError};
use crate::fsio::{Dir, EntryKind};

/// The file that names the default.
const CONFIGURATION: &str = "loader.conf";
/// The file that names what is wanted for the next boot.
const NEXT: &str = "next";
/// The directory of the entries.
const ENTRIES: &str = "entries";
/// Most bytes of any file here.
const MAX_FILE: u64 = 64 << 10;
/// Permissions of the files: they hold no secret, and other boot loaders read them.
const FILE_MODE: u32 = 0o644;

/// The boot loader's directory of a system.
#[derive(Debug)]
pub struct Loader {
    directory: Dir,
    entries: Dir,
}

impl Loader {
    /// Opens the loader's directory.
    pub fn open(directory: Dir) -> Result<Self, SystemError> {
        let entries = directory.open_dir(ENTRIES)?;
        Ok(Self { directory, entries })
    }

    /// As [`Loader::open`], making what is missing.
    pub(super) fn open_or_create(directory: Dir) -> Result<Self, SystemError> {
        match directory.create_dir(ENTRIES, 0o755) {
            Err(error) if !error.is_exists() => return Err(error.into()),
            _ => {}
        }
        directory.sync()?;
        Self::open(directory)
    }

    /// The entries of environments, in the order of their names.
    ///
    /// Entries that are not ours are left out.
    pub fn entries(&self) -> Result<Vec<Found>, SystemError> {
        found::all(&self.entries)
    }

    /// The entry of an environment.
    pub fn entry(&self, name: &EnvName) -> Result<Option<Found>, SystemError> {
        let mut entries = self.entries()?.into_iter();
        Ok(entries.find(|found| found.entry.name == *name))
    }

    /// The entry that boots an environment with the kernel that was kept from before.
    pub fn old_kernel(&self, name: &EnvName) -> Result<Option<Entry>, SystemError> {
        found::old(&self.entries, name)
    }

    /// Writes such an entry.
    pub fn put_old_kernel(&self, entry: &Entry) -> Result<(), SystemError> {
        let (file, text) = (old_file_name(&entry.name), entry.text());
        Ok(self
            .entries
            .replace_file(&file, text.as_bytes(), FILE_MODE)?)
    }

    /// Removes such an entry, if there is one: then only its own kernel boots the environment.
    pub fn remove_old_kernel(&self, name: &EnvName) -> Result<(), SystemError> {
        if self.entries.remove_if_there(old_file_name(name))? {
            self.entries.sync()?;
        }
        Ok(())
    }

    /// The environments that something in the loader's directory belongs to.
    pub(super) fn names(&self) -> Result<Vec<EnvName>, SystemError> {
        let mut names = found::with_old(&self.entries)?;
        names.extend(self.entries()?.into_iter().map(|found| found.entry.name));
        Ok(names)
    }

    /// Writes the entry of an environment; one that is new begins with this counter, `None` is good.
    ///
    /// An entry that is there keeps its counter until the content is replaced, then gets the new one.
    pub fn put(&self, entry: &Entry, counter: Option<Counter>) -> Result<(), SystemError> {
        let text = entry.text();
        let file = match self.entry(&entry.name)? {
            Some(found) => found.file().to_owned(),
            None => file_name(&entry.name, counter),
        };
        self.entries
            .replace_file(&file, text.as_bytes(), FILE_MODE)?;
        self.set_counter(&entry.name, counter)
    }

    /// Makes an environment the default, and gives its entry so many tries first; without a number the
    /// counter stays as it is.
    pub fn activate(&self, name: &EnvName, tries: Option<u32>) -> Result<(), SystemError> {
        match tries {
            Some(tries) => self.try_anew(name, tries)?,
            None => drop(self.expect(name)?),
        }
        self.set_default(name)
    }

    /// Gives an environment so many tries, none of them used.
    pub fn try_anew(&self, name: &EnvName, tries: u32) -> Result<(), SystemError> {
        if tries == 0 || tries > MAX_TRIES {
            return Err(SystemError::Tries { found: tries });
        }
        self.set_counter(name, Some(Counter::new(tries)))
    }

    /// Marks an environment good: it may be booted as often as one likes.
    pub fn mark_good(&self, name: &EnvName) -> Result<(), SystemError> {
        self.set_counter(name, None)
    }

    /// Marks an environment bad: no try is left. The number of those it had is kept.
    pub fn mark_bad(&self, name: &EnvName) -> Result<(), SystemError> {
        let done = self.expect(name)?.counter.map_or(0, |counter| counter.done);
        self.set_counter(name, Some(Counter { left: 0, done }))
    }

    /// Removes the entries of an environment, if it has any.
    pub fn remove(&self, name: &EnvName) -> Result<(), SystemError> {
        self.entries.remove_if_there(old_file_name(name))?;
        for file in found::files_of(&self.entries, name)? {
            self.entries.remove_if_there(&file)?;
        }
        Ok(self.entries.sync()?)
    }

    /// What boots by default; nothing if `loader.conf` names no environment of ours.
    pub fn default(&self) -> Result<Option<EnvName>, SystemError> {
        let text = self.text_of(CONFIGURATION)?.unwrap_or_default();
        let named = text.lines().find_map(default_of).and_then(parse_id);
        // By itself nothing boots with its old kernel.
        let own = named.filter(|(_, which)| *which == WhichKernel::Own);
        Ok(own.map(|(name, _)| name))
    }

    /// Makes an environment the default; other lines of `loader.conf` stay.
    pub fn set_default(&self, name: &EnvName) -> Result<(), SystemError> {
        let text = self.text_of(CONFIGURATION)?.unwrap_or_default();
        let others = text.lines().filter(|line| default_of(line).is_none());
        let mut lines = vec![format!("default {}", id(name, WhichKernel::Own))];
        lines.extend(others.map(str::to_owned));
        self.write(CONFIGURATION, &(lines.join("\n") + "\n"))
    }

    /// Lets nothing of ours be the default; other lines of `loader.conf` stay.
    pub fn forget_default(&self) -> Result<(), SystemError> {
        let text = self.text_of(CONFIGURATION)?.unwrap_or_default();
        let others = text.lines().filter(|line| default_of(line).is_none());
        let others = others.flat_map(|line| [line, "\n"]);
        self.write(CONFIGURATION, &others.collect::<String>())
    }

    /// What is wanted for the next boot.
    pub fn next(&self) -> Result<Next, SystemError> {
        let text = self.text_of(NEXT)?;
        Ok(match text.as_deref().map(parse_id) {
            None => Next::Nothing,
            Some(None) => Next::Unreadable,
            Some(Some((name, which))) => Next::Once(name, which),
        })
    }

    /// Lets an environment boot next with this kernel, and only then.
    pub fn set_next(&self, name: &EnvName, which: WhichKernel) -> Result<(), SystemError> {
        drop(self.expect(name)?);
        if which == WhichKernel::Old && self.old_kernel(name)?.is_none() {
            return Err(SystemError::NoOldKernel { name: name.clone() });
        }
        self.write(NEXT, &(id(name, which) + "\n"))
    }

    /// Forgets what was wanted for the next boot.
    pub fn forget_next(&self) -> Result<(), SystemError> {
        match self.directory.kind_of(NEXT)? {
            None => return Ok(()),
            // Somebody's mistake must not be in the way of every boot.
            Some(EntryKind::Directory) => self.directory.remove_tree(NEXT)?,
            Some(_) => drop(self.directory.remove_if_there(NEXT)?),
        }
        Ok(self.directory.sync()?)
    }

    /// Does what a choice needs before it is followed: forgets the next boot, takes a try.
    ///
    /// Tells whether it could: where somebody else chose meanwhile, the choice is to be made anew.
    pub(super) fn follow(&self, choice: &Choice) -> Result<bool, SystemError> {
        if choice.forget_next {
            self.forget_next()?;
        }
        let Some(counter) = choice.counter else {
            return Ok(true);
        };
        let Some(found) = self.entry(&choice.name)? else {
            return Ok(false);
        };
        if found.counter != Some(counter) {
            return Ok(false);
        }
        let tried = file_name(&choice.name, Some(counter.tried()));
        match self.entries.rename(found.file(), &self.entries, &tried) {
            Ok(()) => {
                self.entries.sync()?;
                Ok(true)
            }
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what interrupted writes left; the caller holds the lock of the system.
    pub(super) fn sweep(&self) -> Result<(), SystemError> {
        for directory in [&self.directory, &self.entries] {
            for entry in directory.entries()? {
                let name = entry.name.to_string_lossy();
                if name.starts_with('.') && name.ends_with(".new") {
                    directory.remove_if_there(&entry.name)?;
                }
            }
        }
        Ok(())
    }

    fn expect(&self, name: &EnvName) -> Result<Found, SystemError> {
        let entry = self.entry(name)?;
        entry.ok_or_else(|| SystemError::NoEntry { name: name.clone() })
    }

    /// One rename; then whatever else there may be under the same name goes.
    fn set_counter(&self, name: &EnvName, counter: Option<Counter>) -> Result<(), SystemError> {
        let found = self.expect(name)?;
        let wanted = file_name(name, counter);
        if found.file() != wanted {
            self.entries.rename(found.file(), &self.entries, &wanted)?;
            self.entries.sync()?;
        }
        for file in found::files_of(&self.entries, name)? {
            if file != wanted {
                self.entries.remove_if_there(&file)?;
            }
        }
        Ok(())
    }

    fn text_of(&self, name: &str) -> Result<Option<String>, SystemError> {
        match self.directory.read_bounded(name, MAX_FILE) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.is_not_found() => Ok(None),
            // What cannot be read is no order; booting something good comes first.
            Err(error) if error.code() != "E_IO" => Ok(Some(String::new())),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<(), SystemError> {
        let name = Path::new(name);
        Ok(self
            .directory
            .replace_file(name, text.as_bytes(), FILE_MODE)?)
    }
}

/// What a line of `loader.conf` names as the default, if it is such a line.
fn default_of(line: &str) -> Option<&str> {
    let value = line.trim_start().strip_prefix("default")?;
    let is_key = value.is_empty() || value.starts_with(char::is_whitespace);
    is_key.then(|| value.trim())
}

#[cfg(test)]
mod tests;
