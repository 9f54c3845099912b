//! Unpacks a payload that was taken as it is: a tar archive, plain or compressed with Zstandard.
//!
//! There is no index and no table to check against: the digest of the whole region has to be verified
//! before. What is left to meet here is an archive that is hostile although somebody signed it:
//! names that lead out, links that are followed later, sizes without end.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufReader, Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::archive_member::{Member, MemberKind, Members};
use super::convert::{narrow, wide};
use super::entry::{FileEntry, FileKind};
use super::limits::{
    DEFAULT_ARCHIVE_ENTRIES, DEFAULT_ARCHIVE_LENGTH, MAX_ARCHIVE_NAMES, MAX_PATH_LENGTH,
    MAX_WINDOW_LOG,
};
use super::name::{NameRule, escaped};
use super::options::UnpackOptions;
use super::parents::Parents;
use super::unpack::{UnpackReport, into_new};
use super::{EntryPath, PayloadError, restore};
use crate::digest::Sha256Digest;
use crate::fsio::{Dir, FsError, ReadAt, RegionReader};
use crate::progress::Progress;

/// How an archive without an index is unpacked.
#[derive(Debug, Clone)]
pub struct ArchiveOptions {
    /// What is restored besides names and contents. The number of threads has no meaning here.
    pub unpack: UnpackOptions,
    /// Longest tar stream that is accepted, in bytes.
    pub max_bytes: u64,
    /// Most members that are accepted.
    pub max_entries: u64,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        Self {
            unpack: UnpackOptions::default(),
            max_bytes: DEFAULT_ARCHIVE_LENGTH,
            max_entries: DEFAULT_ARCHIVE_ENTRIES,
        }
    }
}

/// Unpacks the archive that `payload` is, from its first byte to its last, into `target`.
///
/// `target` is empty; after a failure it is empty again. One member after the other is read, and
/// never one thing written twice. `E_PAYLOAD_FORMAT` if it is no tar archive, plain or in Zstandard.
pub fn unpack_archive(
    payload: &impl ReadAt,
    target: &Dir,
    options: &ArchiveOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport, PayloadError> {
    restore::check_empty(target)?;
    let read_error = |source| PayloadError::Read { offset: 0, source };
    let length = payload.length().map_err(read_error)?;
    let format = detect(payload, length)?;
    progress.begin("unpack", length);
    let source = Counted {
        inner: RegionReader::new(payload, 0, length),
        progress,
    };
    let source = BufReader::with_capacity(BUFFER, source);
    match format {
        ArchiveFormat::Tar => fill(source, target, options, progress),
        ArchiveFormat::TarZstd => {
            let failed = |source| PayloadError::Codec { source };
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source).map_err(failed)?;
            decoder.window_log_max(MAX_WINDOW_LOG).map_err(failed)?;
            fill(
                BufReader::with_capacity(BUFFER, decoder),
                target,
                options,
                progress,
            )
        }
    }
}

/// As [`unpack_archive`], into a new directory that appears as `path` when it is complete.
pub fn unpack_archive_new(
    payload: &impl ReadAt,
    path: &Path,
    options: &ArchiveOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport, PayloadError> {
    into_new(path, &options.unpack, |target| {
        unpack_archive(payload, target, options, progress)
    })
}

const BUFFER: usize = 1 << 17;

/// Tells how much of the payload has been read.
struct Counted<'a, R> {
    inner: R,
    progress: &'a dyn Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.progress.advance(wide(count));
        Ok(count)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ArchiveFormat {
    Tar,
    TarZstd,
}

fn detect(payload: &impl ReadAt, length: u64) -> Result<ArchiveFormat, PayloadError> {
    let mut start = vec![0; narrow(length.min(512))];
    let read = payload.read_exact_at(&mut start, 0);
    read.map_err(|source| PayloadError::Read { offset: 0, source })?;
    let is_skippable = matches!(start.as_slice(), [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..]);
    if start.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) || is_skippable {
        return Ok(ArchiveFormat::TarZstd);
    }
    let known: [(&[u8], &str); 8] = [
        (&[0x1F, 0x8B], "gzip"),
        (&[0xFD, b'7', b'z', b'X', b'Z', 0], "xz"),
        (b"BZh", "bzip2"),
        (&[0x04, 0x22, 0x4D, 0x18], "lz4"),
        (b"PK", "a ZIP archive"),
        (b"7z\xBC\xAF", "a 7-Zip archive"),
        (b"hsqs", "a SquashFS image"),
        (b"07070", "a cpio archive"),
    ];
    let found = known.iter().find(|(magic, _)| start.starts_with(magic));
    if let Some((_, found)) = found {
        return Err(PayloadError::Format { found });
    }
    let is_ustar = start.get(257..262) == Some(b"ustar");
    let is_empty_archive = start.len() == 512 && start.iter().all(|&byte| byte == 0);
    if is_ustar || is_empty_archive || is_old_header(&start) {
        Ok(ArchiveFormat::Tar)
    } else {
        let found = if start.is_empty() {
            "nothing"
        } else {
            "other data"
        };
        Err(PayloadError::Format { found })
    }
}

