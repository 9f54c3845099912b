use std::os::unix::ffi::OsStrExt as _;

use super::convert::wide;
use super::entry::{FileEntry, FileKind};
use super::limits::{
    MAX_DEVICE_NUMBER, MAX_ENTRIES, MAX_PATH_LENGTH, MAX_STREAM_LENGTH, MAX_XATTR_NAME_LENGTH,
    MAX_XATTR_VALUE_LENGTH, MAX_XATTRS, MAX_XATTRS_LENGTH,
};
use super::name::{NameRule, escaped, tree_order};
use super::table_codec::{self, layout};
use super::{PayloadError, tar_header};
use crate::digest::Sha256Digest;

/// All entries of a payload, in the order of their paths, which is that of the tar stream.
///
/// A value of this type obeys every rule of `format-spec/file-table.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTable {
    entries: Vec<FileEntry>,
    places: Vec<Place>,
    stream_length: u64,
}

/// Where an entry stands in the tar stream, in bytes from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Where its headers begin.
    pub headers: u64,
    /// Where its contents begin; where its headers end, if it has none.
    pub data: u64,
}

impl FileTable {
    /// Checks `entries` against every rule and keeps them.
    pub fn new(entries: Vec<FileEntry>) -> Result<Self, PayloadError> {
        check_count(wide(entries.len()))?;
        let mut builder = TableBuilder::with_capacity(entries.len());
        for entry in entries {
            builder.push(entry)?;
        }
        builder.finish()
    }

    /// The entries, in the order of their paths.
    pub fn entries(&self) -> &[FileEntry] {
        &self.entries
    }

    /// Where the entries stand in the tar stream, in the same order.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The length of the tar stream in bytes, with its end-of-archive marker.
    pub const fn stream_length(&self) -> u64 {
        self.stream_length
    }

    /// The number of the entry whose path has these bytes.
    pub fn find(&self, path: &[u8]) -> Option<usize> {
        find(&self.entries, path)
    }

    /// The encoded table: the one there is for these entries.
    pub fn encode(&self) -> Vec<u8> {
        table_codec::encode(self)
    }

    /// Reads an encoded table; refuses every encoding but the one that [`Self::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        table_codec::decode(bytes)
    }

    /// Notes the digest of a regular file once its contents have been read.
    pub(super) fn set_digest(&mut self, number: usize, digest: Sha256Digest) {
        let kind = self.entries.get_mut(number).map(|entry| &mut entry.kind);
        if let Some(FileKind::Regular { sha256, .. }) = kind {
            *sha256 = digest;
        }
    }
}

pub(super) fn check_count(found: u64) -> Result<(), PayloadError> {
    if found > MAX_ENTRIES {
        let (what, limit) = ("entries in the file table".to_owned(), MAX_ENTRIES);
        return Err(PayloadError::TooLarge { what, limit, found });
    }
    Ok(())
}

fn find(entries: &[FileEntry], path: &[u8]) -> Option<usize> {
    entries
        .binary_search_by(|entry| tree_order(entry.path.as_bytes(), path))
        .ok()
}

/// A table that grows entry by entry and checks each as it comes.
#[derive(Debug)]
pub(super) struct TableBuilder {
    entries: Vec<FileEntry>,
    places: Vec<Place>,
    /// Where the next entry's headers begin in the tar stream.
    next: u64,
    /// Where the next entry begins in the encoded table.
    offset: u64,
    headers: Vec<u8>,
}

