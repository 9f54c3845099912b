//! Unpacks a payload that an index and a file table describe.
//!
//! # Threats met here
//!
//! - Stored bytes are not the signed ones: each frame is hashed before a decoder sees it.
//! - A frame decodes to more, to less, or to something that holds two frames: the decoder is given
//!   exactly the declared room, and the frame's own header has to agree.
//! - The archive says something else than the table, or the decoder something else than the archive:
//!   headers and padding are compared byte by byte with those that the table gives, contents are
//!   hashed against it. Where only some files are wanted, whole frames are hashed against the index.
//! - Names lead out of the target: see [`super::EntryPath`], [`crate::fsio::Dir`], and the order in
//!   [`super::restore`].

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::convert::{narrow, wide};
use super::entry::{FileEntry, FileKind};
use super::frames::{Check, FrameBuffers, Frames, check_contents, is_zeros};
use super::index::PayloadIndex;
use super::options::UnpackOptions;
use super::parallel::{Relay, in_order, lock, threads};
use super::parents::Parents;
use super::restore;
use super::select::Selection;
use super::space;
use super::stream::{self, Part, Role};
use super::{EntryPath, FileTable, PayloadError, tar_header};
use crate::digest::Sha256Digest;
use crate::fsio::{Dir, FsError, ReadAt};
use crate::progress::Progress;

/// What was unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnpackReport {
    /// Entries made, of every kind.
    pub entries: u64,
    /// Bytes of contents written.
    pub bytes: u64,
}

