use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::line::{self, Bounds, Letter};
use super::{ListError, ListRule};
use crate::payload::limits::MAX_LIST_LENGTH;
use crate::payload::{EntryPath, FileKind, FileTable, PayloadError};

/// What an installation removes because the new system has no use for it: paths, one a line.
///
/// A slash at the end means a directory, which is only ever removed when nothing is left in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObsoleteList {
    files: BTreeSet<EntryPath>,
    directories: BTreeSet<EntryPath>,
}

impl ObsoleteList {
    /// Reads a list; refuses it as a whole if one line is not clear.
    pub fn parse(bytes: &[u8]) -> Result<Self, ListError> {
        let bounds = Bounds {
            of: "obsolete list",
            bytes: MAX_LIST_LENGTH,
            lines: MAX_LIST_LENGTH,
        };
        let mut list = Self::default();
        line::for_each(bytes, bounds, |letters| list.take(letters))?;
        Ok(list)
    }

    /// What the payload of `old` has and that of `new` has not.
    pub fn between(old: &FileTable, new: &FileTable) -> Self {
        let mut list = Self::default();
        let gone = old.entries().iter();
        for entry in gone.filter(|entry| new.find(entry.path.as_bytes()).is_none()) {
            let kept = if entry.kind == FileKind::Directory {
                &mut list.directories
            } else {
                &mut list.files
            };
            kept.insert(entry.path.clone());
        }
        list
    }

    /// Everything that is no directory.
    pub fn files(&self) -> &BTreeSet<EntryPath> {
        &self.files
    }

    /// The directories.
    pub fn directories(&self) -> &BTreeSet<EntryPath> {
        &self.directories
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.directories.is_empty()
    }

    /// Adds all that `other` lists.
    pub fn extend(&mut self, other: Self) {
        self.files.extend(other.files);
        self.directories.extend(other.directories);
    }

    /// The first listed path that `table` has as just that, a file or a directory: a contradiction.
    pub fn contradicts<'a>(&self, table: &'a FileTable) -> Option<&'a EntryPath> {
        let entries = table.entries().iter();
        let mut listed = entries.filter(|entry| {
            let kept = if entry.kind == FileKind::Directory {
                &self.directories
            } else {
                &self.files
            };
            kept.contains(&entry.path)
        });
        listed.next().map(|entry| &entry.path)
    }

    /// The text of the list: sorted, files first; fails where a reader would refuse it for its length.
    pub fn encode(&self) -> Result<Vec<u8>, PayloadError> {
        let mut text = String::new();
        for path in &self.files {
            text.push_str(&line_of(path, ""));
        }
        for path in &self.directories {
            text.push_str(&line_of(path, "/"));
        }
        if text.len() > MAX_LIST_LENGTH {
            let wide = |length| u64::try_from(length).unwrap_or(u64::MAX);
            return Err(PayloadError::TooLarge {
                what: "bytes of obsolete list".to_owned(),
                limit: wide(MAX_LIST_LENGTH),
                found: wide(text.len()),
            });
        }
        Ok(text.into_bytes())
    }

    fn take(&mut self, letters: &[Letter]) -> Result<(), ListRule> {
        let (letters, is_directory) = match letters {
            [rest @ .., slash] if slash.is(b'/') => (rest, true),
            all => (all, false),
        };
        let bytes: Vec<u8> = letters.iter().map(|letter| letter.byte).collect();
        let path = EntryPath::new(&bytes)?;
        if is_directory {
            self.directories.insert(path);
        } else {
            self.files.insert(path);
        }
        Ok(())
    }
}

/// The line that stands for `path`: what is not plain is escaped.
fn line_of(path: &EntryPath, end: &str) -> String {
    let mut line = String::new();
    for &byte in path.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-+:=@%,~".contains(&byte) {
            line.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            write!(line, "\\x{byte:02x}").unwrap_or_default();
        }
    }
    line.push_str(end);
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{DeviceNumber, FileEntry, Mtime};

    fn table(paths: &[&str]) -> FileTable {
        let entry = |path: &&str| FileEntry {
            path: EntryPath::new(path.trim_end_matches('/').as_bytes()).unwrap(),
            kind: if path.ends_with('/') {
                FileKind::Directory
            } else {
                FileKind::CharacterDevice(DeviceNumber { major: 1, minor: 3 })
            },
            mode: 0o755,
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            xattrs: Vec::new(),
        };
        FileTable::new(paths.iter().map(entry).collect()).unwrap()
    }

    fn lines(list: &ObsoleteList) -> String {
        String::from_utf8(list.encode().unwrap()).unwrap()
    }

    #[test]
    fn what_a_release_dropped_is_found() {
        let old = table(&["a/", "a/x", "a/y", "b/", "b/c/", "b/c/z", "t/"]);
        let new = table(&["a/", "a/y", "n", "t"]);
        let list = ObsoleteList::between(&old, &new);
        assert_eq!(lines(&list), "a/x\nb/c/z\nb/\nb/c/\n");
        assert!(ObsoleteList::between(&old, &old).is_empty());
        assert_eq!(list.contradicts(&new), None);
        assert_eq!(list.contradicts(&old).unwrap().to_string(), "a/x");
    }

    #[test]
    fn a_list_reads_back_whatever_the_names_are() {
        let mut list = ObsoleteList::default();
        for name in [
            &b"a b"[..],
            b"#c",
            b"\n",
            b"\xff",
            b"\\",
            b"*",
            b"a/b/c",
            b" x ",
        ] {
            list.files.insert(EntryPath::new(name).unwrap());
            list.directories.insert(EntryPath::new(name).unwrap());
        }
        assert_eq!(ObsoleteList::parse(&list.encode().unwrap()), Ok(list));
    }

    #[test]
    fn lines_are_plain_paths() {
        let list = ObsoleteList::parse(b"# gone\n./a/*\n/b/\n").unwrap();
        assert_eq!(lines(&list), "a/\\x2a\nb/\n");
        for (text, code) in [
            ("../x", "E_NAME"),
            ("a/../../x", "E_NAME"),
            ("//etc/passwd", "E_NAME"),
            ("/", "E_NAME"),
            ("a/./b", "E_NAME"),
            ("a//", "E_NAME"),
            ("\\", "E_LIST"),
        ] {
            let error = ObsoleteList::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
        }
    }

    #[test]
    fn c08_an_escaped_slash_is_still_a_slash() {
        let error = ObsoleteList::parse(b"a\\x2f..\\x2fb").unwrap_err();
        assert_eq!(error.code(), "E_NAME");
        let error = ObsoleteList::parse(b"\\x2fetc").unwrap_err();
        assert_eq!(error.code(), "E_NAME");
    }

    #[test]
    fn a_list_is_as_long_as_a_reader_accepts() {
        let mut text = vec![b'#'; MAX_LIST_LENGTH];
        assert!(ObsoleteList::parse(&text).is_ok());
        text.push(b'#');
        assert_eq!(
            ObsoleteList::parse(&text).unwrap_err().code(),
            "E_TOO_LARGE"
        );
    }
}
