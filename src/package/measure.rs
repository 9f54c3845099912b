use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::digest::{Hasher, Sha256Digest};
use crate::limits::CHUNK_SIZE;

/// Bytes handed on at a time; a divisor of [`CHUNK_SIZE`].
pub(super) const PIECE: usize = 256 << 10;

/// Pieces that may wait for a thread that hashes.
const DEPTH: usize = 4;

/// Pieces in use at most: those that wait, one at each thread, and one being filled, with room to spare.
const RING: usize = 2 * DEPTH;

/// The digests of a payload.
pub(super) struct Measured {
    /// Length in bytes.
    pub(super) length: u64,
    /// The running hash at the payload's end; it goes on to the end of the file.
    pub(super) whole: Hasher,
    /// Digest of every chunk.
    pub(super) chunks: Vec<Sha256Digest>,
}

/// Takes a payload piece by piece and hands it to two threads that hash: one the whole, one the chunks.
///
/// Bytes are read once and hashed while they are still in the cache.
pub(super) struct Measurer {
    whole: SyncSender<Piece>,
    chunks: SyncSender<Piece>,
    ring: Vec<Arc<Vec<u8>>>,
    next: usize,
}

/// Some of the bytes of a shared buffer: the first `length`.
struct Piece {
    buffer: Arc<Vec<u8>>,
    length: usize,
}

/// Runs `write`, which feeds the measurer, and returns what was measured beside what it returned.
pub(super) fn while_measuring<T, E>(
    write: impl FnOnce(&mut Measurer) -> Result<T, E>,
) -> Result<(Measured, T), E> {
    let (whole_in, whole_out) = sync_channel(DEPTH);
    let (chunks_in, chunks_out) = sync_channel(DEPTH);
    std::thread::scope(|scope| {
        let whole = scope.spawn(|| hash_whole(whole_out));
        let chunks = scope.spawn(|| hash_chunks(chunks_out));
        let ring = (0..RING).map(|_| Arc::new(vec![0; PIECE])).collect();
        let mut measurer = Measurer {
            whole: whole_in,
            chunks: chunks_in,
            ring,
            next: 0,
        };
        let written = write(&mut measurer);
        drop(measurer);
        // The threads only hash: they end when their channel ends, and cannot fail.
        let (whole, length) = whole.join().unwrap_or_default();
        let chunks = chunks.join().unwrap_or_default();
        Ok((
            Measured {
                length,
                whole,
                chunks,
            },
            written?,
        ))
    })
}

impl Measurer {
    /// Lets `fill` write up to [`PIECE`] bytes into a buffer and take note of them.
    ///
    /// `fill` returns how many bytes there are.
    pub(super) fn take<E>(
        &mut self,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let slot = self.next % RING;
        self.next = self.next.wrapping_add(1);
        let Some(buffer) = self.ring.get_mut(slot) else {
            return Ok(0);
        };
        if Arc::get_mut(buffer).is_none() {
            *buffer = Arc::new(vec![0; PIECE]);
        }
        let Some(bytes) = Arc::get_mut(buffer) else {
            return Ok(0);
        };
        let length = fill(bytes)?;
        for thread in [&self.whole, &self.chunks] {
            // A thread that is gone has panicked, which it cannot.
            drop(thread.send(Piece {
                buffer: Arc::clone(buffer),
                length,
            }));
        }
        Ok(length)
    }
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}

fn hash_whole(pieces: Receiver<Piece>) -> (Hasher, u64) {
    let mut hasher = Hasher::new();
    let mut length = 0_u64;
    for piece in pieces {
        hasher.update(piece.bytes());
        length = length.saturating_add(u64::try_from(piece.length).unwrap_or(u64::MAX));
    }
    (hasher, length)
}

fn hash_chunks(pieces: Receiver<Piece>) -> Vec<Sha256Digest> {
    let chunk_size = usize::try_from(CHUNK_SIZE).unwrap_or(usize::MAX);
    let mut chunks = Vec::new();
    let mut hasher = Hasher::new();
    let mut in_chunk = 0;
    for piece in pieces {
        let mut bytes = piece.bytes();
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(chunk_size - in_chunk));
            hasher.update(now);
            in_chunk += now.len();
            if in_chunk == chunk_size {
                chunks.push(std::mem::take(&mut hasher).finish());
                in_chunk = 0;
            }
            bytes = later;
        }
    }
    if in_chunk > 0 {
        chunks.push(hasher.finish());
    }
    chunks
}
