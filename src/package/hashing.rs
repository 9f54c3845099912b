use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::arrival::Arrival;
use crate::digest::{Hasher, Sha256Digest};
use crate::fsio::ReadAt as _;
use crate::isi_file::Extent;
use crate::limits::CHUNK_SIZE;
use crate::manifest::Region;
use crate::progress::Progress;

/// Bytes read at a time: small enough to stay in a core's own cache, which is worth a sixth.
pub(super) const BUFFER: usize = 64 << 10;

/// Why hashing ended early.
#[derive(Debug)]
pub(super) enum HashError {
    /// Bytes do not have the digest that the manifest names.
    Mismatch(Box<Mismatch>),
    /// The file could not be read.
    Read(io::Error),
    /// The caller wanted the work to stop.
    Cancelled,
}

/// Bytes that do not have their signed digest.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", describe(self))]
pub(super) struct Mismatch {
    /// The region, counted from 0.
    pub(super) region: usize,
    /// Its name.
    pub(super) name: String,
    /// The first chunk that differs, counted from 0, if a chunk differs.
    pub(super) chunk: Option<u64>,
    /// Where the bytes begin in the file.
    pub(super) offset: u64,
    /// How many bytes.
    pub(super) length: u64,
    /// Digest in the manifest.
    pub(super) expected: Sha256Digest,
    /// Digest of the bytes.
    pub(super) found: Sha256Digest,
    /// Whether the region's own digest holds, so that the signed list is wrong and not the bytes.
    pub(super) list_is_wrong: bool,
}

impl Mismatch {
    pub(super) const fn code(&self) -> &'static str {
        if self.list_is_wrong {
            "E_CHUNK_LIST"
        } else {
            "E_HASH_MISMATCH"
        }
    }

    pub(super) const fn hint(&self) -> &'static str {
        if self.list_is_wrong {
            "the bytes are as signed but the signed chunk list is not theirs: ask the vendor for a new package"
        } else {
            "the file changed after it was signed: fetch it again and compare it with its .isi.sha256"
        }
    }
}

fn describe(mismatch: &Mismatch) -> String {
    let Mismatch {
        region,
        name,
        offset,
        length,
        ..
    } = mismatch;
    let place = format!(
        "region {} ({name:?}), {length} bytes from byte {offset} on",
        region + 1
    );
    match (mismatch.list_is_wrong, mismatch.chunk) {
        (true, _) => format!("{place}: the chunk list does not match the region's own digest"),
        (false, Some(chunk)) => format!("{place}: chunk {chunk} does not have its signed digest"),
        (false, None) => format!("{place}: the bytes do not have their signed digest"),
    }
}

/// Compares every chunk of every region with the signed list, on all cores.
///
/// Where a chunk differs, the region's own digest decides whether the bytes or the list are wrong.
pub(super) fn by_chunks(
    file: &File,
    regions: &[Region],
    extents: &[Extent],
    progress: &dyn Progress,
) -> Result<(), HashError> {
    let jobs = jobs(regions, extents);
    progress.begin("verify", extents.iter().map(|extent| extent.length).sum());
    let next = AtomicUsize::new(0);
    let first_fault = Mutex::new(None::<(usize, Fault)>);
    let work = || {
        let mut buffer = vec![0; BUFFER];
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { return };
            let fault = job.run(file, &mut buffer, progress);
            if let Err(fault) = fault {
                // No further jobs: those before this one are taken and will report if they are worse.
                next.fetch_max(jobs.len(), Ordering::Relaxed);
                let mut first = first_fault.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|(earlier, _)| index < *earlier) {
                    *first = Some((index, fault));
                }
            }
        }
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    match first_fault
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        None => Ok(()),
        Some((_, Fault::Error(error))) => Err(error),
        Some((index, Fault::Differs(found))) => Err(explain(
            file,
            regions,
            extents,
            jobs.get(index),
            found,
            progress,
        )),
    }
}

/// One chunk and the digest it should have; a region without bytes is one job with its own digest.
struct Job {
    region: usize,
    chunk: u64,
    extent: Extent,
    expected: Sha256Digest,
}

enum Fault {
    Differs(Sha256Digest),
    Error(HashError),
}

fn jobs(regions: &[Region], extents: &[Extent]) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (region, (described, extent)) in regions.iter().zip(extents).enumerate() {
        if described.chunks.is_empty() {
            jobs.push(Job {
                region,
                chunk: 0,
                extent: *extent,
                expected: described.sha256,
            });
        }
        let mut offset = extent.offset;
        for (chunk, expected) in (0..).zip(&described.chunks) {
            let length = CHUNK_SIZE.min(extent.end().saturating_sub(offset));
            let place = Extent { offset, length };
            jobs.push(Job {
                region,
                chunk,
                extent: place,
                expected: *expected,
            });
            offset = place.end();
        }
    }
    jobs
}

impl Job {
    fn run(&self, file: &File, buffer: &mut [u8], progress: &dyn Progress) -> Result<(), Fault> {
        let mut hasher = Hasher::new();
        let mut feed = |bytes: &[u8]| hasher.update(bytes);
        read_through(file, self.extent, buffer, progress, &mut feed).map_err(Fault::Error)?;
        let found = hasher.finish();
        if found == self.expected {
            Ok(())
        } else {
            Err(Fault::Differs(found))
        }
    }
}

