use std::fs::File;
use std::io::{self, Read};

/// Bytes of known length that can be read at any place, from any thread.
pub trait ReadAt: Sync {
    /// The length in bytes, asked anew at each call.
    fn length(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset` on, or fails.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for File {
    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }
}

impl ReadAt for [u8] {
    fn length(&self) -> io::Result<u64> {
        u64::try_from(self.len()).map_err(io::Error::other)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let part = usize::try_from(offset)
            .ok()
            .and_then(|start| Some(start..start.checked_add(buffer.len())?))
            .and_then(|range| self.get(range))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(part);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn length(&self) -> io::Result<u64> {
        self.as_slice().length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.as_slice().read_exact_at(buffer, offset)
    }
}

impl<R: ReadAt + ?Sized> ReadAt for &R {
    fn length(&self) -> io::Result<u64> {
        (**self).length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        (**self).read_exact_at(buffer, offset)
    }
}

/// Reads one part of a [`ReadAt`] from front to back.
#[derive(Debug)]
pub struct RegionReader<'a, R: ?Sized> {
    source: &'a R,
    offset: u64,
    remaining: u64,
}

impl<'a, R: ReadAt + ?Sized> RegionReader<'a, R> {
    /// Reads `length` bytes of `source` from `offset` on.
    pub fn new(source: &'a R, offset: u64, length: u64) -> Self {
        Self {
            source,
            offset,
            remaining: length,
        }
    }
}

impl<R: ReadAt + ?Sized> Read for RegionReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = usize::try_from(self.remaining)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(part) = buffer.get_mut(..count) else {
            return Ok(0);
        };
        self.source.read_exact_at(part, self.offset)?;
        let advance = u64::try_from(count).map_err(io::Error::other)?;
        self.offset = self.offset.saturating_add(advance);
        self.remaining = self.remaining.saturating_sub(advance);
        Ok(count)
    }
}