/// Unpacks everything into `target`, which is empty; after a failure it is empty again.
///
/// Offset 0 of `payload` is the first byte of the payload; it may be longer than the index says.
/// Every byte of the payload is checked. Memory in use stays below 64 MiB besides table and index.
pub fn unpack(
    payload: &impl ReadAt,
    index: &PayloadIndex,
    table: &FileTable,
    target: &Dir,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport, PayloadError> {
    let selection = Selection::whole(table);
    unpack_selection(payload, index, table, &selection, target, options, progress)
}

/// As [`unpack`], for the entries at `paths`, what is below them, and the directories above them.
///
/// Only the frames that hold them are read. A hard link to a file that is not among them becomes a
/// copy of that file. Fails with `E_NOT_FOUND` on a path that is not in the table.
pub fn unpack_only(
    payload: &impl ReadAt,
    index: &PayloadIndex,
    table: &FileTable,
    paths: &[PathBuf],
    target: &Dir,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport, PayloadError> {
    let selection = Selection::only(table, paths)?;
    unpack_selection(payload, index, table, &selection, target, options, progress)
}

/// As [`unpack`], into a new directory that appears as `path` when it is complete.
///
/// It is made beside its final place under a hidden name; a failure removes it. Fails if `path` exists.
pub fn unpack_new(
    payload: &impl ReadAt,
    index: &PayloadIndex,
    table: &FileTable,
    path: &Path,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport, PayloadError> {
    into_new(path, options, |target| {
        unpack(payload, index, table, target, options, progress)
    })
}

/// Lets `fill` fill a hidden directory and gives it the name `path` if that worked.
pub(super) fn into_new<T>(
    path: &Path,
    options: &UnpackOptions,
    fill: impl FnOnce(&Dir) -> Result<T, PayloadError>,
) -> Result<T, PayloadError> {
    let output = crate::fsio::OutputDir::create(path)?;
    let report = fill(output.dir())?;
    output.commit(options.sync)?;
    Ok(report)
}

fn unpack_selection(
    payload: &impl ReadAt,
    index: &PayloadIndex,
    table: &FileTable,
    selection: &Selection,
    target: &Dir,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport, PayloadError> {
    let frames = Frames::new(payload, index, table)?;
    check_devices(table, selection, options)?;
    restore::check_empty(target)?;
    space::check(target, table, selection)?;
    let unpacker = Unpacker {
        frames,
        index,
        table,
        selection,
        target,
        options,
        relay: Relay::default(),
        open: Mutex::new(HashMap::new()),
    };
    let result = unpacker.run(progress);
    if result.is_err() {
        restore::clear(target, unpacker.directories());
    }
    result
}

fn check_devices(
    table: &FileTable,
    selection: &Selection,
    options: &UnpackOptions,
) -> Result<(), PayloadError> {
    let mut entries = table.entries().iter().enumerate();
    let device = entries.find(|(number, e)| e.kind.is_device() && selection.wants(*number));
    match device {
        Some((_, entry)) if !options.devices => Err(PayloadError::Device {
            name: entry.path.to_string(),
        }),
        _ => Ok(()),
    }
}

/// What all threads share while a payload is unpacked.
struct Unpacker<'a, P> {
    frames: Frames<'a, P>,
    index: &'a PayloadIndex,
    table: &'a FileTable,
    selection: &'a Selection,
    target: &'a Dir,
    options: &'a UnpackOptions,
    relay: Relay,
    /// Files that are spread over several frames.
    open: Mutex<HashMap<usize, Arc<File>>>,
}

/// What each thread has for itself.
struct Worker<'a> {
    buffers: FrameBuffers,
    parts: Vec<Part>,
    writer: Writer<'a>,
}

/// What a thread needs to write entries.
struct Writer<'a> {
    parents: Parents<'a>,
    headers: Vec<u8>,
}

impl<P: ReadAt> Unpacker<'_, P> {
    fn run(&self, progress: &dyn Progress) -> Result<UnpackReport, PayloadError> {
        let frames = self.selection.frames(self.table, self.index);
        let sizes = frames.iter().filter_map(|&n| self.index.frames().get(n));
        let total = sizes.map(|frame| u64::from(frame.plain_size)).sum();
        progress.begin("unpack", total);
        let mut parents = Parents::of(self.target);
        for path in self.directories() {
            if progress.cancelled() {
                return Err(PayloadError::Cancelled);
            }
            restore::create_directory(&mut parents, path)?;
        }
        let mut bytes = 0;
        in_order(
            frames.len(),
            threads(self.options.threads),
            || self.prepare(),
            |worker, number| {
                let frame = frames.get(number).copied().unwrap_or_default();
                self.unpack_frame(worker, frame, progress)
            },
            || self.relay.stop(),
            |written| {
                bytes += written;
                Ok(())
            },
        )?;
        let entries: Vec<_> = self.wanted().collect();
        restore::finish(self.target, &entries, self.options, progress)?;
        if self.options.sync {
            self.target.sync_file_system()?;
        }
        let entries = wide(entries.len());
        Ok(UnpackReport { entries, bytes })
    }

    fn prepare(&self) -> Result<Worker<'_>, PayloadError> {
        Ok(Worker {
            buffers: FrameBuffers::new()?,
            parts: Vec::new(),
            writer: Writer {
                parents: Parents::of(self.target),
                headers: Vec::new(),
            },
        })
    }

    /// The wanted entries, each hard link with the name it links to.
    fn wanted(&self) -> impl Iterator<Item = (&FileEntry, Option<&EntryPath>)> {
        let entries = self.table.entries().iter().enumerate();
        entries
            .filter(|(number, _)| self.selection.wants(*number))
            .map(|(number, entry)| (entry, self.selection.link_target(number)))
    }

    fn directories(&self) -> impl Iterator<Item = &EntryPath> {
        let directories = self.wanted().map(|(entry, _)| entry);
        directories
            .filter(|entry| entry.kind == FileKind::Directory)
            .map(|entry| &entry.path)
    }

    /// Checks, decodes and writes one frame; gives the bytes of contents it wrote.
    fn unpack_frame(
        &self,
        worker: &mut Worker<'_>,
        number: usize,
        progress: &dyn Progress,
    ) -> Result<u64, PayloadError> {
        if progress.cancelled() {
            return Err(PayloadError::Cancelled);
        }
        let Some(range) = self.frames.range(number) else {
            return Ok(0);
        };
        let Worker {
            buffers,
            parts,
            writer,
        } = worker;
        // When everything is wanted, every decoded byte is compared with the table or hashed against it
        // below; hashing it twice would cost a fifth of all time.
        let check = if self.selection.is_whole() {
            Check::Stored
        } else {
            Check::Decoded
        };
        let plain = self.frames.read(number, check, buffers)?;
        let length = range.end - range.start;
        stream::parts(self.table, range, parts);
        let mut written = 0;
        for part in &*parts {
            let bytes = plain.get(part.place.clone()).unwrap_or_default();
            written += self.unpack_part(part, bytes, writer)?;
        }
        progress.advance(length);
        Ok(written)
    }

    fn unpack_part(
        &self,
        part: &Part,
        bytes: &[u8],
        writer: &mut Writer<'_>,
    ) -> Result<u64, PayloadError> {
        let Writer { parents, headers } = writer;
        let entry = self.table.entries().get(part.entry);
        let name = self.selection.name(self.table, part.entry);
        // What is not wanted is covered by the digest of the frame.
        let checked = self.selection.is_whole() || name.is_some();
        match (part.role, entry) {
            (Role::Zeros, _) if checked => check_zeros(part, entry, bytes)?,
            (Role::Headers, Some(entry)) if checked => {
                check_headers(part, entry, bytes, headers)?;
                if let (FileKind::Regular { size: 0, .. }, Some(name), 0) =
                    (&entry.kind, name, part.start)
                {
                    self.write_whole(entry, name, &[], parents)?;
                }
            }
            (Role::Data, Some(entry)) => {
                let Some(name) = name else { return Ok(0) };
                if wide(bytes.len()) == entry.kind.size() {
                    self.write_whole(entry, name, bytes, parents)?;
                } else {
                    self.write_piece(part, entry, name, bytes)?;
                }
                return Ok(wide(bytes.len()));
            }
            _ => {}
        }
        Ok(0)
    }

    fn write_whole(
        &self,
        entry: &FileEntry,
        name: &EntryPath,
        bytes: &[u8],
        parents: &mut Parents<'_>,
    ) -> Result<(), PayloadError> {
        check_contents(entry, Sha256Digest::of(bytes))?;
        let (parent, last) = parents.enter(name)?;
        let file = parent.create_file(last, restore::PRIVATE_FILE)?;
        file.write_all_at(bytes, 0)
            .map_err(|e| self.write_error(name, e))?;
        restore::finish_file(&file, name, entry, self.options)
    }

    fn write_piece(
        &self,
        part: &Part,
        entry: &FileEntry,
        name: &EntryPath,
        bytes: &[u8],
    ) -> Result<(), PayloadError> {
        let size = entry.kind.size();
        let file = self.open(part.entry, name, size)?;
        // The file has its full length already: zeros stay a hole.
        if !is_zeros(bytes) {
            file.write_all_at(bytes, part.start)
                .map_err(|e| self.write_error(name, e))?;
        }
        let digest = self.relay.update(part.entry, part.start, bytes, size)?;
        if let Some(digest) = digest {
            lock(&self.open).remove(&part.entry);
            check_contents(entry, digest)?;
            restore::finish_file(&file, name, entry, self.options)?;
        }
        Ok(())
    }

    /// The file that several frames write to; the first of them creates it.
    fn open(&self, number: usize, name: &EntryPath, size: u64) -> Result<Arc<File>, PayloadError> {
        let mut open = lock(&self.open);
        if let Some(file) = open.get(&number) {
            return Ok(Arc::clone(file));
        }
        let file = self.target.create_file(name, restore::PRIVATE_FILE)?;
        file.set_len(size).map_err(|e| self.write_error(name, e))?;
        let file = Arc::new(file);
        open.insert(number, Arc::clone(&file));
        Ok(file)
    }

    fn write_error(&self, name: &EntryPath, error: std::io::Error) -> PayloadError {
        FsError::system("write", self.target.path().join(name))(error).into()
    }
}