/// Reads an extent piece by piece.
fn read_through(
    file: &File,
    extent: Extent,
    buffer: &mut [u8],
    progress: &dyn Progress,
    feed: &mut dyn FnMut(&[u8]),
) -> Result<(), HashError> {
    if progress.cancelled() {
        return Err(HashError::Cancelled);
    }
    let mut offset = extent.offset;
    while offset < extent.end() {
        let left = usize::try_from(extent.end() - offset).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        let piece = buffer.get_mut(..count).unwrap_or_default();
        file.read_exact_at(piece, offset).map_err(HashError::Read)?;
        feed(piece);
        offset = offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    progress.advance(extent.length);
    Ok(())
}

/// Decides between damaged bytes and a wrong list.
fn explain(
    file: &File,
    regions: &[Region],
    extents: &[Extent],
    job: Option<&Job>,
    found: Sha256Digest,
    progress: &dyn Progress,
) -> HashError {
    let Some(job) = job else {
        return HashError::Cancelled;
    };
    let described = regions.get(job.region);
    let whole = extents.get(job.region).copied().unwrap_or(job.extent);
    let mut hasher = Hasher::new();
    let mut feed = |bytes: &[u8]| hasher.update(bytes);
    let mut buffer = vec![0; BUFFER];
    if let Err(error) = read_through(file, whole, &mut buffer, progress, &mut feed) {
        return error;
    }
    HashError::Mismatch(Box::new(Mismatch {
        region: job.region,
        name: described
            .map(|region| region.name.clone())
            .unwrap_or_default(),
        chunk: Some(job.chunk),
        offset: job.extent.offset,
        length: job.extent.length,
        expected: job.expected,
        found,
        list_is_wrong: described.is_some_and(|region| region.sha256 == hasher.finish()),
    }))
}

/// Hashes the whole file once as its bytes arrive; compares each region with its digest and returns
/// the digest of the file.
///
/// The first region begins where the file begins, so one running hash serves both; further regions are
/// hashed beside it.
pub(super) fn in_one_pass(
    file: &File,
    regions: &[Region],
    extents: &[Extent],
    arrival: &Arrival,
    progress: &dyn Progress,
) -> Result<Sha256Digest, HashError> {
    let length = file.length().map_err(HashError::Read)?;
    progress.begin("verify", length);
    let mut buffer = vec![0; BUFFER];
    let mut whole = Hasher::new();
    let mut end = 0;
    let mut fault = None;
    for (index, (region, extent)) in regions.iter().zip(extents).enumerate() {
        let between = Extent {
            offset: end,
            length: extent.offset.saturating_sub(end),
        };
        feed_pieces(
            file,
            between,
            &mut buffer,
            arrival,
            progress,
            &mut |bytes| whole.update(bytes),
        )?;
        let found = if index == 0 {
            feed_pieces(
                file,
                *extent,
                &mut buffer,
                arrival,
                progress,
                &mut |bytes| {
                    whole.update(bytes);
                },
            )?;
            whole.clone().finish()
        } else {
            let mut own = Hasher::new();
            feed_pieces(
                file,
                *extent,
                &mut buffer,
                arrival,
                progress,
                &mut |bytes| {
                    whole.update(bytes);
                    own.update(bytes);
                },
            )?;
            own.finish()
        };
        end = extent.end();
        if found != region.sha256 && fault.is_none() {
            fault = Some(Mismatch {
                region: index,
                name: region.name.clone(),
                chunk: None,
                offset: extent.offset,
                length: extent.length,
                expected: region.sha256,
                found,
                list_is_wrong: false,
            });
            break;
        }
    }
    if let Some(fault) = fault {
        let named = name_the_chunk(file, regions, extents, fault, arrival);
        return Err(HashError::Mismatch(Box::new(named)));
    }
    let rest = Extent {
        offset: end,
        length: length.saturating_sub(end),
    };
    feed_pieces(file, rest, &mut buffer, arrival, progress, &mut |bytes| {
        whole.update(bytes);
    })?;
    Ok(whole.finish())
}

/// Feeds an extent in steps that arrive one after the other.
fn feed_pieces(
    file: &File,
    extent: Extent,
    buffer: &mut [u8],
    arrival: &Arrival,
    progress: &dyn Progress,
    feed: &mut dyn FnMut(&[u8]),
) -> Result<(), HashError> {
    let mut offset = extent.offset;
    while offset < extent.end() {
        let length = CHUNK_SIZE.min(extent.end() - offset);
        let piece = Extent { offset, length };
        arrival.wait_for(piece.end()).map_err(HashError::Read)?;
        read_through(file, piece, buffer, progress, feed)?;
        offset = piece.end();
    }
    Ok(())
}

/// Looks for the first damaged chunk of a region that is already known to be damaged.
fn name_the_chunk(
    file: &File,
    regions: &[Region],
    extents: &[Extent],
    fault: Mismatch,
    arrival: &Arrival,
) -> Mismatch {
    let end = extents.get(fault.region).map_or(0, Extent::end);
    let mut buffer = vec![0; BUFFER];
    let jobs = jobs(regions, extents)
        .into_iter()
        .filter(|job| job.region == fault.region);
    if arrival.wait_for(end).is_err() {
        return fault;
    }
    for job in jobs {
        if let Err(Fault::Differs(found)) = job.run(file, &mut buffer, &crate::progress::Silent) {
            let (chunk, expected) = (Some(job.chunk), job.expected);
            let Extent { offset, length } = job.extent;
            return Mismatch {
                chunk,
                offset,
                length,
                expected,
                found,
                ..fault
            };
        }
    }
    fault
}