/// An archive from before POSIX is known by its checksum alone.
fn is_old_header(start: &[u8]) -> bool {
    if start.len() != 512 {
        return false;
    }
    let sum = |range| {
        let bytes = start
            .get::<std::ops::Range<usize>>(range)
            .unwrap_or_default();
        bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>()
    };
    let expected = sum(0..148) + sum(156..512) + 8 * u32::from(b' ');
    let header = tar::Header::from_byte_slice(start);
    header.cksum().is_ok_and(|found| found == expected)
}

fn fill(
    source: impl Read,
    target: &Dir,
    options: &ArchiveOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport, PayloadError> {
    let mut archive = Unarchiver {
        members: Members::new(source, options.max_bytes),
        target,
        options,
        progress,
        entries: BTreeMap::new(),
        kept: 0,
        report: UnpackReport::default(),
        buffer: vec![0; BUFFER],
    };
    let result = archive.run();
    if result.is_err() {
        restore::clear(target, archive.directories());
    }
    result
}

struct Unarchiver<'a, R> {
    members: Members<R>,
    target: &'a Dir,
    options: &'a ArchiveOptions,
    progress: &'a dyn Progress,
    /// What has been seen, in tree order. Files are complete, the rest is made at the end.
    entries: BTreeMap<EntryPath, FileEntry>,
    /// Bytes of names and attributes in `entries`.
    kept: u64,
    report: UnpackReport,
    buffer: Vec<u8>,
}

