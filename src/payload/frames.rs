//! Reads single frames of a payload: each is checked before a decoder sees it.

use std::ops::Range;

use super::convert::{narrow, wide};
use super::entry::{FileEntry, FileKind};
use super::index::{Frame, FrameKind, PayloadIndex};
use super::{FileTable, PayloadError};
use crate::digest::Sha256Digest;
use crate::fsio::ReadAt;

/// The frames of one payload, to be read in any order and from any thread.
pub(super) struct Frames<'a, P: ?Sized> {
    payload: &'a P,
    index: &'a PayloadIndex,
    places: Vec<FramePlace>,
}

/// Where a frame stands in the payload and in the tar stream.
#[derive(Debug, Clone, Copy)]
struct FramePlace {
    stored: u64,
    plain: u64,
}

/// How far a frame is checked when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// The stored bytes; for a reader that checks everything that comes out of them.
    Stored,
    /// The stored bytes, and what they decode to.
    Decoded,
}

/// What a thread needs to read frames, kept from one to the next.
pub(super) struct FrameBuffers {
    decoder: zstd::bulk::Decompressor<'static>,
    stored: Vec<u8>,
    plain: Vec<u8>,
}

impl FrameBuffers {
    pub(super) fn new() -> Result<Self, PayloadError> {
        let decoder = zstd::bulk::Decompressor::new();
        Ok(Self {
            decoder: decoder.map_err(|source| PayloadError::Codec { source })?,
            stored: Vec::new(),
            plain: Vec::new(),
        })
    }

    /// What was read last.
    pub(super) fn plain(&self, kind: FrameKind) -> &[u8] {
        match kind {
            FrameKind::Plain => &self.stored,
            FrameKind::Zstd => &self.plain,
        }
    }
}

impl<'a, P: ReadAt + ?Sized> Frames<'a, P> {
    /// Fails unless payload, index and table speak of streams of the same length.
    pub(super) fn new(
        payload: &'a P,
        index: &'a PayloadIndex,
        table: &FileTable,
    ) -> Result<Self, PayloadError> {
        check_agreement(payload, index, table)?;
        let mut next = FramePlace {
            stored: 0,
            plain: 0,
        };
        let place = |frame: &Frame| {
            let place = next;
            next.stored += u64::from(frame.stored_size);
            next.plain += u64::from(frame.plain_size);
            place
        };
        let places = index.frames().iter().map(place).collect();
        Ok(Self {
            payload,
            index,
            places,
        })
    }

    /// The bytes of the tar stream that frame `number` holds.
    pub(super) fn range(&self, number: usize) -> Option<Range<u64>> {
        let frame = self.index.frames().get(number)?;
        let start = self.places.get(number)?.plain;
        Some(start..start + u64::from(frame.plain_size))
    }

    /// The number of the frame that holds byte `offset` of the tar stream.
    pub(super) fn at(&self, offset: u64) -> usize {
        let after = self.places.partition_point(|place| place.plain <= offset);
        after.saturating_sub(1)
    }

    /// Reads, checks and decodes frame `number`; nothing if there is none.
    pub(super) fn read<'b>(
        &self,
        number: usize,
        check: Check,
        buffers: &'b mut FrameBuffers,
    ) -> Result<&'b [u8], PayloadError> {
        let (Some(frame), Some(place)) = (self.index.frames().get(number), self.places.get(number))
        else {
            return Ok(&[]);
        };
        let FrameBuffers {
            decoder,
            stored,
            plain,
        } = buffers;
        stored.resize(narrow(frame.stored_size.into()), 0);
        let read = self.payload.read_exact_at(stored, place.stored);
        read.map_err(|source| PayloadError::Read {
            offset: place.stored,
            source,
        })?;
        check_digest(|| format!("frame {number}"), stored, frame.stored_sha256)?;
        if self.index.kind() == FrameKind::Zstd {
            decode(decoder, number, frame, stored, plain)?;
            if check == Check::Decoded {
                let what = || format!("frame {number}, decoded");
                check_digest(what, plain, frame.plain_sha256)?;
            }
        }
        Ok(buffers.plain(self.index.kind()))
    }
}

/// Payload, index and table speak of streams of the same length.
fn check_agreement(
    payload: &(impl ReadAt + ?Sized),
    index: &PayloadIndex,
    table: &FileTable,
) -> Result<(), PayloadError> {
    let (expected, found) = (table.stream_length(), index.plain_length());
    if expected != found {
        return Err(PayloadError::Mismatch {
            what: "length of the tar stream".to_owned(),
            expected: format!("{expected} bytes as in the file table"),
            found: format!("{found} bytes in the payload index"),
        });
    }
    let read_error = |source| PayloadError::Read { offset: 0, source };
    let (expected, found) = (index.stored_length(), payload.length().map_err(read_error)?);
    if expected != found {
        return Err(PayloadError::Index {
            offset: 0,
            field: "all stored sizes",
            expected: format!("{expected} bytes of payload"),
            found: format!("{found} bytes"),
        });
    }
    Ok(())
}

/// First bytes of a Zstandard frame; the library also knows older and skippable ones.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Decodes `stored`, whose digest has been checked, into exactly the declared number of bytes.
fn decode(
    decoder: &mut zstd::bulk::Decompressor<'_>,
    number: usize,
    frame: &Frame,
    stored: &[u8],
    plain: &mut Vec<u8>,
) -> Result<(), PayloadError> {
    use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};
    let unfit = |source| PayloadError::Frame {
        frame: number,
        plain: frame.plain_size,
        source,
    };
    let declared = u64::from(frame.plain_size);
    let is_one_frame = stored.starts_with(&ZSTD_MAGIC)
        && find_frame_compressed_size(stored) == Ok(stored.len())
        && matches!(get_frame_content_size(stored), Ok(Some(size)) if size == declared);
    if !is_one_frame {
        return Err(unfit(None));
    }
    plain.resize(narrow(declared), 0);
    let result = decoder.decompress_to_buffer(stored, plain.as_mut_slice());
    match result {
        Ok(count) if wide(count) == declared => Ok(()),
        Ok(_) => Err(unfit(None)),
        Err(error) => Err(unfit(Some(error))),
    }
}

fn check_digest(
    what: impl FnOnce() -> String,
    bytes: &[u8],
    expected: Sha256Digest,
) -> Result<(), PayloadError> {
    let found = Sha256Digest::of(bytes);
    if found == expected {
        return Ok(());
    }
    Err(PayloadError::HashMismatch {
        what: what(),
        expected,
        found,
    })
}

/// Compares the digest of a file's contents with the one that the table names.
pub(super) fn check_contents(entry: &FileEntry, found: Sha256Digest) -> Result<(), PayloadError> {
    match entry.kind {
        FileKind::Regular { sha256, .. } if sha256 != found => Err(PayloadError::HashMismatch {
            what: format!("contents of \"{}\"", entry.path),
            expected: sha256,
            found,
        }),
        _ => Ok(()),
    }
}

/// Whether there is nothing but zeros.
pub(super) fn is_zeros(bytes: &[u8]) -> bool {
    // Almost always decided by the first piece.
    bytes
        .chunks(4096)
        .all(|piece| piece.iter().all(|&byte| byte == 0))
}
