//! The event log once more, as lines of text beside the database, for the day the database is lost.
//!
//! Only appended to, after the transaction that entered the events and under the same exclusive lock.
//! The database decides while it is sound: what the mirror lacks is appended at the next change, and a
//! mirror that says something else is set aside and written anew.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::{ChainFinding, Head, START, Stored, after, contains};
use crate::catalog::CatalogError;
use crate::catalog::database::Database;
use crate::catalog::layout::{EVENTS, FILE_MODE};
use crate::catalog::quarantine::{CONTENT, Reason, entries, set_aside};
use crate::fsio::{Dir, FsError, sync_data};

/// Most bytes appended before they are known to be on disk, except for a longer line.
///
/// A crash can have left any part of the last append undone, but nothing before it.
const TAIL: u64 = 64 << 10;
/// Longest line; far above what the values of an event come to.
const MAX_LINE: u64 = 16 << 20;
/// Most events held in memory at a time.
const BATCH: u32 = 256;

/// Appends what the mirror in `root` lacks; the caller holds the exclusive lock.
pub(in crate::catalog) fn catch_up(
    root: &Dir,
    database: &mut Database,
) -> Result<(), CatalogError> {
    let mut mirror = match Mirror::open(root)? {
        Some(mirror) if follows(database, &mirror.last)? => mirror,
        Some(_) => replace(root, database, "its last event is not in the database")?,
        None => replace(root, database, "its end is not a line of an event")?,
    };
    loop {
        let last = mirror.last.sequence;
        let events = database.read("read the event log", |transaction| {
            after(transaction, last, BATCH)
        })?;
        if events.is_empty() {
            return Ok(());
        }
        mirror.append(&events)?;
    }
}

/// Reads the mirror in `root` from its beginning; `None` if there is none.
pub(in crate::catalog) fn read(root: &Dir) -> Result<Option<Lines>, FsError> {
    let file = match root.open_file(EVENTS) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(Lines {
        reader: BufReader::new(file),
        path: root.path().join(EVENTS),
        number: 0,
        last: 0,
    }))
}

/// Compares the mirror in `root` with the log; the caller holds the catalog still.
pub(in crate::catalog) fn compare(
    root: &Dir,
    database: &mut Database,
) -> Result<Vec<ChainFinding>, CatalogError> {
    let mut lines = read(root)?.into_iter().flatten().peekable();
    let mut findings = Vec::new();
    let (mut number, mut expected) = (0_u64, Some(1));
    while let Some(line) = lines.next().transpose()? {
        number = number.saturating_add(1);
        let same = match line {
            Line::Event(event) => {
                let follows = expected.is_none_or(|expected| event.sequence == expected);
                expected = event.sequence.checked_add(1);
                follows && self::follows(database, &event.place())?
            }
            // The end may be torn: it is made whole at the next change.
            Line::Damaged { .. } => {
                expected = None;
                lines.peek().is_none()
            }
        };
        if !same {
            findings.push(ChainFinding::Mirror { line: number });
        }
    }
    Ok(findings)
}

/// One line of the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::catalog) enum Line {
    /// An event whose content has the hash it carries, and which comes after those before it.
    ///
    /// Whether it follows from the one before it is for [`super::verify`] to say.
    Event(Box<Stored>),
    /// Anything else.
    Damaged {
        /// The line, counted from 1.
        number: u64,
    },
}

/// The lines of a mirror, in their order.
#[derive(Debug)]
pub(in crate::catalog) struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    number: u64,
    last: u64,
}

impl Iterator for Lines {
    type Item = Result<Line, FsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = Vec::new();
        let mut limited = self.reader.by_ref().take(MAX_LINE);
        match limited.read_until(b'\n', &mut bytes) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => return Some(Err(FsError::system("read", &self.path)(error))),
        }
        self.number = self.number.saturating_add(1);
        let event = parse(&bytes).filter(|event| event.sequence > self.last);
        Some(Ok(match event {
            Some(event) => {
                self.last = event.sequence;
                Line::Event(Box::new(event))
            }
            None => Line::Damaged {
                number: self.number,
            },
        }))
    }
}

/// The mirror, opened for appending at its last whole line.
struct Mirror {
    file: File,
    path: PathBuf,
    end: u64,
    last: Head,
}

