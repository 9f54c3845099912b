use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use super::CatalogError;
use super::layout::{LOCK, Layout};
use crate::fsio::{FsError, Lock, LockKind};
use crate::progress::{Holder, Progress, Silent};

/// The catalog, held still by this process until the guard is dropped or the process ends.
///
/// Shared while a row and its file are looked at together, exclusive while they are changed together.
/// Neither is held while a package is copied or hashed, so readers wait for milliseconds only.
#[derive(Debug)]
pub(super) struct Held {
    lock: Lock,
    kind: LockKind,
}

/// Longest description of a holder that is read back.
const MAX_HOLDER: u64 = 200;

impl Held {
    /// Takes the lock, waiting at most `timeout`.
    ///
    /// A wait of more than a second is told. An exclusive holder writes who it is into the lock file, for
    /// those who wait.
    pub(super) fn take(
        layout: &Layout,
        kind: LockKind,
        timeout: Duration,
        progress: &dyn Progress,
    ) -> Result<Self, CatalogError> {
        let path = layout.path(LOCK);
        let file = match kind {
            LockKind::Shared => layout.lock_file()?,
            LockKind::Exclusive => layout.lock_file_for_changes()?,
        };
        let mut tell = |at_most| {
            // Who it is only serves the message: the wait goes on without it.
            let holder = holder(layout).unwrap_or(Holder::Writer { process: None });
            progress.waiting(holder, at_most);
        };
        let lock = Lock::acquire_or_tell(file, &path, kind, timeout, progress, &mut tell)?;
        let Some(lock) = lock else {
            if progress.cancelled() {
                return Err(CatalogError::Cancelled);
            }
            return Err(CatalogError::Locked {
                holder: holder(layout)?,
                path,
                waited_ms: timeout.as_millis(),
            });
        };
        if kind == LockKind::Exclusive {
            let name = format!("process {}", std::process::id());
            let (file, write) = (lock.file(), FsError::system("write to", &path));
            let written = (file.set_len(0))
                .and_then(|()| file.write_all_at(name.as_bytes(), 0))
                .map_err(write);
            match written {
                // Who makes room on a full disk stays nameless.
                Err(error) if error.is_full() => {}
                written => written?,
            }
        }
        Ok(Self { lock, kind })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.kind == LockKind::Exclusive {
            // What is left there is only ever read while somebody else holds the lock exclusively.
            self.lock.file().set_len(0).unwrap_or_default();
        }
    }
}

/// Who holds the lock: only an exclusive holder keeps a second reader out, and it says its name.
fn holder(layout: &Layout) -> Result<Holder, CatalogError> {
    let (path, file) = (layout.path(LOCK), layout.lock_file()?);
    let again = file.try_clone().map_err(FsError::system("open", &path))?;
    let shared = Lock::acquire(again, &path, LockKind::Shared, Duration::ZERO, &Silent)?;
    if shared.is_some() {
        return Ok(Holder::Readers);
    }
    let name = read_name(&file).unwrap_or_default();
    let process = name.strip_prefix("process ");
    Ok(Holder::Writer {
        process: process.and_then(|number| number.parse().ok()),
    })
}

fn read_name(file: &File) -> std::io::Result<String> {
    let mut name = String::new();
    file.take(MAX_HOLDER).read_to_string(&mut name)?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_in_vain_is_told_who_has_the_lock() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::open_or_create(home.path()).unwrap();
        let take = |kind| Held::take(&layout, kind, Duration::ZERO, &Silent);
        let writer = take(LockKind::Exclusive).unwrap();
        for kind in [LockKind::Exclusive, LockKind::Shared] {
            let error = take(kind).unwrap_err();
            assert_eq!(error.code(), "E_LOCKED");
            let holder = format!("is in use by process {};", std::process::id());
            assert!(error.to_string().contains(&holder), "{error}");
        }
        drop(writer);
        let _reader = take(LockKind::Shared).unwrap();
        let error = take(LockKind::Exclusive).unwrap_err();
        assert!(error.to_string().contains("by other readers;"), "{error}");
    }
}
