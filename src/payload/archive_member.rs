//! Reads the members of a tar archive that somebody else made.
//!
//! # Threats met here
//!
//! - Headers that two programs read differently: what is ambiguous (a keyword twice, contents of a
//!   directory, data behind the end) is refused, and so is what is not supported, sparse files among it.
//! - A long name or extended header without end: each is bounded before it is read.
//! - A stream without end: its length is bounded while it is read.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;

use super::PayloadError;
use super::convert::{narrow, wide};
use super::entry::{DeviceNumber, Mtime, Xattr};
use super::limits::{MAX_EXTENDED_HEADER_LENGTH, MAX_XATTR_NAME_LENGTH, MAX_XATTR_VALUE_LENGTH};
use super::name::escaped;
use super::tar_header::{BLOCK, padding};

/// What a member's headers say; names are as found.
#[derive(Debug)]
pub(super) struct Member {
    /// Where the headers begin in the tar stream.
    pub offset: u64,
    pub name: Vec<u8>,
    pub kind: MemberKind,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime: Mtime,
    pub xattrs: Vec<Xattr>,
}

#[derive(Debug)]
pub(super) enum MemberKind {
    /// A file; its contents have to be read before the next member.
    Regular {
        size: u64,
    },
    Directory,
    Symlink {
        target: Vec<u8>,
    },
    HardLink {
        target: Vec<u8>,
    },
    Fifo,
    CharacterDevice(DeviceNumber),
    BlockDevice(DeviceNumber),
}

/// A tar stream that is read member by member.
#[derive(Debug)]
pub(super) struct Members<R> {
    inner: R,
    offset: u64,
    limit: u64,
}

/// What the extended headers of one member say.
#[derive(Debug, Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    mtime: Option<Mtime>,
    xattrs: Vec<Xattr>,
}

impl<R: Read> Members<R> {
    /// Reads members from a stream of at most `limit` bytes.
    pub(super) fn new(inner: R, limit: u64) -> Self {
        Self {
            inner,
            offset: 0,
            limit,
        }
    }

    /// The next member; `None` at the end of the archive, behind which there is nothing but zeros.
    pub(super) fn next(&mut self) -> Result<Option<Member>, PayloadError> {
        let start = self.offset;
        let mut extended = Extended::default();
        loop {
            let at = self.offset;
            let mut block = [0; 512];
            self.read(&mut block, "header")?;
            if block.iter().all(|&byte| byte == 0) {
                if at != start {
                    let (expected, found) = ("a member behind an extended header", "the end");
                    return Err(flaw(at, "header", expected, found));
                }
                self.expect_end()?;
                return Ok(None);
            }
            let header = tar::Header::from_byte_slice(&block);
            check_sum(at, &block, header)?;
            let size = number(at, "size", header.entry_size())?;
            let type_flag = header.entry_type().as_byte();
            match type_flag {
                b'x' => self.read_pax(at, size, &mut extended)?,
                b'g' => {
                    let mut global = Extended::default();
                    self.read_pax(at, size, &mut global)?;
                    global.check_empty(at)?;
                }
                b'L' | b'K' => {
                    let mut name = self.read_extended(at, size)?;
                    while name.last() == Some(&0) {
                        name.pop();
                    }
                    let place = if type_flag == b'L' {
                        &mut extended.path
                    } else {
                        &mut extended.link
                    };
                    set_once(place, name, at, "long name")?;
                }
                _ => return member(start, at, header, size, extended).map(Some),
            }
        }
    }

    /// Reads as much of a file's contents as `buffer` holds, or fails.
    pub(super) fn read_contents(&mut self, buffer: &mut [u8]) -> Result<(), PayloadError> {
        self.read(buffer, "contents")
    }

    /// Passes over the zeros behind contents of `size` bytes.
    pub(super) fn read_padding(&mut self, size: u64) -> Result<(), PayloadError> {
        let mut block = [0; 512];
        let padding = block.get_mut(..narrow(padding(size))).unwrap_or_default();
        self.read(padding, "padding")
    }

    /// Fails with `E_TOO_LARGE` if the stream cannot hold `size` bytes more.
    pub(super) fn check_room(&self, size: u64) -> Result<(), PayloadError> {
        let end = self.offset.saturating_add(size);
        if end > self.limit {
            let what = "bytes of tar stream in the archive".to_owned();
            let (limit, found) = (self.limit, end);
            return Err(PayloadError::TooLarge { what, limit, found });
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], field: &'static str) -> Result<(), PayloadError> {
        self.check_room(wide(buffer.len()))?;
        let offset = self.offset;
        self.inner.read_exact(buffer).map_err(|source| {
            match source.kind() {
                io::ErrorKind::UnexpectedEof => {
                    flaw(offset, field, "more bytes", "the end of the payload")
                }
                // The decoder's own; what the system reports has a kind.
                io::ErrorKind::Other => {
                    let expected = "a Zstandard stream with a window of at most 32 MiB";
                    flaw(offset, field, expected, source.to_string())
                }
                _ => PayloadError::Read { offset, source },
            }
        })?;
        self.offset += wide(buffer.len());
        Ok(())
    }