impl Mirror {
    /// Opens or makes the mirror and cuts off a line that is not whole; `None` if its end is damaged.
    fn open(root: &Dir) -> Result<Option<Self>, FsError> {
        let path = root.path().join(EVENTS);
        let fresh = root.kind_of(EVENTS)?.is_none();
        let file = root.open_or_create_file(EVENTS, FILE_MODE)?;
        if fresh {
            root.sync()?;
        }
        let length = file.metadata().map_err(FsError::system("examine", &path))?;
        let length = length.len();
        let Some((end, last)) = find_end(&file, length).map_err(FsError::system("read", &path))?
        else {
            return Ok(None);
        };
        let mut mirror = Self {
            file,
            path,
            end,
            last,
        };
        if end < length {
            mirror.cut()?;
        }
        Ok(Some(mirror))
    }

    fn append(&mut self, events: &[Stored]) -> Result<(), CatalogError> {
        let mut lines = Vec::new();
        let mut last = self.last;
        for event in events {
            let mut line = serde_json::to_vec(event).unwrap_or_default();
            line.push(b'\n');
            let together = lines.len().saturating_add(line.len());
            if !lines.is_empty() && u64::try_from(together).is_ok_and(|bytes| bytes > TAIL) {
                self.write(&lines, last)?;
                lines.clear();
            }
            lines.extend(line);
            last = event.place();
        }
        Ok(self.write(&lines, last)?)
    }

    /// Writes some lines, on disk when this returns.
    fn write(&mut self, lines: &[u8], last: Head) -> Result<(), FsError> {
        let written = (self.file.write_all_at(lines, self.end))
            .map_err(FsError::system("write to", &self.path))
            .and_then(|()| sync_data(&self.file, &self.path));
        if let Err(error) = written {
            // What could not be synced may be lost although it can be read: it is written once more.
            self.cut().unwrap_or_default();
            return Err(error);
        }
        let length = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        self.end = self.end.saturating_add(length);
        self.last = last;
        Ok(())
    }

    fn cut(&mut self) -> Result<(), FsError> {
        let cut = self.file.set_len(self.end);
        cut.map_err(FsError::system("shorten", &self.path))
    }
}

fn follows(database: &mut Database, last: &Head) -> Result<bool, CatalogError> {
    database.read("read the event log", |transaction| {
        contains(transaction, last)
    })
}

/// Moves a mirror away that cannot be gone on with, and begins another.
fn replace(root: &Dir, database: &mut Database, detail: &str) -> Result<Mirror, CatalogError> {
    let newest = super::read(database, Some(1))?;
    let time = newest.first().map(|event| event.time).unwrap_or_default();
    let hint = "compare it with `isi upgrade catalog history --format json`";
    let reason = Reason::new(time, Path::new(EVENTS), None, "E_EVENT_MIRROR", detail)
        .hint(Some(hint.to_owned()));
    let entry = entries(root)?.next.to_string();
    set_aside(root, Path::new(EVENTS), &entry, CONTENT, &reason)?;
    let path = root.path().join(EVENTS);
    Mirror::open(root)?.ok_or(CatalogError::WrongKind {
        path,
        expected: "the empty file it was a moment ago",
    })
}

/// Where the last whole line ends and what it holds.
///
/// `None` if the lines that a crash may have touched do not follow from each other.
fn find_end(file: &File, length: u64) -> std::io::Result<Option<(u64, Head)>> {
    let mut window = TAIL;
    loop {
        let start = length.saturating_sub(window);
        let mut bytes = vec![0; usize::try_from(length - start).unwrap_or_default()];
        file.read_exact_at(&mut bytes, start)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = whole.map_or(0, |place| place.saturating_add(1));
        bytes.truncate(whole);
        let end = start.saturating_add(u64::try_from(whole).unwrap_or_default());
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        if start > 0 {
            // The window begins somewhere within a line.
            lines.next();
        }
        let before = (start == 0).then_some(START);
        match chain(lines, before) {
            Ok(Some(last)) => return Ok(Some((end, last))),
            Ok(None) if window < MAX_LINE => window = window.saturating_mul(4),
            _ => return Ok(None),
        }
    }
}

