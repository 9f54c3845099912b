//! The headers of one entry in the tar stream: a function of its file table entry and nothing else.
//!
//! Writer and reader both call it, so the reader never parses a header of a payload with an index:
//! it compares. POSIX.1-2001 interchange format (ustar and PAX), as the specification lays down.

use std::os::unix::ffi::OsStrExt as _;

use super::convert::wide;
use super::entry::{DeviceNumber, FileEntry, FileKind, Mtime};

/// Bytes of a tar block.
pub(super) const BLOCK: u64 = 512;

/// Bytes of the end-of-archive marker: two blocks of zeros.
pub(super) const END_LENGTH: u64 = 2 * BLOCK;

const NAME_FIELD: usize = 100;
const HIGHEST_ID: u32 = 0o7_777_777;
const HIGHEST_SIZE: u64 = 0o77_777_777_777;
const HIGHEST_TIME: i64 = 0o77_777_777_777;

/// Appends the headers of `entry` to `out`: a PAX header if needed, then a ustar header.
pub(super) fn append(entry: &FileEntry, out: &mut Vec<u8>) {
    let mut name = entry.path.as_bytes().to_vec();
    if entry.kind == FileKind::Directory {
        name.push(b'/');
    }
    let records = pax_records(entry, &name);
    if !records.is_empty() {
        let mut header = Header::new(b'x', b"././@PaxHeader");
        header.number(MODE, 0o644);
        header.number(SIZE, wide(records.len()));
        header.finish(out);
        out.extend_from_slice(&records);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    let mut header = Header::new(type_flag(&entry.kind), &name);
    header.text(LINK, link_target(&entry.kind));
    header.number(MODE, u64::from(entry.mode));
    header.number(UID, small_id(entry.uid));
    header.number(GID, small_id(entry.gid));
    header.number(SIZE, small_size(entry.kind.size()));
    header.number(MTIME, small_time(entry.mtime));
    if let FileKind::CharacterDevice(number) | FileKind::BlockDevice(number) = entry.kind {
        let DeviceNumber { major, minor } = number;
        header.number(MAJOR, u64::from(major));
        header.number(MINOR, u64::from(minor));
    }
    header.finish(out);
}

/// The bytes of zeros that follow `size` bytes of contents.
pub(super) fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK) - size
}

/// What does not fit the ustar header, in the order of the specification.
fn pax_records(entry: &FileEntry, name: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for xattr in &entry.xattrs {
        let keyword = xattr_keyword(xattr.name.as_bytes());
        push_record(&mut out, &keyword, &xattr.value);
    }
    if entry.gid > HIGHEST_ID {
        push_record(&mut out, b"gid", entry.gid.to_string().as_bytes());
    }
    let target = link_target(&entry.kind);
    if target.len() > NAME_FIELD {
        push_record(&mut out, b"linkpath", target);
    }
    let Mtime {
        seconds,
        nanoseconds,
    } = entry.mtime;
    if nanoseconds != 0 || !(0..=HIGHEST_TIME).contains(&seconds) {
        push_record(&mut out, b"mtime", decimal(entry.mtime).as_bytes());
    }
    if name.len() > NAME_FIELD {
        push_record(&mut out, b"path", name);
    }
    let size = entry.kind.size();
    if size > HIGHEST_SIZE {
        push_record(&mut out, b"size", size.to_string().as_bytes());
    }
    if entry.uid > HIGHEST_ID {
        push_record(&mut out, b"uid", entry.uid.to_string().as_bytes());
    }
    out
}

