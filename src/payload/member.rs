//! Reads single files out of a payload, without unpacking the rest.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::convert::{narrow, wide};
use super::entry::FileKind;
use super::frames::{Check, FrameBuffers, Frames, check_contents, is_zeros};
use super::{FileTable, PayloadError, PayloadIndex, stream};
use crate::digest::Hasher;
use crate::fsio::{FsError, ReadAt};
use crate::progress::Progress;

/// Gives out the contents of single files of a payload.
///
/// Only the frames that hold a file are read, each checked before and after it is decoded; the last one
/// is kept, since files that are wanted in order often share it. Memory in use is two frames.
pub struct Members<'a> {
    frames: Frames<'a, dyn ReadAt + 'a>,
    index: &'a PayloadIndex,
    table: &'a FileTable,
    buffers: FrameBuffers,
    /// The frame that is in the buffers.
    held: Option<usize>,
}

impl std::fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members").field("held", &self.held).finish()
    }
}

impl<'a> Members<'a> {
    /// Offset 0 of `payload` is the first byte of the payload.
    pub fn new(
        payload: &'a (dyn ReadAt + 'a),
        index: &'a PayloadIndex,
        table: &'a FileTable,
    ) -> Result<Self, PayloadError> {
        Ok(Self {
            frames: Frames::new(payload, index, table)?,
            index,
            table,
            buffers: FrameBuffers::new()?,
            held: None,
        })
    }

    /// Writes the contents of entry `number`, a regular file, into the empty file `output`.
    ///
    /// `path` is where `output` is, for messages. What was written is the signed contents only once this
    /// has succeeded. Runs of zeros that fill whole frames become holes.
    pub fn write(
        &mut self,
        number: usize,
        output: &File,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<(), PayloadError> {
        let entry = self.table.entries().get(number);
        let Some((entry, FileKind::Regular { size, .. })) = entry.map(|entry| (entry, &entry.kind))
        else {
            return Err(PayloadError::NotFound {
                path: entry
                    .map(|entry| entry.path.as_path().to_owned())
                    .unwrap_or_default(),
            });
        };
        let failed = |error| PayloadError::from(FsError::system("write", path)(error));
        output.set_len(*size).map_err(failed)?;
        let data = stream::data_range(self.table, number);
        let mut hasher = Hasher::new();
        let mut position = data.start;
        while position < data.end {
            if progress.cancelled() {
                return Err(PayloadError::Cancelled);
            }
            let end = data.end;
            let piece = self.piece(position, end)?;
            hasher.update(piece);
            if !is_zeros(piece) {
                output
                    .write_all_at(piece, position - data.start)
                    .map_err(failed)?;
            }
            let length = wide(piece.len());
            progress.advance(length);
            position += length;
        }
        check_contents(entry, hasher.finish())
    }

    /// The bytes of the tar stream from `position` on, as far as their frame goes, `end` at most.
    fn piece(&mut self, position: u64, end: u64) -> Result<&[u8], PayloadError> {
        let number = self.frames.at(position);
        if self.held != Some(number) {
            self.held = None;
            self.frames
                .read(number, Check::Decoded, &mut self.buffers)?;
            self.held = Some(number);
        }
        let range = self.frames.range(number).unwrap_or_default();
        let place = narrow(position - range.start)..narrow(end.min(range.end) - range.start);
        let piece = self.buffers.plain(self.index.kind()).get(place);
        // An index of another length than the table's was refused before: there is always a next byte.
        piece.filter(|piece| !piece.is_empty()).ok_or_else(|| {
            let (what, expected) = ("payload index".to_owned(), format!("byte {position}"));
            let found = "its end".to_owned();
            PayloadError::Mismatch {
                what,
                expected,
                found,
            }
        })
    }
}
