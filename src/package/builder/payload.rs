use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use jiff::Timestamp;

use super::error::reading;
use super::measure::{Measured, Measurer, PIECE, while_measuring};
use super::{BuildError, Content, DraftRegion, PayloadSource};
use crate::fsio::{OutputFile, ReadAt, clone_file};
use crate::manifest::RegionKind;
use crate::payload::{FileTable, build_tree};
use crate::progress::Progress;

/// A payload in its place at the beginning of the output.
pub(super) struct WrittenPayload {
    pub(super) measured: Measured,
    pub(super) media_type: String,
    /// Newest time of the payload, in whole seconds.
    pub(super) newest: Timestamp,
    /// Regions that describe the payload.
    pub(super) described_by: Vec<DraftRegion>,
    /// The files in it, if it was made from a tree.
    pub(super) table: Option<FileTable>,
}

/// Writes the payload from byte 0 on and hashes it on the way.
pub(super) fn write_payload(
    payload: PayloadSource,
    output: &mut OutputFile,
    progress: &dyn Progress,
) -> Result<WrittenPayload, BuildError> {
    match payload {
        PayloadSource::File { file, media_type } => {
            let newest = modified(&file)?;
            let length = file.length().map_err(reading("payload"))?;
            progress.begin("copy", length);
            let target: &OutputFile = output;
            let (measured, ()) = while_measuring(|measurer| {
                // A clone takes all of the source, which must still be what it was.
                copy_all(&file, length, target, measurer, progress)?;
                let found = target.file().length().map_err(BuildError::Write)?;
                if found == length {
                    Ok(())
                } else {
                    let (name, expected) = ("payload".to_owned(), length);
                    Err(BuildError::Changed {
                        name,
                        expected,
                        found,
                    })
                }
            })?;
            Ok(WrittenPayload {
                measured,
                media_type,
                newest,
                described_by: Vec::new(),
                table: None,
            })
        }
        PayloadSource::Tree { directory, options } => {
            let target: &OutputFile = output;
            let (measured, tree) = while_measuring(|measurer| {
                let file = target.file();
                let mut writer = MeasuringWriter {
                    file,
                    end: 0,
                    measurer,
                };
                build_tree(&directory, &mut writer, &options, progress).map_err(BuildError::Payload)
            })?;
            let newest = tree
                .table
                .entries()
                .iter()
                .map(|entry| entry.mtime.seconds)
                .max();
            let newest = Timestamp::from_second(newest.unwrap_or(0).max(0)).unwrap_or_default();
            let described_by = [
                (RegionKind::FileTable, "file-table", tree.table.encode()),
                (
                    RegionKind::PayloadIndex,
                    "payload-index",
                    tree.index.encode(),
                ),
            ]
            .map(|(kind, name, bytes)| DraftRegion {
                kind,
                name: name.to_owned(),
                media_type: String::new(),
                content: Content::Bytes(bytes),
            })
            .into();
            let media_type = tree.media_type.to_owned();
            Ok(WrittenPayload {
                measured,
                media_type,
                newest,
                described_by,
                table: Some(tree.table),
            })
        }
    }
}

/// Copies the whole source and hands it on while it is in memory; shares its blocks where possible.
fn copy_all(
    source: &File,
    length: u64,
    output: &OutputFile,
    measurer: &mut Measurer,
    progress: &dyn Progress,
) -> Result<(), BuildError> {
    let target = output.file();
    let cloned = clone_file(source, target, output.path()).map_err(BuildError::Copy)?;
    // What is hashed is what is kept: a clone is read back, because its source may have changed since.
    let from = if cloned { target } else { source };
    let mut offset = 0_u64;
    while offset < length {
        if progress.cancelled() {
            return Err(BuildError::Cancelled);
        }
        let left = usize::try_from(length - offset).unwrap_or(usize::MAX);
        let count = measurer.take(|buffer| {
            let piece = buffer.get_mut(..left.min(PIECE)).unwrap_or_default();
            ReadAt::read_exact_at(from, piece, offset).map_err(reading("payload"))?;
            if !cloned {
                target
                    .write_all_at(piece, offset)
                    .map_err(BuildError::Write)?;
            }
            Ok(piece.len())
        })?;
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        offset = offset.saturating_add(count);
        progress.advance(count);
    }
    Ok(())
}

/// Writes to a file from its beginning and hands on what was written.
struct MeasuringWriter<'a> {
    file: &'a File,
    end: u64,
    measurer: &'a mut Measurer,
}

impl io::Write for MeasuringWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (file, end) = (self.file, self.end);
        let count = self.measurer.take(|buffer| {
            let count = bytes.len().min(buffer.len());
            let (piece, bytes) = (buffer.get_mut(..count), bytes.get(..count));
            let (piece, bytes) = (piece.unwrap_or_default(), bytes.unwrap_or_default());
            piece.copy_from_slice(bytes);
            file.write_all_at(piece, end).map(|()| count)
        })?;
        self.end = self
            .end
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// When a file was changed last, in whole seconds.
fn modified(file: &File) -> Result<Timestamp, BuildError> {
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    let modified = modified.map_err(reading("payload"))?;
    let seconds = Timestamp::try_from(modified).map_or(0, Timestamp::as_second);
    Ok(Timestamp::from_second(seconds.max(0)).unwrap_or_default())
}