impl TableBuilder {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            entries: Vec::with_capacity(count),
            places: Vec::with_capacity(count),
            next: 0,
            offset: wide(layout::HEADER_LENGTH),
            headers: Vec::new(),
        }
    }

    /// Adds an entry and says where it stands in the tar stream.
    pub(super) fn push(&mut self, entry: FileEntry) -> Result<Place, PayloadError> {
        let rules = Rules {
            entry: &entry,
            offset: self.offset,
        };
        rules.check_order(self.entries.last())?;
        rules.check_parent(&self.entries)?;
        rules.check_numbers()?;
        rules.check_xattrs()?;
        rules.check_link(&self.entries)?;
        self.headers.clear();
        tar_header::append(&entry, &mut self.headers);
        let data = self.next + wide(self.headers.len());
        let size = entry.kind.size();
        let end = data
            .checked_add(size)
            .filter(|end| *end <= MAX_STREAM_LENGTH)
            .map(|end| end + tar_header::padding(size))
            .filter(|end| end + tar_header::END_LENGTH <= MAX_STREAM_LENGTH);
        let Some(end) = end else {
            let what = format!("bytes of tar stream up to the end of \"{}\"", entry.path);
            let (limit, found) = (MAX_STREAM_LENGTH, data.saturating_add(size));
            return Err(PayloadError::TooLarge { what, limit, found });
        };
        let place = Place {
            headers: self.next,
            data,
        };
        self.next = end;
        self.offset += wide(table_codec::encoded_length(&entry));
        self.entries.push(entry);
        self.places.push(place);
        Ok(place)
    }

    pub(super) fn finish(self) -> Result<FileTable, PayloadError> {
        let length = self.offset;
        table_codec::check_length(length)?;
        Ok(FileTable {
            entries: self.entries,
            places: self.places,
            stream_length: self.next + tar_header::END_LENGTH,
        })
    }
}

/// The rules one entry has to obey, given those before it.
struct Rules<'a> {
    entry: &'a FileEntry,
    /// Where the entry begins in the encoded table.
    offset: u64,
}

