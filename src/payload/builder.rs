//! Makes a payload from a directory tree.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::convert::{narrow, wide};
use super::entry::FileEntry;
use super::index::{Frame, PayloadIndex};
use super::limits::{MAX_FRAME_LENGTH, MAX_STORED_FRAME_LENGTH};
use super::options::{Compression, TreeOptions};
use super::parallel::{Relay, Spare, in_order, lock};
use super::stream::{self, Part, Role};
use super::walk::{self, Found};
use super::{FileTable, PayloadError, tar_header};
use crate::digest::Sha256Digest;
use crate::fsio::{Dir, FsError, ReadAt as _, Status, status_of_file};
use crate::progress::Progress;

/// What [`build_tree`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltTree {
    /// The files in the payload.
    pub table: FileTable,
    /// The frames of the payload.
    pub index: PayloadIndex,
    /// The media type of the payload.
    pub media_type: &'static str,
    /// The length of the payload in bytes.
    pub size: u64,
}

/// Writes the tree below `source` to `output` as a payload, and says what is in it.
///
/// The same tree and options give the same bytes, whatever the number of threads. Symbolic links are
/// recorded, never followed. The root directory itself is not recorded. Fails with `E_FILE_CHANGED`
/// when a file changes while it is read, with `E_FILE_KIND` on a socket, and with the limits of
/// [`super::limits`]. What was written before an error is of no use.
pub fn build_tree(
    source: &Dir,
    output: &mut impl Write,
    options: &TreeOptions,
    progress: &dyn Progress,
) -> Result<BuiltTree, PayloadError> {
    if let Compression::Zstd(found) = options.compression
        && !(1..=Compression::HIGHEST_LEVEL).contains(&found)
    {
        let highest = Compression::HIGHEST_LEVEL;
        return Err(PayloadError::Level { found, highest });
    }
    progress.begin("list", 0);
    let (entries, status): (Vec<FileEntry>, Vec<Option<Status>>) =
        walk::list(source, options, progress)?
            .into_iter()
            .map(|Found { entry, status }| (entry, status))
            .unzip();
    let mut table = FileTable::new(entries)?;
    progress.begin("pack", table.stream_length());
    let packer = Packer {
        source,
        table: &table,
        status: &status,
        frames: frame_ranges(&table),
        compression: options.compression,
        relay: Relay::default(),
        open: Mutex::new(HashMap::new()),
        spare: Spare::default(),
    };
    let (mut frames, mut digests, mut size) = (Vec::new(), Vec::new(), 0);
    in_order(
        packer.frames.len(),
        options.compression.threads(options.threads),
        || packer.prepare(),
        |worker, number| packer.pack(worker, number, progress),
        || packer.relay.stop(),
        |packed: Packed| {
            output
                .write_all(&packed.bytes)
                .map_err(|source| PayloadError::Write { source })?;
            size += u64::from(packed.frame.stored_size);
            progress.advance(u64::from(packed.frame.plain_size));
            frames.push(packed.frame);
            digests.extend(packed.digests);
            packer.spare.give(packed.bytes);
            Ok(())
        },
    )?;
    drop(packer);
    for (number, digest) in digests {
        table.set_digest(number, digest);
    }
    let index = PayloadIndex::new(options.compression.kind(), frames)?;
    let media_type = index.kind().media_type();
    Ok(BuiltTree {
        table,
        index,
        media_type,
        size,
    })
}

fn frame_ranges(table: &FileTable) -> Vec<Range<u64>> {
    let mut start = 0;
    let range = |length| {
        let from = start;
        start += u64::from(length);
        from..start
    };
    stream::cut(table).into_iter().map(range).collect()
}

/// What all threads share while a payload is made.
struct Packer<'a> {
    source: &'a Dir,
    table: &'a FileTable,
    status: &'a [Option<Status>],
    frames: Vec<Range<u64>>,
    compression: Compression,
    relay: Relay,
    /// Files that are spread over several frames.
    open: Mutex<HashMap<usize, Arc<File>>>,
    spare: Spare,
}

/// What each thread has for itself.
struct Worker {
    compressor: Option<zstd::bulk::Compressor<'static>>,
    plain: Vec<u8>,
    parts: Vec<Part>,
    headers: Vec<u8>,
}

/// A frame that is ready to be written, and the digests of the files that end in it.
struct Packed {
    frame: Frame,
    bytes: Vec<u8>,
    digests: Vec<(usize, Sha256Digest)>,
}

