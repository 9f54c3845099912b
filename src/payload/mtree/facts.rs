use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::error::MtreeRule;
use crate::payload::entry::{DeviceNumber, FileKind, Mtime};
use crate::payload::limits::MAX_DEVICE_NUMBER;

/// What is said of one entry; nothing where something is not said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::payload) struct Facts {
    /// Where it is said.
    pub(super) line: usize,
    pub(super) kind: Option<Kind>,
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) mtime: Option<Mtime>,
    pub(super) link: Option<OsString>,
    pub(super) device: Option<DeviceNumber>,
    /// Nothing is wrong if it is not in the tree.
    pub(super) optional: bool,
}

/// The types of `mtree(5)` that a package can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
    Fifo,
    Character,
    Block,
}

/// Keywords that are about contents or about the machine that wrote the specification; the package
/// records contents itself, and the machine means nothing elsewhere.
const IGNORED: [&str; 24] = [
    "cksum",
    "flags",
    "ignore",
    "inode",
    "md5",
    "md5digest",
    "nlink",
    "nochange",
    "resdevice",
    "rmd160",
    "rmd160digest",
    "ripemd160digest",
    "sha1",
    "sha1digest",
    "sha256",
    "sha256digest",
    "sha384",
    "sha384digest",
    "sha512",
    "sha512digest",
    "size",
    "tags",
    "uname",
    "gname",
];

impl Facts {
    /// Takes in one word, such as `mode=0755`.
    pub(super) fn take(&mut self, word: &[u8]) -> Result<(), MtreeRule> {
        let (keyword, value) = split(word);
        let shown = || String::from_utf8_lossy(value).into_owned();
        let refused = |keyword, expected| MtreeRule::Value {
            keyword,
            expected,
            found: shown(),
        };
        let text = std::str::from_utf8(value).unwrap_or_default();
        match keyword {
            b"type" => {
                let kind = Kind::ALL.into_iter().find(|kind| kind.word() == text);
                let expected = "file, dir, link, fifo, char or block";
                self.kind = Some(kind.ok_or_else(|| refused("type", expected))?);
            }
            b"mode" => {
                let mode = u32::from_str_radix(text, 8)
                    .ok()
                    .filter(|mode| *mode <= 0o7777);
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let mode = mode.filter(|_| digits);
                self.mode = Some(mode.ok_or_else(|| refused("mode", "octal digits up to 7777"))?);
            }
            b"uid" => self.uid = Some(id(text).ok_or_else(|| refused("uid", "a user's number"))?),
            b"gid" => self.gid = Some(id(text).ok_or_else(|| refused("gid", "a group's number"))?),
            b"time" => {
                let expected = "seconds since 1970, or seconds.nanoseconds";
                self.mtime = Some(time(text).ok_or_else(|| refused("time", expected))?);
            }
            b"link" => self.link = Some(OsString::from_vec(unescaped(value)?)),
            b"device" => {
                let expected = "native,MAJOR,MINOR or linux,MAJOR,MINOR";
                self.device = Some(device(text).ok_or_else(|| refused("device", expected))?);
            }
            b"optional" => self.optional = true,
            other => {
                let known = std::str::from_utf8(other).unwrap_or_default();
                if !IGNORED.contains(&known) {
                    return Err(MtreeRule::Keyword(
                        String::from_utf8_lossy(other).into_owned(),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Forgets what `/unset` names.
    pub(super) fn forget(&mut self, word: &[u8]) {
        match word {
            b"all" => *self = Self::default(),
            b"type" => self.kind = None,
            b"mode" => self.mode = None,
            b"uid" => self.uid = None,
            b"gid" => self.gid = None,
            b"time" => self.mtime = None,
            b"link" => self.link = None,
            b"device" => self.device = None,
            b"optional" => self.optional = false,
            _ => {}
        }
    }

    /// What the entry would be if the tree had it; `Err` names what is not said.
    pub(super) fn to_kind(&self) -> Result<Option<FileKind>, &'static str> {
        Ok(Some(match self.kind {
            None | Some(Kind::File) => return Ok(None),
            Some(Kind::Directory) => FileKind::Directory,
            Some(Kind::Fifo) => FileKind::Fifo,
            Some(Kind::Link) => FileKind::Symlink {
                target: self.link.clone().ok_or("link")?,
            },
            Some(Kind::Character) => FileKind::CharacterDevice(self.device.ok_or("device")?),
            Some(Kind::Block) => FileKind::BlockDevice(self.device.ok_or("device")?),
        }))
    }
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::File,
        Self::Directory,
        Self::Link,
        Self::Fifo,
        Self::Character,
        Self::Block,
    ];

    /// The word of the specification.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "dir",
            Self::Link => "link",
            Self::Fifo => "fifo",
            Self::Character => "char",
            Self::Block => "block",
        }
    }

    /// The one that an entry of a table is.
    pub(super) const fn of(kind: &FileKind) -> Self {
        match kind {
            FileKind::Regular { .. } | FileKind::HardLink { .. } => Self::File,
            FileKind::Directory => Self::Directory,
            FileKind::Symlink { .. } => Self::Link,
            FileKind::Fifo => Self::Fifo,
            FileKind::CharacterDevice(_) => Self::Character,
            FileKind::BlockDevice(_) => Self::Block,
        }
    }
}

/// A word with its escapes resolved, as `vis(3)` writes them.
pub(super) fn unescaped(word: &[u8]) -> Result<Vec<u8>, MtreeRule> {
    let mut plain = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let (byte, behind) = match behind {
            [
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                behind @ ..,
            ] => ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), behind),
            [b's', behind @ ..] => (b' ', behind),
            [b't', behind @ ..] => (b'\t', behind),
            [b'n', behind @ ..] => (b'\n', behind),
            [b'r', behind @ ..] => (b'\r', behind),
            [same @ (b'\\' | b'#'), behind @ ..] => (*same, behind),
            _ => return Err(MtreeRule::Escape),
        };
        plain.push(byte);
        rest = behind;
    }
    Ok(plain)
}

fn split(word: &[u8]) -> (&[u8], &[u8]) {
    let at = word.iter().position(|byte| *byte == b'=');
    let at = at.unwrap_or(word.len());
    let value = word.get(at.saturating_add(1)..).unwrap_or_default();
    (word.get(..at).unwrap_or_default(), value)
}

/// The last number is taken by the system for "leave it as it is".
fn id(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|id| digits && *id != u32::MAX)
}

/// The digits behind the point are nanoseconds, not a fraction: so both FreeBSD and libarchive write.
fn time(text: &str) -> Option<Mtime> {
    let (seconds, nanoseconds) = text.split_once('.').unwrap_or((text, "0"));
    let digits = nanoseconds.bytes().all(|byte| byte.is_ascii_digit());
    let nanoseconds = nanoseconds
        .parse()
        .ok()
        .filter(|count| *count < 1_000_000_000);
    Some(Mtime {
        seconds: seconds.parse().ok()?,
        nanoseconds: nanoseconds.filter(|_| digits)?,
    })
}

fn device(text: &str) -> Option<DeviceNumber> {
    let mut parts = text.split(',');
    let format = parts.next();
    let mut number = || {
        let number = parts.next()?.parse().ok();
        number.filter(|number| *number <= MAX_DEVICE_NUMBER)
    };
    let (major, minor) = (number()?, number()?);
    let fits = matches!(format, Some("native" | "linux")) && parts.next().is_none();
    fits.then_some(DeviceNumber { major, minor })
}