    fn read_extended(&mut self, at: u64, size: u64) -> Result<Vec<u8>, PayloadError> {
        if size > MAX_EXTENDED_HEADER_LENGTH {
            let what = format!("archive, byte {at}, bytes of extended header");
            let (limit, found) = (MAX_EXTENDED_HEADER_LENGTH, size);
            return Err(PayloadError::TooLarge { what, limit, found });
        }
        let mut bytes = vec![0; narrow(size)];
        self.read(&mut bytes, "extended header")?;
        self.read_padding(size)?;
        Ok(bytes)
    }

    fn read_pax(
        &mut self,
        at: u64,
        size: u64,
        extended: &mut Extended,
    ) -> Result<(), PayloadError> {
        let bytes = self.read_extended(at, size)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (keyword, value, behind) = pax_record(rest)
                .ok_or_else(|| flaw(at, "PAX record", "length keyword=value", escaped(rest)))?;
            extended.note(at, keyword, value)?;
            rest = behind;
        }
        Ok(())
    }

    /// Behind the first block of zeros there is nothing but zeros.
    fn expect_end(&mut self) -> Result<(), PayloadError> {
        let mut block = [0; 4096];
        loop {
            let at = self.offset;
            let count = match self.inner.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(PayloadError::Read { offset: at, source }),
            };
            self.offset += wide(count);
            self.check_room(0)?;
            let read = block.get(..count).unwrap_or_default();
            if read.iter().any(|&byte| byte != 0) {
                let expected = "zeros behind the end of the archive";
                return Err(flaw(at, "end-of-archive marker", expected, "data"));
            }
        }
    }
}

impl Extended {
    fn note(&mut self, at: u64, keyword: &[u8], value: &[u8]) -> Result<(), PayloadError> {
        match keyword {
            b"path" => set_once(&mut self.path, value.to_vec(), at, "path"),
            b"linkpath" => set_once(&mut self.link, value.to_vec(), at, "linkpath"),
            b"size" => set_once(&mut self.size, decimal(at, "size", value)?, at, "size"),
            b"uid" => set_once(&mut self.uid, decimal(at, "uid", value)?, at, "uid"),
            b"gid" => set_once(&mut self.gid, decimal(at, "gid", value)?, at, "gid"),
            b"mtime" => set_once(&mut self.mtime, pax_time(at, value)?, at, "mtime"),
            _ if keyword.starts_with(b"GNU.sparse.") => {
                let expected = "no sparse file";
                Err(flaw(at, "PAX keyword", expected, escaped(keyword)))
            }
            _ => match keyword.strip_prefix(b"SCHILY.xattr.") {
                Some(name) => self.note_xattr(at, &unescape(name), value),
                None => Ok(()),
            },
        }
    }

    fn note_xattr(&mut self, at: u64, name: &[u8], value: &[u8]) -> Result<(), PayloadError> {
        let fits = (1..=MAX_XATTR_NAME_LENGTH).contains(&name.len())
            && value.len() <= MAX_XATTR_VALUE_LENGTH
            && !name.contains(&0);
        if !fits {
            let expected = "an extended attribute that Linux can hold";
            return Err(flaw(at, "PAX keyword", expected, escaped(name)));
        }
        self.xattrs.push(Xattr {
            name: OsStr::from_bytes(name).to_owned(),
            value: value.to_vec(),
        });
        Ok(())
    }

    /// A header for all members that follow may hold comments, nothing that changes them.
    fn check_empty(&self, at: u64) -> Result<(), PayloadError> {
        let links = self.path.is_some() || self.link.is_some();
        let numbers = self.size.is_some() || self.uid.is_some() || self.gid.is_some();
        if links || numbers || self.mtime.is_some() || !self.xattrs.is_empty() {
            let (expected, found) = ("nothing but comments", "keywords that change members");
            return Err(flaw(at, "global PAX header", expected, found));
        }
        Ok(())
    }
}

