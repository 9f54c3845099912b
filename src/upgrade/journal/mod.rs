//! The journal of an upgrade: each step is written down before it is begun and when it is done.
//!
//! One JSON object a line, on disk (`fdatasync`) before anything follows from it. What follows the last
//! whole line was interrupted and counts as not written.

mod entry;
mod files;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use jiff::Timestamp;

pub use self::entry::{Entry, Outcome, Record};
pub(crate) use self::files::number;
pub use self::files::{Archived, Journals};
use super::UpgradeError;
use crate::fsio::{FsError, sync_data};

/// Version of the form of a journal.
pub const SCHEMA: u32 = 1;
/// Most bytes of a journal; one of an ordinary upgrade has a few thousand.
pub const MAX_JOURNAL: u64 = 16 << 20;

/// An open journal: everything that was written, and the way to write more.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    length: u64,
    records: Vec<Record>,
}

impl Journal {
    /// What was written so far, oldest first.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Writes a record; it is on disk when this returns.
    ///
    /// What was not written whole is cut off at once, or when the journal is opened the next time.
    pub fn append(
        &mut self,
        time: Timestamp,
        actor: &str,
        entry: Entry,
    ) -> Result<(), UpgradeError> {
        let record = Record {
            time,
            actor: actor.to_owned(),
            entry,
        };
        let mut line = serde_json::to_vec(&record).map_err(|error| self.damaged(&error))?;
        line.push(b'\n');
        let written = (self.file.write_all_at(&line, self.length))
            .map_err(FsError::system("write to", &self.path))
            .and_then(|()| sync_data(&self.file, &self.path));
        if let Err(error) = written {
            // A failure of this is no news: opening cuts it off, too.
            self.file.set_len(self.length).unwrap_or_default();
            return Err(error.into());
        }
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(length);
        self.records.push(record);
        Ok(())
    }

    fn damaged(&self, error: &impl ToString) -> UpgradeError {
        UpgradeError::Journal {
            path: self.path.clone(),
            detail: error.to_string(),
        }
    }
}

/// The records of a journal's bytes, and how many of the bytes they are.
///
/// A last line that is not whole or makes no sense was interrupted by a kill or a power cut; any other one
/// like that is damage.
fn parse(bytes: &[u8]) -> Result<(Vec<Record>, u64), String> {
    let mut records = Vec::new();
    let mut good = 0_u64;
    let mut bad: Option<String> = None;
    for (number, line) in (1_u64..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        if let Some(problem) = bad {
            return Err(problem);
        }
        match serde_json::from_slice(line) {
            Ok(record) if line.ends_with(b"\n") => {
                records.push(record);
                good = good.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
            }
            Ok(_) => bad = Some(format!("line {number} does not end")),
            Err(error) => bad = Some(format!("line {number}: {error}")),
        }
    }
    match records.first().map(|record: &Record| &record.entry) {
        Some(Entry::Start { schema, .. }) if *schema == SCHEMA => Ok((records, good)),
        Some(Entry::Start { schema, .. }) => Err(format!(
            "it has schema {schema}: this program knows schema {SCHEMA}"
        )),
        _ => Err("it does not begin with a start".to_owned()),
    }
}