impl Packer<'_> {
    fn prepare(&self) -> Result<Worker, PayloadError> {
        let compressor = match self.compression {
            Compression::None => None,
            Compression::Zstd(level) => {
                let compressor = zstd::bulk::Compressor::new(level);
                Some(compressor.map_err(|source| PayloadError::Codec { source })?)
            }
        };
        Ok(Worker {
            compressor,
            plain: Vec::new(),
            parts: Vec::new(),
            headers: Vec::new(),
        })
    }

    fn pack(
        &self,
        worker: &mut Worker,
        number: usize,
        progress: &dyn Progress,
    ) -> Result<Packed, PayloadError> {
        if progress.cancelled() {
            return Err(PayloadError::Cancelled);
        }
        let range = self.frames.get(number).cloned().unwrap_or_default();
        stream::parts(self.table, range.clone(), &mut worker.parts);
        let mut bytes = self.spare.take();
        let plain = match self.compression {
            Compression::None => &mut bytes,
            Compression::Zstd(_) => &mut worker.plain,
        };
        plain.resize(narrow(range.end - range.start), 0);
        let mut digests = Vec::new();
        for part in &worker.parts {
            let place = plain.get_mut(part.place.clone()).unwrap_or_default();
            match part.role {
                Role::Headers => self.headers(part, &mut worker.headers, place),
                Role::Zeros => place.fill(0),
                Role::Data => {
                    let digest = self.contents(part, place)?;
                    digests.extend(digest.map(|digest| (part.entry, digest)));
                }
            }
        }
        digests.extend(self.empty_files(&worker.parts));
        let plain_sha256 = Sha256Digest::of(plain);
        let plain_size = u32::try_from(plain.len()).unwrap_or(u32::MAX);
        let stored_sha256 = match &mut worker.compressor {
            None => plain_sha256,
            Some(compressor) => {
                bytes.clear();
                bytes.reserve(narrow(MAX_STORED_FRAME_LENGTH.into()));
                compressor
                    .compress_to_buffer(&worker.plain, &mut bytes)
                    .map_err(|source| PayloadError::Codec { source })?;
                Sha256Digest::of(&bytes)
            }
        };
        let frame = Frame {
            stored_size: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            plain_size,
            stored_sha256,
            plain_sha256,
        };
        Ok(Packed {
            frame,
            bytes,
            digests,
        })
    }

    fn headers(&self, part: &Part, headers: &mut Vec<u8>, place: &mut [u8]) {
        headers.clear();
        if let Some(entry) = self.table.entries().get(part.entry) {
            tar_header::append(entry, headers);
        }
        let start = narrow(part.start);
        let piece = headers.get(start..start + place.len()).unwrap_or_default();
        place.copy_from_slice(piece);
    }

    /// Empty files have no contents in any frame; they count for the one that begins their headers.
    fn empty_files(&self, parts: &[Part]) -> Vec<(usize, Sha256Digest)> {
        let entries = self.table.entries();
        let is_empty = |part: &&Part| {
            let entry = entries.get(part.entry);
            part.role == Role::Headers
                && part.start == 0
                && entry.is_some_and(|entry| entry.kind.size() == 0)
        };
        let numbers = parts.iter().filter(is_empty).map(|part| part.entry);
        numbers
            .map(|number| (number, Sha256Digest::of(&[])))
            .collect()
    }

    /// Reads a piece of a file; gives the file's digest when the piece ends it.
    fn contents(
        &self,
        part: &Part,
        place: &mut [u8],
    ) -> Result<Option<Sha256Digest>, PayloadError> {
        let Some(entry) = self.table.entries().get(part.entry) else {
            return Ok(None);
        };
        let size = entry.kind.size();
        if wide(place.len()) == size {
            let file = self.source.open_file(&entry.path)?;
            self.read(&file, part, entry, place)?;
            self.check_unchanged(&file, part.entry, entry)?;
            return Ok(Some(Sha256Digest::of(place)));
        }
        let file = self.open(part.entry, entry)?;
        self.read(&file, part, entry, place)?;
        let digest = self.relay.update(part.entry, part.start, place, size)?;
        if digest.is_some() {
            // All pieces have been read when the last one has had its turn.
            lock(&self.open).remove(&part.entry);
            self.check_unchanged(&file, part.entry, entry)?;
        }
        Ok(digest)
    }

    fn open(&self, number: usize, entry: &FileEntry) -> Result<Arc<File>, PayloadError> {
        let mut open = lock(&self.open);
        if let Some(file) = open.get(&number) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(self.source.open_file(&entry.path)?);
        open.insert(number, Arc::clone(&file));
        Ok(file)
    }

    fn read(
        &self,
        file: &File,
        part: &Part,
        entry: &FileEntry,
        place: &mut [u8],
    ) -> Result<(), PayloadError> {
        file.read_exact_at(place, part.start).map_err(|error| {
            let path = self.source.path().join(&entry.path);
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                PayloadError::Changed { path }
            } else {
                FsError::system("read", path)(error).into()
            }
        })
    }

    /// The file is the one that was listed, and nothing has written to it since.
    fn check_unchanged(
        &self,
        file: &File,
        number: usize,
        entry: &FileEntry,
    ) -> Result<(), PayloadError> {
        let path = self.source.path().join(&entry.path);
        let now = status_of_file(file, &path)?;
        let before = self.status.get(number).copied().flatten();
        if before.is_some_and(|before| before.is_unchanged(&now)) {
            Ok(())
        } else {
            Err(PayloadError::Changed { path })
        }
    }
}

const _: () = assert!(MAX_FRAME_LENGTH < MAX_STORED_FRAME_LENGTH);
