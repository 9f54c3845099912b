use std::fs::File;
use std::path::Path;

use super::arrival::Arrival;
use super::{Hashing, Package, Verified, VerifyError, VerifyRequest};
use crate::fsio::{Incoming, StreamError, copy_range, copy_stream, sync_data};
use crate::isi_file::Envelope;
use crate::trust::TrustStore;

/// Bytes copied before the hashing thread is told: large enough for the kernel's own copying.
const STEP: u64 = 8 << 20;

/// Bytes after which the disk is told to begin: enough to be worth it, and to leave small packages alone.
const BEHIND: u64 = 64 << 20;

/// Copies a package into `target` and verifies the copy, reading nothing but the copy.
///
/// The parts behind the regions are copied first: a package that is not welcome is refused before its
/// payload is copied. Then one thread copies while another hashes right behind it, out of the cache.
/// What `source` does meanwhile changes nothing that was verified. `path` names `target` in errors;
/// `target` must be empty and private to the caller, who syncs and names it.
pub fn receive(
    source: &File,
    target: &File,
    path: &Path,
    trust: &TrustStore,
    request: &VerifyRequest<'_>,
) -> Result<Package<Verified>, VerifyError> {
    let offered = Envelope::read(source).map_err(|error| match error.kind {
        crate::isi_file::ParseErrorKind::Read(source) => VerifyError::Read(source),
        _ => super::OpenError::Container(error).into(),
    })?;
    let length = offered.footer.file_length;
    let copy = |offset: u64, end: u64| {
        let count = end.saturating_sub(offset);
        copy_range(source, offset, target, offset, count, path).map_err(VerifyError::Copy)
    };
    copy(offered.regions_end, length)?;
    let reading = target.try_clone().map_err(VerifyError::Read)?;
    let package = Package::open(reading)?;
    let package = package.authenticate(trust, request)?;
    let regions_end = package.envelope().regions_end;
    let arrival = Arrival::nothing();
    let request = VerifyRequest {
        hashing: Hashing::Sequential,
        ..*request
    };
    let (copied, verified) = std::thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let copied = copy_in_steps(regions_end, &arrival, request, &copy);
            if copied.is_err() {
                arrival.fail();
            }
            copied
        });
        let writing = scope.spawn(|| write_behind(target, path, regions_end, &arrival));
        let verified = package.complete(&request, &arrival);
        // Whoever hashes may have ended early: then the copying need not go on.
        arrival.fail();
        // A failure to write is told only once, so nobody may overhear it.
        let written = writing.join().unwrap_or(Err(VerifyError::Cancelled));
        let copied = copying.join().unwrap_or(Err(VerifyError::Cancelled));
        (copied.and(written), verified)
    });
    match (verified, copied) {
        // A refusal explains more than the copying that it ended.
        (Err(refusal @ VerifyError::Refused(_)), _) => Err(refusal),
        (_, Err(error)) => Err(error),
        (verified, Ok(())) => verified,
    }
}

/// Lets the disk work while the rest is still copied, so that the last sync finds little to do.
fn write_behind(
    target: &File,
    path: &Path,
    end: u64,
    arrival: &Arrival,
) -> Result<(), VerifyError> {
    let mut next = BEHIND;
    while next <= end && arrival.wait_for(next).is_ok() {
        sync_data(target, path).map_err(VerifyError::Copy)?;
        next = next.saturating_add(BEHIND);
    }
    Ok(())
}

/// As [`receive`], for a source that can only be read once and to its end.
///
/// What decides about a package lies at its end, so here all of it is copied before any of it is judged.
pub fn receive_stream(
    source: Incoming<'_>,
    target: &File,
    path: &Path,
    trust: &TrustStore,
    request: &VerifyRequest<'_>,
) -> Result<Package<Verified>, VerifyError> {
    copy_stream(source, target, path, request.progress).map_err(|error| match error {
        StreamError::Files(error) => VerifyError::Copy(error),
        StreamError::Cancelled => VerifyError::Cancelled,
    })?;
    let reading = target.try_clone().map_err(VerifyError::Read)?;
    let request = VerifyRequest {
        hashing: Hashing::Sequential,
        ..*request
    };
    Package::open(reading)?.verify(trust, &request)
}

fn copy_in_steps(
    end: u64,
    arrival: &Arrival,
    request: VerifyRequest<'_>,
    copy: &dyn Fn(u64, u64) -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    let mut offset = 0;
    while offset < end {
        if request.progress.cancelled() || arrival.has_failed() {
            return Err(VerifyError::Cancelled);
        }
        let next = end.min(offset.saturating_add(STEP));
        copy(offset, next)?;
        offset = next;
        arrival.advance_to(offset);
    }
    arrival.advance_to(u64::MAX);
    Ok(())
}
