use std::io::{self, Read, Write as _};

use super::error::reading;
use super::{BUFFER, BuildError, Content, DraftRegion};
use crate::digest::Hasher;
use crate::fsio::{OutputFile, ReadAt as _};
use crate::isi_file::{layout, section_header};
use crate::limits::{CHUNK_SIZE, MAX_LATER_REGION};
use crate::manifest::Region;
use crate::progress::Progress;

/// Appends regions and hashes them.
pub(super) struct RegionWriter<'a> {
    pub(super) output: &'a mut OutputFile,
    /// Hash of the file so far.
    pub(super) whole: Hasher,
    /// Length of the file so far.
    pub(super) end: u64,
}

impl RegionWriter<'_> {
    /// Appends one region behind its header.
    pub(super) fn write(
        &mut self,
        draft: DraftRegion,
        progress: &dyn Progress,
    ) -> Result<Region, BuildError> {
        let DraftRegion {
            kind,
            name,
            media_type,
            content,
        } = draft;
        let (size, mut reader) = open(content, &name)?;
        let length = u32::try_from(size).map_err(|_| BuildError::RegionTooLarge {
            name: name.clone(),
            max: MAX_LATER_REGION,
            found: size,
        })?;
        self.append(&section_header(layout::section::REGION, length))?;
        let mut own = Hasher::new();
        let mut chunks = Vec::new();
        let mut found = 0_u64;
        // One byte more than promised is read, so that a growing source is noticed.
        while found <= size {
            if progress.cancelled() {
                return Err(BuildError::Cancelled);
            }
            let mut chunk = Hasher::new();
            let mut part = reader
                .by_ref()
                .take(CHUNK_SIZE.min((size - found).saturating_add(1)));
            let count = self.append_all(&mut part, &mut own, &mut chunk, &name)?;
            if count == 0 {
                break;
            }
            chunks.push(chunk.finish());
            found = found.saturating_add(count);
        }
        if found != size {
            return Err(BuildError::Changed {
                name,
                expected: size,
                found,
            });
        }
        Ok(Region {
            kind,
            name,
            media_type,
            size,
            sha256: own.finish(),
            chunks,
            unknown: Vec::new(),
        })
    }

    fn append_all(
        &mut self,
        part: &mut dyn Read,
        own: &mut Hasher,
        chunk: &mut Hasher,
        name: &str,
    ) -> Result<u64, BuildError> {
        let mut buffer = vec![0; BUFFER];
        let mut count = 0_u64;
        loop {
            let read = part.read(&mut buffer).map_err(reading(name))?;
            let piece = buffer.get(..read).unwrap_or_default();
            if piece.is_empty() {
                return Ok(count);
            }
            self.append(piece)?;
            own.update(piece);
            chunk.update(piece);
            count = count.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        self.output.write_all(bytes).map_err(BuildError::Write)?;
        self.whole.update(bytes);
        self.end = self
            .end
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

fn open(content: Content, name: &str) -> Result<(u64, Box<dyn Read>), BuildError> {
    Ok(match content {
        Content::Bytes(bytes) => (
            bytes.length().map_err(reading(name))?,
            Box::new(io::Cursor::new(bytes)),
        ),
        // Those were turned into bytes when the payload was known; what is left says nothing.
        Content::ObsoleteList { .. } => (0, Box::new(io::empty())),
        Content::File(file) => (file.length().map_err(reading(name))?, Box::new(file)),
    })
}