/// The last of some lines that follow from each other; of no lines, what went before.
fn chain<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
    before: Option<Head>,
) -> Result<Option<Head>, Broken> {
    let mut last = before;
    for line in lines {
        let event = parse(line).ok_or(Broken)?;
        let expected = last.map(|last| (last.sequence.saturating_add(1), last.hash));
        if expected.is_some_and(|expected| expected != (event.sequence, event.previous)) {
            return Err(Broken);
        }
        last = Some(event.place());
    }
    Ok(last)
}

/// A line does not follow from the one before it.
struct Broken;

fn parse(line: &[u8]) -> Option<Stored> {
    let event: Stored = serde_json::from_slice(line).ok()?;
    event.is_intact().then_some(event)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{add, log};
    use super::*;

    type Change<'a> = Box<dyn Fn(&str) -> String + 'a>;

    fn path(home: &tempfile::TempDir) -> PathBuf {
        home.path().join("catalog").join(EVENTS)
    }

    fn lines(home: &tempfile::TempDir) -> Vec<Line> {
        let root = Dir::open(&home.path().join("catalog")).unwrap();
        let lines = read(&root).unwrap().unwrap();
        lines.map(Result::unwrap).collect()
    }

    fn events(home: &tempfile::TempDir) -> Vec<Stored> {
        let event = |line| match line {
            Line::Event(event) => *event,
            Line::Damaged { number } => panic!("line {number}"),
        };
        lines(home).into_iter().map(event).collect()
    }

    fn stored(database: &mut Database) -> Vec<Stored> {
        database
            .read("test", |transaction| after(transaction, 0, u32::MAX))
            .unwrap()
    }

    fn set_aside_mirrors(home: &tempfile::TempDir) -> Vec<Vec<u8>> {
        let quarantine = std::fs::read_dir(home.path().join("catalog/quarantine")).unwrap();
        quarantine
            .map(|entry| {
                let entry = entry.unwrap().path();
                let reason = std::fs::read_to_string(entry.join("reason.json")).unwrap();
                assert!(reason.contains("E_EVENT_MIRROR"), "{reason}");
                std::fs::read(entry.join("content")).unwrap()
            })
            .collect()
    }

    #[test]
    fn every_event_is_mirrored_to_the_letter() {
        let (home, mut database) = log(0);
        assert_eq!(std::fs::read(path(&home)).unwrap(), b"");
        for number in 1..=40 {
            add(&mut database, number);
        }
        assert_eq!(events(&home), stored(&mut database));
        assert_eq!(events(&home).len(), 40);
    }

    #[test]
    fn what_a_crash_left_out_is_caught_up_on_and_a_torn_line_is_cut_off() {
        let (home, mut database) = log(6);
        let whole = std::fs::read(path(&home)).unwrap();
        let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let third = ends.map(|(place, _)| place + 1).nth(2).unwrap();
        let mut number = 6;
        for cut in [
            0,
            1,
            third - 1,
            third,
            third + 1,
            third + 30,
            whole.len() - 1,
        ] {
            let whole = std::fs::read(path(&home)).unwrap();
            std::fs::write(path(&home), &whole[..cut]).unwrap();
            number += 1;
            add(&mut database, number);
            assert_eq!(events(&home), stored(&mut database), "{cut}");
        }
        std::fs::remove_file(path(&home)).unwrap();
        add(&mut database, number + 1);
        assert_eq!(events(&home), stored(&mut database));
        assert_eq!(set_aside_mirrors(&home).len(), 0);
    }

    #[test]
    fn a_mirror_that_says_something_else_is_set_aside_and_written_anew() {
        let (_other, mut other) = log(0);
        add(&mut other, 77);
        let foreign = serde_json::to_string(&stored(&mut other)[0]).unwrap() + "\n";
        let makers: [(&str, Change<'_>); 6] = [
            ("garbage", Box::new(|_| "x\n".to_owned())),
            ("of another catalog", Box::new(|_| foreign.clone())),
            ("changed", Box::new(|text| text.replace("import", "remove"))),
            (
                "a line less",
                Box::new(|text| {
                    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
                    lines.remove(1);
                    lines.concat()
                }),
            ),
            ("a line more", Box::new(|text| text.to_owned() + &foreign)),
            ("no line at all", Box::new(|text| text.to_owned() + "\n")),
        ];
        for (what, make) in makers {
            let (home, mut database) = log(5);
            let changed = make(&std::fs::read_to_string(path(&home)).unwrap());
            std::fs::write(path(&home), &changed).unwrap();
            add(&mut database, 6);
            assert_eq!(events(&home), stored(&mut database), "{what}");
            assert_eq!(set_aside_mirrors(&home), [changed.as_bytes()], "{what}");
            add(&mut database, 7);
            assert_eq!(events(&home), stored(&mut database), "{what}");
            assert_eq!(set_aside_mirrors(&home).len(), 1, "{what}");
        }
    }

    #[test]
    fn a_mirror_ahead_of_an_older_database_is_set_aside() {
        let (home, mut database) = log(3);
        let (old, copy) = (
            home.path().join("catalog/catalog.db"),
            home.path().join("copy"),
        );
        std::fs::copy(&old, &copy).unwrap();
        add(&mut database, 4);
        let ahead = std::fs::read(path(&home)).unwrap();
        drop(database);
        std::fs::copy(&copy, &old).unwrap();
        let layout = crate::catalog::layout::Layout::open(&home.path().join("catalog")).unwrap();
        let mut database = Database::open(&layout).unwrap();
        add(&mut database, 5);
        assert_eq!(events(&home), stored(&mut database));
        assert_eq!(set_aside_mirrors(&home), [ahead]);
    }

    #[test]
    fn lines_longer_than_the_part_that_is_looked_at_are_found() {
        let (home, mut database) = log(1);
        for length in [70_000, 200_000, 10] {
            database
                .write("test", |transaction| {
                    let event = super::super::NewEvent {
                        time: jiff::Timestamp::UNIX_EPOCH,
                        kind: "import",
                        subject: "",
                        actor: "\"\u{1}",
                        details: serde_json::json!({ "text": "x".repeat(length) }),
                    };
                    (0..3).try_for_each(|_| super::super::append(transaction, &event))
                })
                .unwrap();
            assert_eq!(events(&home), stored(&mut database));
        }
        assert_eq!(set_aside_mirrors(&home).len(), 0);
    }

    #[test]
    fn a_mirror_that_differs_anywhere_is_found_and_one_that_is_behind_is_not() {
        let (home, mut database) = log(6);
        let root = Dir::open(&home.path().join("catalog")).unwrap();
        let whole = std::fs::read_to_string(path(&home)).unwrap();
        let lines: Vec<_> = whole.split_inclusive('\n').collect();
        let changed = lines[1].replace("import", "remove");
        for (text, found) in [
            (whole.clone(), &[][..]),
            (String::new(), &[]),
            (lines[..4].concat(), &[]),
            (whole[..whole.len() - 5].to_owned(), &[]),
            (lines[0].to_owned() + &changed + &lines[2..].concat(), &[2]),
            (lines[0].to_owned() + &lines[2..].concat(), &[2]),
            (lines[1..].concat(), &[1]),
            (lines[0].to_owned() + &whole, &[2]),
        ] {
            std::fs::write(path(&home), &text).unwrap();
            let findings = compare(&root, &mut database).unwrap();
            let line = |line: &u64| ChainFinding::Mirror { line: *line };
            let expected: Vec<_> = found.iter().map(line).collect();
            assert_eq!(findings, expected, "{text}");
        }
        std::fs::remove_file(path(&home)).unwrap();
        assert_eq!(compare(&root, &mut database).unwrap(), []);
    }

    #[test]
    fn a_damaged_line_is_told_and_the_others_are_read() {
        let (home, mut database) = log(5);
        let text = std::fs::read_to_string(path(&home)).unwrap();
        let mut lines_of: Vec<_> = text.lines().collect();
        lines_of[1] = "{}";
        lines_of.insert(3, lines_of[0]);
        std::fs::write(path(&home), lines_of.join("\n")).unwrap();
        let events = stored(&mut database);
        let event = |index: usize| Line::Event(Box::new(events[index].clone()));
        let damaged = |number| Line::Damaged { number };
        assert_eq!(
            lines(&home),
            [
                event(0),
                damaged(2),
                event(2),
                damaged(4),
                event(3),
                event(4)
            ]
        );
    }
}
