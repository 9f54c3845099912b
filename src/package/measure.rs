use std::fs::File;

use super::arrival::Arrival;
use super::hashing::BUFFER;
use crate::digest::{Hasher, Sha256Digest};
use crate::fsio::ReadAt as _;
use crate::limits::CHUNK_SIZE;

/// The digests of a payload.
pub(super) struct Measured {
    /// Length in bytes.
    pub(super) length: u64,
    /// The running hash at the payload's end; it goes on to the end of the file.
    pub(super) whole: Hasher,
    /// Digest of every chunk.
    pub(super) chunks: Vec<Sha256Digest>,
}

/// Hashes a payload that begins at byte 0 of `file` while it is written: one thread for the whole, one
/// for the chunks, both right behind the writing.
pub(super) fn measure(file: &File, arrival: &Arrival) -> std::io::Result<Measured> {
    let (whole, chunks) = std::thread::scope(|scope| {
        let chunks = scope.spawn(|| chunk_digests(file, arrival));
        let whole = whole_hash(file, arrival);
        (whole, chunks.join())
    });
    let (length, whole) = whole?;
    let chunks = chunks.unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()))?;
    Ok(Measured {
        length,
        whole,
        chunks,
    })
}

fn whole_hash(file: &File, arrival: &Arrival) -> std::io::Result<(u64, Hasher)> {
    let mut hasher = Hasher::new();
    let length = follow(file, arrival, u64::MAX, |bytes, _| hasher.update(bytes))?;
    Ok((length, hasher))
}

fn chunk_digests(file: &File, arrival: &Arrival) -> std::io::Result<Vec<Sha256Digest>> {
    let mut chunks = Vec::new();
    let mut hasher = Hasher::new();
    let length = follow(file, arrival, CHUNK_SIZE, |bytes, end| {
        hasher.update(bytes);
        if end % CHUNK_SIZE == 0 {
            chunks.push(std::mem::take(&mut hasher).finish());
        }
    })?;
    if length % CHUNK_SIZE != 0 {
        chunks.push(hasher.finish());
    }
    Ok(chunks)
}

/// Reads from byte 0 on until the writer has ended; no piece crosses a multiple of `boundary`.
///
/// `feed` gets each piece and the place where it ends.
fn follow(
    file: &File,
    arrival: &Arrival,
    boundary: u64,
    mut feed: impl FnMut(&[u8], u64),
) -> std::io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut offset = 0_u64;
    loop {
        let available = arrival.wait_beyond(offset)?;
        if available <= offset {
            return Ok(offset);
        }
        while offset < available {
            let to_boundary = boundary - offset % boundary;
            let left = (available - offset).min(to_boundary);
            let count = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            let piece = buffer.get_mut(..count).unwrap_or_default();
            file.read_exact_at(piece, offset)?;
            offset = offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            feed(piece, offset);
        }
    }
}
