use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use super::FsError;
use super::error::errno;
use crate::progress::Progress;

/// How a [`Lock`] is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// Any number of holders, none of them exclusive.
    Shared,
    /// One holder.
    Exclusive,
}

/// An advisory lock on an open file (`flock`); ends with the guard, or with its process however that ends.
///
/// The lock belongs to the open file description: opening the file again, in the same process or
/// another, is what makes a second contender.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// How long a wait for a lock stays silent before it is told.
const SILENT_WAIT: Duration = Duration::from_secs(1);
/// How often a taken lock is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(10);

impl Lock {
    /// Takes the lock, waiting at most `timeout`; `None` if somebody else still has it then.
    ///
    /// A wait ends early when `progress` is cancelled. `path` names the lock in errors.
    pub fn acquire(
        file: File,
        path: &Path,
        kind: LockKind,
        timeout: Duration,
        progress: &dyn Progress,
    ) -> Result<Option<Self>, FsError> {
        Self::acquire_or_tell(file, path, kind, timeout, progress, &mut |_| {})
    }

    /// As [`Lock::acquire`]; after a second, `tell` gets how much longer it may take, once.
    pub fn acquire_or_tell(
        file: File,
        path: &Path,
        kind: LockKind,
        timeout: Duration,
        progress: &dyn Progress,
        tell: &mut dyn FnMut(Duration),
    ) -> Result<Option<Self>, FsError> {
        let start = Instant::now();
        let mut told = false;
        loop {
            if try_lock(&file, kind).map_err(errno("lock", path))? {
                return Ok(Some(Self { file }));
            }
            let waited = start.elapsed();
            let left = timeout.saturating_sub(waited);
            if left.is_zero() || progress.cancelled() {
                return Ok(None);
            }
            if !told && waited >= SILENT_WAIT {
                tell(left);
                told = true;
            }
            std::thread::sleep(RETRY_EVERY.min(left));
        }
    }

    /// The locked file.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would do, unless it was inherited or cloned.
        rustix::fs::flock(&self.file, FlockOperation::Unlock).unwrap_or_default();
    }
}

fn try_lock(file: &File, kind: LockKind) -> Result<bool, rustix::io::Errno> {
    let operation = match kind {
        LockKind::Shared => FlockOperation::NonBlockingLockShared,
        LockKind::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    match rustix::fs::flock(file, operation) {
        Ok(()) => Ok(true),
        Err(error) if io::Error::from(error).kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use std::sync::atomic::{AtomicBool, Ordering};

    const NO_WAIT: Duration = Duration::ZERO;

    /// Notes that somebody who waits asked whether to go on.
    #[derive(Default)]
    struct Asked(AtomicBool);

    impl Progress for Asked {
        fn begin(&self, _name: &str, _total: u64) {}
        fn advance(&self, _bytes: u64) {}
        fn cancelled(&self) -> bool {
            self.0.store(true, Ordering::SeqCst);
            false
        }
    }

    fn acquire(path: &Path, kind: LockKind, timeout: Duration) -> Option<Lock> {
        acquire_asking(path, kind, timeout, &Silent)
    }

    fn acquire_asking(
        path: &Path,
        kind: LockKind,
        timeout: Duration,
        progress: &dyn Progress,
    ) -> Option<Lock> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .unwrap();
        Lock::acquire(file, path, kind, timeout, progress).unwrap()
    }

    #[test]
    fn readers_share_and_a_writer_excludes() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        let reader = acquire(&path, LockKind::Shared, NO_WAIT).unwrap();
        let second = acquire(&path, LockKind::Shared, NO_WAIT).unwrap();
        assert!(acquire(&path, LockKind::Exclusive, NO_WAIT).is_none());
        drop((reader, second));
        let writer = acquire(&path, LockKind::Exclusive, NO_WAIT).unwrap();
        assert!(acquire(&path, LockKind::Shared, NO_WAIT).is_none());
        assert!(acquire(&path, LockKind::Exclusive, NO_WAIT).is_none());
        drop(writer);
        assert!(acquire(&path, LockKind::Exclusive, NO_WAIT).is_some());
    }

    #[test]
    fn a_waiting_contender_gets_the_lock_when_it_is_free_and_gives_up_when_it_is_not() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        let writer = acquire(&path, LockKind::Exclusive, NO_WAIT).unwrap();
        let start = Instant::now();
        let short = Duration::from_millis(60);
        assert!(acquire(&path, LockKind::Exclusive, short).is_none());
        assert!(start.elapsed() >= short);
        let (asked, long) = (Asked::default(), Duration::from_mins(1));
        std::thread::scope(|scope| {
            let wait = || acquire_asking(&path, LockKind::Exclusive, long, &asked);
            let waiter = scope.spawn(wait);
            while !asked.0.load(Ordering::SeqCst) && !waiter.is_finished() {
                std::thread::yield_now();
            }
            assert!(asked.0.load(Ordering::SeqCst), "it did not wait");
            drop(writer);
            assert!(waiter.join().unwrap().is_some());
        });
    }
}