impl Rules<'_> {
    fn check_order(&self, before: Option<&FileEntry>) -> Result<(), PayloadError> {
        let Some(before) = before else { return Ok(()) };
        match before.path.cmp(&self.entry.path) {
            std::cmp::Ordering::Less => Ok(()),
            std::cmp::Ordering::Equal => Err(self.name(NameRule::Duplicate)),
            std::cmp::Ordering::Greater => {
                let expected = format!("a path after \"{}\"", before.path);
                let found = format!("\"{}\"", self.entry.path);
                Err(self.flaw_behind("path", expected, found))
            }
        }
    }

    fn check_parent(&self, before: &[FileEntry]) -> Result<(), PayloadError> {
        let Some(parent) = self.entry.path.parent() else {
            return Ok(());
        };
        // Most entries share the directory of the entry before them, which has been checked.
        let last = before.last();
        let known = last.is_some_and(|last| last.path.parent() == Some(parent));
        let found = || find(before, parent).and_then(|number| before.get(number));
        if known || found().is_some_and(|entry| entry.kind == FileKind::Directory) {
            Ok(())
        } else {
            Err(self.name(NameRule::NotBelowDirectory))
        }
    }

    fn check_numbers(&self) -> Result<(), PayloadError> {
        let entry = self.entry;
        if entry.mode > 0o7777 {
            let expected = "at most 7777 (octal)".to_owned();
            return Err(self.flaw(layout::MODE, expected, format!("{:o}", entry.mode)));
        }
        if matches!(entry.kind, FileKind::Symlink { .. }) && entry.mode != 0o777 {
            let expected = "777 (octal) for a symbolic link".to_owned();
            return Err(self.flaw(layout::MODE, expected, format!("{:o}", entry.mode)));
        }
        for (field, id) in [(layout::UID, entry.uid), (layout::GID, entry.gid)] {
            if id == u32::MAX {
                let expected = format!("at most {}", u32::MAX - 1);
                return Err(self.flaw(field, expected, id.to_string()));
            }
        }
        let nanoseconds = entry.mtime.nanoseconds;
        if nanoseconds > 999_999_999 {
            let expected = "at most 999999999".to_owned();
            return Err(self.flaw(layout::MTIME_NANOSECONDS, expected, nanoseconds.to_string()));
        }
        if let FileKind::CharacterDevice(number) | FileKind::BlockDevice(number) = entry.kind {
            let fields = [
                (layout::DEVICE_MAJOR, number.major),
                (layout::DEVICE_MINOR, number.minor),
            ];
            for (field, value) in fields {
                if value > MAX_DEVICE_NUMBER {
                    let expected = format!("at most {MAX_DEVICE_NUMBER}");
                    return Err(self.flaw(field, expected, value.to_string()));
                }
            }
        }
        Ok(())
    }

    fn check_xattrs(&self) -> Result<(), PayloadError> {
        let xattrs = &self.entry.xattrs;
        self.check_size("extended attributes", xattrs.len(), MAX_XATTRS)?;
        let (mut total, mut before) = (0, None);
        for xattr in xattrs {
            let name = xattr.name.as_bytes();
            if name.is_empty() || name.contains(&0) {
                let expected = "a name without NUL".to_owned();
                let found = format!("\"{}\"", escaped(name));
                return Err(self.flaw_behind("attribute name", expected, found));
            }
            if before.is_some_and(|before| before >= name) {
                let expected = "names in ascending order, each once".to_owned();
                let found = format!("\"{}\"", escaped(name));
                return Err(self.flaw_behind("attribute name", expected, found));
            }
            let what = "bytes in the name of an extended attribute";
            self.check_size(what, name.len(), MAX_XATTR_NAME_LENGTH)?;
            let what = "bytes in the value of an extended attribute";
            self.check_size(what, xattr.value.len(), MAX_XATTR_VALUE_LENGTH)?;
            total += name.len() + xattr.value.len();
            before = Some(name);
        }
        self.check_size("bytes of extended attributes", total, MAX_XATTRS_LENGTH)
    }

    fn check_link(&self, before: &[FileEntry]) -> Result<(), PayloadError> {
        match &self.entry.kind {
            FileKind::Symlink { target } => {
                let target = target.as_bytes();
                let rule = match target {
                    [] => NameRule::Empty,
                    long if long.len() > MAX_PATH_LENGTH => NameRule::TooLong(long.len()),
                    bytes if bytes.contains(&0) => NameRule::Nul,
                    _ => return Ok(()),
                };
                Err(self.target(target, rule))
            }
            FileKind::HardLink { target } => {
                let target = target.as_bytes();
                let file = find(before, target)
                    .and_then(|number| before.get(number))
                    .filter(|file| matches!(file.kind, FileKind::Regular { .. }))
                    .ok_or_else(|| self.target(target, NameRule::NoSuchFile))?;
                self.check_same_inode(file)
            }
            _ => Ok(()),
        }
    }

    /// Both names of a file say the same about it, so that they cannot disagree.
    fn check_same_inode(&self, file: &FileEntry) -> Result<(), PayloadError> {
        let entry = self.entry;
        let time = |entry: &FileEntry| entry.mtime.seconds.to_string();
        let pairs = [
            (
                layout::MODE,
                format!("{:o}", file.mode),
                format!("{:o}", entry.mode),
            ),
            (layout::UID, file.uid.to_string(), entry.uid.to_string()),
            (layout::GID, file.gid.to_string(), entry.gid.to_string()),
            (layout::MTIME_SECONDS, time(file), time(entry)),
            (
                layout::MTIME_NANOSECONDS,
                file.mtime.nanoseconds.to_string(),
                entry.mtime.nanoseconds.to_string(),
            ),
            (
                layout::XATTR_COUNT,
                "0".to_owned(),
                entry.xattrs.len().to_string(),
            ),
        ];
        for (field, expected, found) in pairs {
            if expected != found {
                let expected = format!("{expected}, as for \"{}\"", file.path);
                return Err(self.flaw(field, expected, found));
            }
        }
        Ok(())
    }

    fn check_size(&self, what: &str, found: usize, limit: usize) -> Result<(), PayloadError> {
        if found > limit {
            let what = format!("{what} of \"{}\"", self.entry.path);
            let (limit, found) = (wide(limit), wide(found));
            return Err(PayloadError::TooLarge { what, limit, found });
        }
        Ok(())
    }

    fn flaw(&self, field: super::Field, expected: String, found: String) -> PayloadError {
        PayloadError::Table {
            offset: self.offset + wide(field.offset),
            field: field.name,
            expected,
            found,
        }
    }

    /// A flaw of the parts behind the fixed fields.
    fn flaw_behind(&self, field: &'static str, expected: String, found: String) -> PayloadError {
        PayloadError::Table {
            offset: self.offset + wide(layout::ENTRY_LENGTH),
            field,
            expected,
            found,
        }
    }

    fn name(&self, rule: NameRule) -> PayloadError {
        name_error(self.offset, "path", self.entry.path.as_bytes(), rule)
    }

    fn target(&self, target: &[u8], rule: NameRule) -> PayloadError {
        name_error(self.offset, "link target", target, rule)
    }
}

/// A refused name of the entry that begins at `offset` of the encoded table.
pub(super) fn name_error(
    offset: u64,
    field: &'static str,
    name: &[u8],
    rule: NameRule,
) -> PayloadError {
    PayloadError::Name {
        of: "file table",
        offset,
        field,
        name: escaped(name),
        rule,
    }
}
