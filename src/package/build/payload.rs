use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use jiff::Timestamp;

use super::arrival::Arrival;
use super::error::reading;
use super::measure::{Measured, measure};
use super::{BuildError, Content, DraftRegion, PayloadSource};
use crate::fsio::{OutputFile, ReadAt as _, copy_range};
use crate::manifest::RegionKind;
use crate::payload::build_tree;
use crate::progress::Progress;

/// Bytes copied before the hashing threads are told.
const STEP: u64 = 8 << 20;

/// A payload in its place at the beginning of the output.
pub(super) struct WrittenPayload {
    pub(super) measured: Measured,
    pub(super) media_type: String,
    /// Newest time of the payload, in whole seconds.
    pub(super) newest: Timestamp,
    /// Regions that describe the payload.
    pub(super) described_by: Vec<DraftRegion>,
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
            let (measured, ()) = while_measuring(target, |arrival| {
                copy_all(&file, length, target, arrival, progress)
            })?;
            if measured.length == length {
                Ok(WrittenPayload {
                    measured,
                    media_type,
                    newest,
                    described_by: Vec::new(),
                })
            } else {
                let (expected, found) = (length, measured.length);
                Err(BuildError::Changed {
                    name: "payload".to_owned(),
                    expected,
                    found,
                })
            }
        }
        PayloadSource::Tree { directory, options } => {
            let target: &OutputFile = output;
            let (measured, tree) = while_measuring(target, |arrival| {
                let mut writer = ArrivingWriter {
                    file: target.file(),
                    end: 0,
                    arrival,
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
            })
        }
    }
}

/// Runs `write` while other threads hash what it wrote.
fn while_measuring<T>(
    output: &OutputFile,
    write: impl FnOnce(&Arrival) -> Result<T, BuildError>,
) -> Result<(Measured, T), BuildError> {
    let arrival = Arrival::nothing();
    std::thread::scope(|scope| {
        let measuring = scope.spawn(|| measure(output.file(), &arrival));
        let written = write(&arrival);
        if written.is_ok() {
            arrival.end();
        } else {
            arrival.fail();
        }
        let measured = measuring
            .join()
            .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        // What went wrong with the writing explains more than the hashing that it ended.
        let written = written?;
        Ok((measured.map_err(BuildError::Write)?, written))
    })
}

fn copy_all(
    source: &File,
    length: u64,
    output: &OutputFile,
    arrival: &Arrival,
    progress: &dyn Progress,
) -> Result<(), BuildError> {
    let mut offset = 0_u64;
    while offset < length {
        if progress.cancelled() {
            return Err(BuildError::Cancelled);
        }
        let count = STEP.min(length - offset);
        copy_range(source, offset, output.file(), offset, count, output.path())
            .map_err(BuildError::Copy)?;
        offset = offset.saturating_add(count);
        arrival.advance_to(offset);
        progress.advance(count);
    }
    Ok(())
}

/// Writes to a file from its beginning and tells how far it came.
struct ArrivingWriter<'a> {
    file: &'a File,
    end: u64,
    arrival: &'a Arrival,
}

impl io::Write for ArrivingWriter<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.file.write_at(buffer, self.end)?;
        self.end = self.end.saturating_add(u64::try_from(count).unwrap_or(0));
        self.arrival.advance_to(self.end);
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
