use super::entry::{old_file_name, parse_file_name, parse_old_file_name};
use super::{Counter, Entry, MAX_FILE, WhichKernel};
use crate::fsio::{Dir, EntryKind};
use crate::system::{EnvName, SystemError};

/// How often the entries are read anew while somebody else renames one.
const ATTEMPTS: u32 = 32;

/// An entry as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it says.
    pub entry: Entry,
    /// How often it may still be tried; `None`: it is good.
    pub counter: Option<Counter>,
    file: String,
}

impl Found {
    /// The name of its file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether it needs no more tries.
    pub fn is_good(&self) -> bool {
        self.counter.is_none()
    }
}

/// Every environment's entry, in the order of their names.
///
/// There is one file for each. Should there be more, the one that promises least counts: the one with the
/// fewest tries left, and a good one last.
pub(super) fn all(entries: &Dir) -> Result<Vec<Found>, SystemError> {
    let mut attempt = 0;
    let mut found = loop {
        match read_all(entries) {
            // Renamed between listing and reading: it is there under another name.
            Err(error) if error.is_not_found() && attempt < ATTEMPTS => attempt += 1,
            read => break read?,
        }
    };
    let least = |found: &Found| {
        found
            .counter
            .map_or(u64::MAX, |counter| counter.left.into())
    };
    found.sort_by(|one, other| {
        let names = one.entry.name.cmp(&other.entry.name);
        names.then_with(|| (least(one), &one.file).cmp(&(least(other), &other.file)))
    });
    found.dedup_by(|later, first| later.entry.name == first.entry.name);
    Ok(found)
}

fn read_all(entries: &Dir) -> Result<Vec<Found>, SystemError> {
    let read = files(entries)?.into_iter().map(|(name, counter, file)| {
        let bytes = match entries.read_bounded(&file, MAX_FILE) {
            Err(error) if error.is_not_found() => return Err(error.into()),
            // What counts is in the name; without its content an environment has no kernel of its own.
            read => read.unwrap_or_default(),
        };
        Ok(Found {
            entry: Entry::parse(name, WhichKernel::Own, &String::from_utf8_lossy(&bytes)),
            counter,
            file,
        })
    });
    read.collect()
}

/// The entry that boots an environment with its old kernel, if it has one.
pub(super) fn old(entries: &Dir, name: &EnvName) -> Result<Option<Entry>, SystemError> {
    let file = old_file_name(name);
    if entries.kind_of(&file)? != Some(EntryKind::File) {
        return Ok(None);
    }
    let bytes = match entries.read_bounded(&file, MAX_FILE) {
        Err(error) if error.is_not_found() => return Ok(None),
        // As of every entry; without its content it names no kernel, and then it is none.
        read => read.unwrap_or_default(),
    };
    let text = String::from_utf8_lossy(&bytes);
    let entry = Entry::parse(name.clone(), WhichKernel::Old, &text);
    Ok(entry.kernel.is_some().then_some(entry))
}

/// The environments that have a file for such an entry, whatever is in it.
pub(super) fn with_old(entries: &Dir) -> Result<Vec<EnvName>, SystemError> {
    let all = entries.entries()?.into_iter();
    let files = all.filter(|entry| entry.kind == EntryKind::File);
    let names = files.filter_map(|entry| parse_old_file_name(entry.name.to_str()?));
    Ok(names.collect())
}

/// The files that are entries of this environment.
pub(super) fn files_of(entries: &Dir, name: &EnvName) -> Result<Vec<String>, SystemError> {
    let all = files(entries)?.into_iter();
    Ok(all
        .filter(|(of, _, _)| of == name)
        .map(|(_, _, file)| file)
        .collect())
}

fn files(entries: &Dir) -> Result<Vec<(EnvName, Option<Counter>, String)>, SystemError> {
    let all = entries.entries()?.into_iter();
    let files = all.filter(|entry| entry.kind == EntryKind::File);
    Ok(files
        .filter_map(|entry| {
            let file = entry.name.into_string().ok()?;
            let (name, counter) = parse_file_name(&file)?;
            Some((name, counter, file))
        })
        .collect())
}
