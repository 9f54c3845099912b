use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Entry, Journal, MAX_JOURNAL, Record, SCHEMA, parse};
use crate::fsio::{Dir, EntryKind, sync, sync_data};
use crate::upgrade::{Plan, UpgradeError};

/// Name of the journal of the running upgrade, or of the last one.
const JOURNAL: &str = "journal.jsonl";
/// Name of a journal that has no first line yet.
const NEW: &str = ".journal.jsonl.new";
/// Name of the directory of the journals of earlier upgrades.
const ARCHIVE: &str = "archive";
/// Name of the file that asks the engine to pause.
const PAUSE: &str = "pause";
/// Permissions of the journals.
const FILE_MODE: u32 = 0o600;
/// Permissions of the directory of archived ones.
const DIRECTORY_MODE: u32 = 0o700;

/// The journals of one system: `journal.jsonl` and `archive/NNNNNN.jsonl`.
#[derive(Debug)]
pub struct Journals {
    dir: Dir,
}

/// A journal of an earlier upgrade.
#[derive(Debug)]
pub struct Archived {
    /// Its number.
    pub number: u64,
    /// What it says, or why it cannot be read.
    pub records: Result<Vec<Record>, UpgradeError>,
}

impl Journals {
    /// Those in a system's directory of upgrades.
    pub fn new(dir: Dir) -> Self {
        Self { dir }
    }

    /// What the journal says, without opening it for more; none where there was no upgrade.
    pub fn read(&self) -> Result<Option<Vec<Record>>, UpgradeError> {
        match self.read_file(Path::new(JOURNAL)) {
            Ok(records) => Ok(Some(records)),
            Err(UpgradeError::Files(error)) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens the journal to go on with it; what was interrupted while it was written is cut off.
    ///
    /// The caller holds the lock of the system.
    pub fn open(&self) -> Result<Option<Journal>, UpgradeError> {
        let path = self.dir.path().join(JOURNAL);
        let bytes = match self.dir.read_bounded(JOURNAL, MAX_JOURNAL) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let file = self.dir.open_or_create_file(JOURNAL, FILE_MODE)?;
        let (records, length) = parse(&bytes).map_err(|detail| {
            let path = path.clone();
            UpgradeError::Journal { path, detail }
        })?;
        if length < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
            file.set_len(length)
                .map_err(crate::fsio::FsError::system("shorten", &path))?;
            sync_data(&file, &path)?;
        }
        Ok(Some(Journal {
            file,
            path,
            length,
            records,
        }))
    }

    /// Begins the journal of a new upgrade; the one of the last one is archived first.
    ///
    /// The caller holds the lock of the system, and nothing is under way.
    pub fn begin(&self, plan: Plan, now: Timestamp, actor: &str) -> Result<Journal, UpgradeError> {
        self.archive()?;
        self.ask_no_pause()?;
        let number = self.last()?.saturating_add(1);
        let record = Record {
            time: now,
            actor: actor.to_owned(),
            entry: Entry::Start {
                schema: SCHEMA,
                number,
                plan: Box::new(plan),
            },
        };
        let path = self.dir.path().join(JOURNAL);
        if self.dir.kind_of(NEW)?.is_some() {
            self.dir.remove_file(NEW)?;
        }
        let file = self.dir.create_file(NEW, FILE_MODE)?;
        let mut journal = Journal {
            file,
            path,
            length: 0,
            records: Vec::new(),
        };
        let begun = journal
            .append(record.time, actor, record.entry)
            .and_then(|()| Ok(sync(&journal.file, &journal.path)?))
            .and_then(|()| Ok(self.dir.rename_new(NEW, &self.dir, JOURNAL)?));
        if let Err(error) = begun {
            // The first failure is the one that matters; the next one to begin removes it.
            self.dir.remove_file(NEW).unwrap_or_default();
            return Err(error);
        }
        self.dir.sync()?;
        Ok(journal)
    }

    /// Moves the journal to the archive, if there is one; gives its number.
    ///
    /// The caller holds the lock of the system, and nothing is under way.
    pub fn archive(&self) -> Result<Option<u64>, UpgradeError> {
        let Some(records) = self.read()? else {
            return Ok(None);
        };
        let number = number(&records).unwrap_or_default();
        match self.dir.create_dir(ARCHIVE, DIRECTORY_MODE) {
            Ok(()) => self.dir.sync()?,
            Err(error) if error.is_exists() => {}
            Err(error) => return Err(error.into()),
        }
        let archive = self.dir.open_dir(ARCHIVE)?;
        self.dir.rename_new(JOURNAL, &archive, file_name(number))?;
        archive.sync()?;
        self.dir.sync()?;
        Ok(Some(number))
    }

    /// The archived journals, oldest first.
    pub fn archived(&self) -> Result<Vec<Archived>, UpgradeError> {
        let numbers = self.archived_numbers()?.into_iter();
        let read = |number| Archived {
            number,
            records: self.read_file(&Path::new(ARCHIVE).join(file_name(number))),
        };
        Ok(numbers.map(read).collect())
    }

    /// Asks the engine to pause before its next step.
    pub fn ask_pause(&self) -> Result<(), UpgradeError> {
        drop(self.dir.open_or_create_file(PAUSE, FILE_MODE)?);
        Ok(())
    }

    /// Takes that back.
    pub fn ask_no_pause(&self) -> Result<(), UpgradeError> {
        if self.is_pause_asked()? {
            self.dir.remove_file(PAUSE)?;
        }
        Ok(())
    }

    /// Whether somebody asked the engine to pause.
    pub fn is_pause_asked(&self) -> Result<bool, UpgradeError> {
        Ok(self.dir.kind_of(PAUSE)?.is_some())
    }

    /// The number of the last upgrade that is archived, or 0.
    fn last(&self) -> Result<u64, UpgradeError> {
        Ok(self.archived_numbers()?.pop().unwrap_or(0))
    }

    fn archived_numbers(&self) -> Result<Vec<u64>, UpgradeError> {
        let archive = match self.dir.open_dir(ARCHIVE) {
            Ok(archive) => archive,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let entries = archive.entries()?.into_iter();
        let mut numbers: Vec<_> = entries
            .filter(|entry| entry.kind == EntryKind::File)
            .filter_map(|entry| entry.name.to_str()?.strip_suffix(".jsonl")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn read_file(&self, name: &Path) -> Result<Vec<Record>, UpgradeError> {
        let bytes = self.dir.read_bounded(name, MAX_JOURNAL)?;
        parse(&bytes)
            .map(|(records, _)| records)
            .map_err(|detail| UpgradeError::Journal {
                path: self.dir.path().join(name),
                detail,
            })
    }
}

/// The number of the upgrade that a journal is of.
pub(crate) fn number(records: &[Record]) -> Option<u64> {
    match &records.first()?.entry {
        Entry::Start { number, .. } => Some(*number),
        _ => None,
    }
}

fn file_name(number: u64) -> PathBuf {
    format!("{number:06}.jsonl").into()
}
