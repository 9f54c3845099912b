use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use super::SystemError;
use super::layout::LOCK;
use crate::fsio::{Dir, FsError, Lock, LockKind};
use crate::progress::{Holder, Progress, Silent};

/// Longest description of a holder that is read back.
const MAX_HOLDER: u64 = 200;

/// A system, to be changed by this process alone until the guard is dropped or the process ends.
#[derive(Debug)]
pub struct Held {
    lock: Lock,
}

impl Held {
    /// Takes the lock, waiting at most `timeout`; a wait of more than a second is told.
    pub(super) fn take(
        root: &Dir,
        timeout: Duration,
        progress: &dyn Progress,
    ) -> Result<Self, SystemError> {
        let path = root.path().join(LOCK);
        let file = root.open_or_create_file(LOCK, 0o600)?;
        let mut tell = |at_most| progress.waiting(holder(root), at_most);
        let kind = LockKind::Exclusive;
        let lock = Lock::acquire_or_tell(file, &path, kind, timeout, progress, &mut tell)?;
        let Some(lock) = lock else {
            if progress.cancelled() {
                return Err(SystemError::Cancelled);
            }
            return Err(SystemError::Locked {
                holder: holder(root),
                path,
                waited_ms: timeout.as_millis(),
            });
        };
        let name = format!("process {}", std::process::id());
        let file = lock.file();
        let written = (file.set_len(0))
            .and_then(|()| file.write_all_at(name.as_bytes(), 0))
            .map_err(FsError::system("write to", &path));
        match written {
            // Who makes room on a full disk stays nameless.
            Err(error) if error.is_full() => {}
            written => written?,
        }
        Ok(Self { lock })
    }
}

/// Whether somebody changes the system at this moment.
pub(super) fn is_held(root: &Dir) -> Result<bool, SystemError> {
    let path = root.path().join(LOCK);
    let file = match root.open_file(LOCK) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let shared = Lock::acquire(file, &path, LockKind::Shared, Duration::ZERO, &Silent)?;
    Ok(shared.is_none())
}

impl Drop for Held {
    fn drop(&mut self) {
        // What is left there is only ever read while somebody else holds the lock.
        self.lock.file().set_len(0).unwrap_or_default();
    }
}

/// Who holds the lock, which only serves the message.
fn holder(root: &Dir) -> Holder {
    let mut name = String::new();
    if let Ok(file) = root.open_file(LOCK) {
        file.take(MAX_HOLDER)
            .read_to_string(&mut name)
            .unwrap_or_default();
    }
    let process = name.strip_prefix("process ");
    Holder::Writer {
        process: process.and_then(|number| number.parse().ok()),
    }
}