fn check_headers(
    part: &Part,
    entry: &FileEntry,
    bytes: &[u8],
    headers: &mut Vec<u8>,
) -> Result<(), PayloadError> {
    headers.clear();
    tar_header::append(entry, headers);
    let start = narrow(part.start);
    let expected = headers.get(start..).unwrap_or_default();
    if expected.get(..bytes.len()) == Some(bytes) {
        return Ok(());
    }
    match expected.iter().zip(bytes).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => {
            let byte = |bytes: &[u8]| format!("byte {:#04x}", bytes.get(at).unwrap_or(&0));
            Err(PayloadError::Mismatch {
                what: format!("tar header of \"{}\" at byte {}", entry.path, start + at),
                expected: byte(expected),
                found: byte(bytes),
            })
        }
    }
}

fn check_zeros(part: &Part, entry: Option<&FileEntry>, bytes: &[u8]) -> Result<(), PayloadError> {
    match bytes.iter().position(|&byte| byte != 0) {
        None => Ok(()),
        Some(at) => Err(PayloadError::Mismatch {
            what: match entry {
                Some(entry) => format!("padding of \"{}\"", entry.path),
                None => "end-of-archive marker".to_owned(),
            },
            expected: format!("zero at byte {}", part.start + wide(at)),
            found: format!("byte {:#04x}", bytes.get(at).unwrap_or(&0)),
        }),
    }
}