impl<R: Read> Unarchiver<'_, R> {
    fn run(&mut self) -> Result<UnpackReport, PayloadError> {
        let mut count = 0;
        while let Some(member) = self.members.next()? {
            if self.progress.cancelled() {
                return Err(PayloadError::Cancelled);
            }
            count += 1;
            if count > self.options.max_entries {
                let (what, limit) = (
                    "members of the archive".to_owned(),
                    self.options.max_entries,
                );
                let found = count;
                return Err(PayloadError::TooLarge { what, limit, found });
            }
            self.take(member)?;
        }
        let links: Vec<_> = self
            .entries
            .values()
            .map(|entry| match &entry.kind {
                FileKind::HardLink { target } => (entry, Some(target)),
                _ => (entry, None),
            })
            .collect();
        restore::finish(self.target, &links, &self.options.unpack, self.progress)?;
        if self.options.unpack.sync {
            self.target.sync_file_system()?;
        }
        self.report.entries = wide(self.entries.len());
        Ok(self.report)
    }

    fn directories(&self) -> impl Iterator<Item = &EntryPath> {
        let directories = self.entries.values();
        directories
            .filter(|entry| entry.kind == FileKind::Directory)
            .map(|entry| &entry.path)
    }

    fn take(&mut self, member: Member) -> Result<(), PayloadError> {
        let Some(path) = self.path(&member)? else {
            return Ok(());
        };
        self.make_parents(&path, &member)?;
        let kind = self.kind(&path, &member)?;
        let size = match member.kind {
            MemberKind::Regular { size } => size,
            _ => 0,
        };
        let xattrs = if self.options.unpack.xattrs {
            member.xattrs
        } else {
            Vec::new()
        };
        let mut entry = FileEntry {
            path,
            kind,
            mode: member.mode,
            uid: member.uid,
            gid: member.gid,
            mtime: member.mtime,
            xattrs,
        };
        match &entry.kind {
            FileKind::Regular { .. } => {
                self.write(&entry, size)?;
                entry.xattrs.clear();
            }
            FileKind::Directory => {
                restore::create_directory(&mut Parents::of(self.target), &entry.path)?;
            }
            _ => {}
        }
        self.keep(entry)
    }

    /// The checked path of a member; none for the root, which stays as it is.
    fn path(&self, member: &Member) -> Result<Option<EntryPath>, PayloadError> {
        let name = member.name.as_slice();
        let is_directory = matches!(member.kind, MemberKind::Directory);
        let plain = plain_name(name, is_directory);
        if plain.is_empty() && !name.is_empty() && !name.starts_with(b"/") && is_directory {
            return Ok(None);
        }
        let refuse = |rule| name_error(member, "path", name, rule);
        let path = EntryPath::new(plain).map_err(refuse)?;
        if self.entries.contains_key(&path) {
            return Err(refuse(NameRule::Duplicate));
        }
        Ok(Some(path))
    }

    /// Makes the directories above `path` that the archive does not list before it.
    fn make_parents(&mut self, path: &EntryPath, member: &Member) -> Result<(), PayloadError> {
        let bytes = path.as_bytes();
        let slashes = bytes.iter().enumerate();
        let ends = slashes.filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for end in ends {
            let refuse = |rule| name_error(member, "path", bytes, rule);
            let above = EntryPath::new(bytes.get(..end).unwrap_or_default()).map_err(refuse)?;
            match self.entries.get(&above) {
                Some(entry) if entry.kind == FileKind::Directory => {}
                Some(_) => return Err(refuse(NameRule::NotBelowDirectory)),
                None => {
                    restore::create_directory(&mut Parents::of(self.target), &above)?;
                    self.keep(FileEntry {
                        path: above,
                        kind: FileKind::Directory,
                        mode: 0o755,
                        uid: member.uid,
                        gid: member.gid,
                        mtime: member.mtime,
                        xattrs: Vec::new(),
                    })?;
                }
            }
        }
        Ok(())
    }

    fn kind(&self, path: &EntryPath, member: &Member) -> Result<FileKind, PayloadError> {
        let refuse = |name, rule| name_error(member, "link target", name, rule);
        Ok(match &member.kind {
            MemberKind::Regular { size } => FileKind::Regular {
                size: *size,
                sha256: Sha256Digest::from_bytes([0; Sha256Digest::LENGTH]),
            },
            MemberKind::Directory => FileKind::Directory,
            MemberKind::Symlink { target } => {
                let rule = match target.as_slice() {
                    [] => Some(NameRule::Empty),
                    long if long.len() > MAX_PATH_LENGTH => Some(NameRule::TooLong(long.len())),
                    bytes if bytes.contains(&0) => Some(NameRule::Nul),
                    _ => None,
                };
                if let Some(rule) = rule {
                    return Err(refuse(target, rule));
                }
                FileKind::Symlink {
                    target: OsStr::from_bytes(target).to_owned(),
                }
            }
            MemberKind::HardLink { target: name } => {
                let target = EntryPath::new(plain_name(name, false));
                let target = target.map_err(|rule| refuse(name, rule))?;
                let file = self.entries.get(&target);
                match file.map(|entry| &entry.kind) {
                    Some(FileKind::Regular { .. }) => FileKind::HardLink { target },
                    _ => return Err(refuse(name, NameRule::NoSuchFile)),
                }
            }
            MemberKind::Fifo => FileKind::Fifo,
            MemberKind::CharacterDevice(_) | MemberKind::BlockDevice(_)
                if !self.options.unpack.devices =>
            {
                let name = path.to_string();
                return Err(PayloadError::Device { name });
            }
            MemberKind::CharacterDevice(number) => FileKind::CharacterDevice(*number),
            MemberKind::BlockDevice(number) => FileKind::BlockDevice(*number),
        })
    }

    fn write(&mut self, entry: &FileEntry, size: u64) -> Result<(), PayloadError> {
        // A size that cannot be is refused before the file is made.
        self.members.check_room(size)?;
        let mut file = self
            .target
            .create_file(&entry.path, restore::PRIVATE_FILE)?;
        let mut left = size;
        while left > 0 {
            if self.progress.cancelled() {
                return Err(PayloadError::Cancelled);
            }
            let step = narrow(left).min(BUFFER);
            let part = self.buffer.get_mut(..step).unwrap_or_default();
            self.members.read_contents(part)?;
            let path = || self.target.path().join(&entry.path);
            file.write_all(part)
                .map_err(|error| FsError::system("write", path())(error))?;
            left -= wide(step);
        }
        self.members.read_padding(size)?;
        self.report.bytes += size;
        restore::finish_file(&file, &entry.path, entry, &self.options.unpack)
    }

    fn keep(&mut self, entry: FileEntry) -> Result<(), PayloadError> {
        let xattrs = entry.xattrs.iter().map(|x| x.name.len() + x.value.len());
        let target = match &entry.kind {
            FileKind::Symlink { target } => target.len(),
            FileKind::HardLink { target } => target.as_bytes().len(),
            _ => 0,
        };
        let length = 2 * entry.path.as_bytes().len() + target + xattrs.sum::<usize>();
        self.kept += wide(length);
        self.entries.insert(entry.path.clone(), entry);
        if self.kept > MAX_ARCHIVE_NAMES {
            let what = "bytes of names and attributes in the archive".to_owned();
            let (limit, found) = (MAX_ARCHIVE_NAMES, self.kept);
            return Err(PayloadError::TooLarge { what, limit, found });
        }
        Ok(())
    }
}

/// `name` without the `./` that tar programs put in front and the slash they put behind directories.
fn plain_name(name: &[u8], is_directory: bool) -> &[u8] {
    let mut plain = name;
    while let Some(rest) = plain.strip_prefix(b"./") {
        plain = rest;
    }
    if is_directory {
        plain = plain.strip_suffix(b"/").unwrap_or(plain);
        if plain == b"." {
            return &[];
        }
    }
    plain
}

fn name_error(member: &Member, field: &'static str, name: &[u8], rule: NameRule) -> PayloadError {
    PayloadError::Name {
        of: "archive",
        offset: member.offset,
        field,
        name: escaped(name),
        rule,
    }
}