/// `length keyword=value\n`, where the length counts the whole record, its own digits included.
fn push_record(out: &mut Vec<u8>, keyword: &[u8], value: &[u8]) {
    let rest = keyword.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + decimal_digits(length) != length {
        length = rest + decimal_digits(length);
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(keyword);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

fn decimal_digits(number: usize) -> usize {
    number.to_string().len()
}

/// The keyword of an attribute, with `%` and `=` escaped as GNU tar does.
fn xattr_keyword(name: &[u8]) -> Vec<u8> {
    let mut keyword = b"SCHILY.xattr.".to_vec();
    for &byte in name {
        match byte {
            b'%' => keyword.extend_from_slice(b"%25"),
            b'=' => keyword.extend_from_slice(b"%3D"),
            other => keyword.push(other),
        }
    }
    keyword
}

/// Seconds with as many decimals as are needed, as PAX writes times.
fn decimal(time: Mtime) -> String {
    let Mtime {
        seconds,
        nanoseconds,
    } = time;
    let (sign, whole, fraction) = if seconds < 0 && nanoseconds > 0 {
        let whole = seconds.unsigned_abs() - 1;
        ("-", whole, 1_000_000_000 - nanoseconds)
    } else if seconds < 0 {
        ("-", seconds.unsigned_abs(), 0)
    } else {
        ("", seconds.unsigned_abs(), nanoseconds)
    };
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = format!("{fraction:09}");
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}

fn link_target(kind: &FileKind) -> &[u8] {
    match kind {
        FileKind::Symlink { target } => target.as_bytes(),
        FileKind::HardLink { target } => target.as_bytes(),
        _ => &[],
    }
}

fn type_flag(kind: &FileKind) -> u8 {
    match kind {
        FileKind::Regular { .. } => b'0',
        FileKind::HardLink { .. } => b'1',
        FileKind::Symlink { .. } => b'2',
        FileKind::CharacterDevice(_) => b'3',
        FileKind::BlockDevice(_) => b'4',
        FileKind::Directory => b'5',
        FileKind::Fifo => b'6',
    }
}

/// What a header field says when a PAX record says more: 0.
fn small_id(id: u32) -> u64 {
    if id > HIGHEST_ID { 0 } else { u64::from(id) }
}

fn small_size(size: u64) -> u64 {
    if size > HIGHEST_SIZE { 0 } else { size }
}

fn small_time(time: Mtime) -> u64 {
    if time.seconds > HIGHEST_TIME {
        return 0;
    }
    u64::try_from(time.seconds).unwrap_or(0)
}

/// Offset and size of a header field.
type Place = (usize, usize);

const NAME: Place = (0, NAME_FIELD);
const MODE: Place = (100, 8);
const UID: Place = (108, 8);
const GID: Place = (116, 8);
const SIZE: Place = (124, 12);
const MTIME: Place = (136, 12);
const CHECKSUM: Place = (148, 8);
const TYPE: Place = (156, 1);
const LINK: Place = (157, NAME_FIELD);
const MAGIC: Place = (257, 8);
const MAJOR: Place = (329, 8);
const MINOR: Place = (337, 8);

/// One header block while it is filled.
struct Header([u8; 512]);

impl Header {
    fn new(type_flag: u8, name: &[u8]) -> Self {
        let mut header = Self([0; 512]);
        header.text(NAME, name);
        header.text(MAGIC, b"ustar\x0000");
        header.text(TYPE, &[type_flag]);
        for place in [MODE, UID, GID, SIZE, MTIME, MAJOR, MINOR] {
            header.number(place, 0);
        }
        header.text(CHECKSUM, b"        ");
        header
    }

    /// As much of `text` as the field holds; what is behind it stays zero.
    fn text(&mut self, (offset, size): Place, text: &[u8]) {
        let part = text.get(..size).unwrap_or(text);
        if let Some(place) = self.0.get_mut(offset..offset + part.len()) {
            place.copy_from_slice(part);
        }
    }

    /// Octal digits that fill the field but for a NUL at its end.
    fn number(&mut self, (offset, size): Place, value: u64) {
        let digits = self
            .0
            .get_mut(offset..offset + size - 1)
            .unwrap_or_default();
        let mut rest = value;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest & 7).unwrap_or_default();
            rest >>= 3;
        }
    }

    fn finish(mut self, out: &mut Vec<u8>) {
        let sum: u64 = self.0.iter().map(|&byte| u64::from(byte)).sum();
        self.number(CHECKSUM, sum);
        if let Some(last) = self.0.get_mut(CHECKSUM.0 + CHECKSUM.1 - 1) {
            *last = 0;
        }
        out.extend_from_slice(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::EntryPath;
    use super::super::entry::Xattr;
    use super::*;
    use crate::digest::Sha256Digest;

    fn file(path: &[u8], size: u64) -> FileEntry {
        let sha256 = Sha256Digest::of(b"");
        FileEntry {
            path: EntryPath::new(path).unwrap(),
            kind: FileKind::Regular { size, sha256 },
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            xattrs: Vec::new(),
        }
    }

    fn headers(entry: &FileEntry) -> Vec<u8> {
        let mut out = Vec::new();
        append(entry, &mut out);
        out
    }

    /// What the `tar` crate reads back.
    struct ReadBack {
        path: Vec<u8>,
        size: u64,
        records: Vec<(String, Vec<u8>)>,
    }

    fn read_back(entry: &FileEntry) -> ReadBack {
        let mut bytes = headers(entry);
        bytes.resize(bytes.len() + 1024, 0);
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut read = archive.entries().unwrap().next().unwrap().unwrap();
        let records = match read.pax_extensions().unwrap() {
            Some(records) => records
                .map(|record| record.unwrap())
                .map(|r| (r.key().unwrap().to_owned(), r.value_bytes().to_vec()))
                .collect(),
            None => Vec::new(),
        };
        if records.is_empty() {
            assert_eq!(read.header().uid().unwrap(), u64::from(entry.uid));
            assert_eq!(read.header().gid().unwrap(), u64::from(entry.gid));
        }
        ReadBack {
            path: read.path_bytes().to_vec(),
            size: read.size(),
            records,
        }
    }

    #[test]
    fn what_fits_needs_one_block() {
        let mut entry = file(&[b'n'; 100], HIGHEST_SIZE);
        entry.uid = HIGHEST_ID;
        entry.gid = HIGHEST_ID;
        entry.mtime.seconds = HIGHEST_TIME;
        assert_eq!(headers(&entry).len(), 512);
        let read = read_back(&entry);
        assert_eq!(read.path, [b'n'; 100]);
        assert_eq!(read.size, HIGHEST_SIZE);
    }

    #[test]
    fn what_does_not_fit_goes_to_a_pax_header() {
        let mut entry = file(&[b'n'; 101], HIGHEST_SIZE + 1);
        entry.uid = HIGHEST_ID + 1;
        entry.gid = HIGHEST_ID + 1;
        entry.mtime.seconds = HIGHEST_TIME + 1;
        entry.xattrs.push(Xattr {
            name: "user.a=b%".into(),
            value: b"1=\xff\0".to_vec(),
        });
        assert_eq!(headers(&entry).len(), 512 + 512 + 512);
        let ReadBack {
            path,
            size,
            records,
        } = read_back(&entry);
        assert_eq!(path, [b'n'; 101]);
        assert_eq!(size, HIGHEST_SIZE + 1);
        let keys: Vec<_> = records.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "SCHILY.xattr.user.a%3Db%25",
                "gid",
                "mtime",
                "path",
                "size",
                "uid"
            ]
        );
        assert_eq!(records[0].1, b"1=\xff\0");
    }

    #[test]
    fn the_length_of_a_record_counts_its_own_digits() {
        for size in 0..2000 {
            let mut out = Vec::new();
            push_record(&mut out, b"k", &vec![b'v'; size]);
            let text = std::str::from_utf8(&out).unwrap();
            let length: usize = text.split(' ').next().unwrap().parse().unwrap();
            assert_eq!(length, out.len());
        }
    }

    #[test]
    fn times_are_written_as_decimals() {
        let cases = [
            (0, 500_000_000, "0.5"),
            (1, 1, "1.000000001"),
            (-1, 0, "-1"),
            (-1, 250_000_000, "-0.75"),
            (-2, 500_000_000, "-1.5"),
            (HIGHEST_TIME + 1, 0, "8589934592"),
        ];
        for (seconds, nanoseconds, text) in cases {
            let time = Mtime {
                seconds,
                nanoseconds,
            };
            assert_eq!(decimal(time), text);
        }
    }
}