fn member(
    start: u64,
    at: u64,
    header: &tar::Header,
    header_size: u64,
    extended: Extended,
) -> Result<Member, PayloadError> {
    let path = extended.path;
    let name = path.unwrap_or_else(|| header.path_bytes().into_owned());
    let size = extended.size.unwrap_or(header_size);
    let link = extended.link.or_else(|| {
        let link = header.link_name_bytes();
        link.map(std::borrow::Cow::into_owned)
    });
    let target = link.unwrap_or_default();
    let device = || -> Result<_, PayloadError> {
        let major = number(at, "device major", header.device_major())?.unwrap_or(0);
        let minor = number(at, "device minor", header.device_minor())?.unwrap_or(0);
        Ok(DeviceNumber { major, minor })
    };
    let kind = match header.entry_type().as_byte() {
        // Before POSIX a directory was a file whose name ends in a slash.
        0 if name.ends_with(b"/") => MemberKind::Directory,
        0 | b'0' | b'7' => MemberKind::Regular { size },
        b'1' => MemberKind::HardLink { target },
        b'2' => MemberKind::Symlink { target },
        b'3' => MemberKind::CharacterDevice(device()?),
        b'4' => MemberKind::BlockDevice(device()?),
        b'5' => MemberKind::Directory,
        b'6' => MemberKind::Fifo,
        other => {
            let expected = "a file, directory, link, FIFO or device";
            return Err(flaw(at, "type flag", expected, escaped(&[other])));
        }
    };
    if size != 0 && !matches!(kind, MemberKind::Regular { .. }) {
        let expected = "0 for what is no file";
        return Err(flaw(at, "size", expected, size.to_string()));
    }
    let id = |field, extended: Option<u64>, found: io::Result<u64>| {
        let id = extended.map_or_else(|| number(at, field, found), Ok)?;
        let small = u32::try_from(id).ok().filter(|id| *id != u32::MAX);
        small.ok_or_else(|| flaw(at, field, "at most 4294967294", id.to_string()))
    };
    Ok(Member {
        offset: start,
        name,
        kind,
        mode: number(at, "mode", header.mode())? & 0o7777,
        uid: id("uid", extended.uid, header.uid())?,
        gid: id("gid", extended.gid, header.gid())?,
        mtime: match extended.mtime {
            Some(mtime) => mtime,
            None => Mtime {
                seconds: i64::try_from(number(at, "mtime", header.mtime())?).unwrap_or(i64::MAX),
                nanoseconds: 0,
            },
        },
        xattrs: extended.xattrs,
    })
}

/// The sum of all bytes with the checksum's own field as spaces.
fn check_sum(at: u64, block: &[u8; 512], header: &tar::Header) -> Result<(), PayloadError> {
    let bytes = block.iter().enumerate();
    let sum: u32 = bytes
        .map(|(place, &byte)| {
            let own = (148..156).contains(&place);
            u32::from(if own { b' ' } else { byte })
        })
        .sum();
    let found = number(at, "checksum", header.cksum())?;
    if found == sum {
        return Ok(());
    }
    Err(flaw(at, "checksum", sum.to_string(), found.to_string()))
}

/// Keyword, value and what is behind the first record of `bytes`.
fn pax_record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(8).position(|&byte| byte == b' ')?;
    let digits = std::str::from_utf8(bytes.get(..space)?).ok()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let length: usize = digits.parse().ok().filter(|_| is_number)?;
    let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|&byte| byte == b'=')?;
    let (keyword, value) = (record.get(..equals)?, record.get(equals + 1..)?);
    Some((keyword, value, bytes.get(length..)?))
}

/// Undoes GNU tar's escapes of `=` and `%` in the name of an attribute.
fn unescape(name: &[u8]) -> Vec<u8> {
    let (mut rest, mut out) = (name, Vec::new());
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, behind) = if let Some(behind) = rest.strip_prefix(b"%3D") {
            (b'=', behind)
        } else if let Some(behind) = rest.strip_prefix(b"%25") {
            (b'%', behind)
        } else {
            (first, behind)
        };
        out.push(byte);
        rest = behind;
    }
    out
}

fn decimal(at: u64, field: &'static str, value: &[u8]) -> Result<u64, PayloadError> {
    let text = std::str::from_utf8(value).ok();
    let digits = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| flaw(at, field, "a decimal number", escaped(value)))
}

/// Seconds with a fraction of any length, of which nine digits count; negative before 1970.
fn pax_time(at: u64, value: &[u8]) -> Result<Mtime, PayloadError> {
    let bad = || flaw(at, "mtime", "decimal seconds", escaped(value));
    let (negative, value) = match value.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let point = value.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = value.split_at(point.unwrap_or(value.len()));
    let mut digits = fraction.get(1..).unwrap_or_default().to_vec();
    digits.resize(9, b'0');
    let seconds = i64::try_from(decimal(at, "mtime", whole)?).map_err(|_| bad())?;
    let part = u32::try_from(decimal(at, "mtime", &digits)?).map_err(|_| bad())?;
    Ok(match (negative, part) {
        (false, nanoseconds) => Mtime {
            seconds,
            nanoseconds,
        },
        (true, 0) => Mtime {
            seconds: -seconds,
            nanoseconds: 0,
        },
        (true, part) => Mtime {
            seconds: -seconds - 1,
            nanoseconds: 1_000_000_000 - part,
        },
    })
}

fn set_once<T>(
    place: &mut Option<T>,
    value: T,
    at: u64,
    field: &'static str,
) -> Result<(), PayloadError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(flaw(at, field, "it once", "it again")),
    }
}

fn number<T>(at: u64, field: &'static str, found: io::Result<T>) -> Result<T, PayloadError> {
    found.map_err(|error| flaw(at, field, "a number", error.to_string()))
}

fn flaw(
    offset: u64,
    field: &'static str,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> PayloadError {
    PayloadError::Archive {
        offset,
        field,
        expected: expected.into(),
        found: found.into(),
    }
}

const _: () = assert!(BLOCK == 512);
