use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::FsError;
use crate::progress::Progress;

/// How long one read waits for bytes before whoever reads is asked whether to go on.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};
/// Bytes read at once.
const PIECE: usize = 1 << 18;

/// A stream of bytes whose end is not known beforehand, such as a pipe.
///
/// A read that finds nothing for a while fails with [`io::ErrorKind::WouldBlock`] and may be repeated,
/// so that a caller who was asked to stop does not wait for a writer that never comes.
#[derive(Debug)]
pub struct Stream {
    file: File,
}

impl From<OwnedFd> for Stream {
    fn from(descriptor: OwnedFd) -> Self {
        let file = descriptor.into();
        Self { file }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ready = [PollFd::new(&self.file, PollFlags::IN)];
        match poll(&mut ready, Some(&PATIENCE)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Err(io::ErrorKind::WouldBlock.into()),
            Ok(_) => self.file.read(buffer),
            Err(error) => Err(error.into()),
        }
    }
}

/// A stream to be copied to its end.
pub struct Incoming<'a> {
    /// Where the bytes come from.
    pub reader: &'a mut dyn Read,
    /// What it is called in errors.
    pub name: &'a Path,
    /// The most bytes that it may have: one that never ends must not fill the disk.
    pub limit: u64,
}

impl std::fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming")
            .field("name", &self.name)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Why a stream was not copied to its end.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Reading or writing failed; the error says which.
    #[error(transparent)]
    Files(#[from] FsError),
    /// The caller wanted the work to stop.
    #[error("stopped on request")]
    Cancelled,
}

/// Copies a stream to its end into an empty file; gives the number of bytes.
///
/// `path` names the file in errors. Of what is longer than its limit, no more than that is written.
pub fn copy_stream(
    from: Incoming<'_>,
    to: &File,
    path: &Path,
    progress: &dyn Progress,
) -> Result<u64, StreamError> {
    let Incoming {
        reader,
        name,
        limit,
    } = from;
    let mut buffer = vec![0; PIECE];
    let (mut target, mut copied) = (to, 0_u64);
    progress.begin("receive", 0);
    loop {
        if progress.cancelled() {
            return Err(StreamError::Cancelled);
        }
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(count) => count,
            Err(error) if is_repeatable(&error) => continue,
            Err(error) => return Err(FsError::system("read", name)(error).into()),
        };
        let part = buffer.get(..count).unwrap_or_default();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        copied = copied.saturating_add(count);
        if copied > limit {
            let path = name.to_owned();
            return Err(FsError::TooLarge { path, limit }.into());
        }
        target
            .write_all(part)
            .map_err(FsError::system("copy into", path))?;
        progress.advance(count);
    }
}

fn is_repeatable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// More than one piece.
    const LIMIT: u64 = 300_000;

    /// Wants to stop when it is asked for the third time: a read has come back with nothing then.
    struct Stop(AtomicUsize);

    impl Progress for Stop {
        fn begin(&self, _name: &str, _total: u64) {}
        fn advance(&self, _bytes: u64) {}
        fn cancelled(&self) -> bool {
            self.0.fetch_add(1, Ordering::SeqCst) >= 2
        }
    }

    fn copy(from: &mut dyn Read, progress: &dyn Progress) -> (Result<u64, StreamError>, Vec<u8>) {
        let target = tempfile::NamedTempFile::new().unwrap();
        let from = Incoming {
            reader: from,
            name: Path::new("standard input"),
            limit: LIMIT,
        };
        let copied = copy_stream(from, target.as_file(), target.path(), progress);
        (copied, std::fs::read(target.path()).unwrap())
    }

    #[test]
    fn a_pipe_is_copied_to_its_end_however_slowly_it_comes() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut stream = Stream::from(OwnedFd::from(reader));
        let writing = std::thread::spawn(move || {
            for part in [&b"one "[..], b"two ", b"three"] {
                writer.write_all(part).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(120));
            }
        });
        let (copied, content) = copy(&mut stream, &Silent);
        writing.join().unwrap();
        assert_eq!(copied.unwrap(), 13);
        assert_eq!(content, b"one two three");
    }

    #[test]
    fn what_is_longer_than_its_limit_is_not_copied_any_further() {
        let (copied, content) = copy(&mut io::repeat(7).take(LIMIT), &Silent);
        assert_eq!(copied.unwrap(), LIMIT);
        assert_eq!(content.len(), 300_000);
        for mut longer in [io::repeat(7).take(LIMIT + 1), io::repeat(7).take(u64::MAX)] {
            let (copied, content) = copy(&mut longer, &Silent);
            let StreamError::Files(error) = copied.unwrap_err() else {
                panic!("nobody wanted it to stop");
            };
            assert_eq!(error.code(), "E_TOO_LARGE");
            assert!(content.len() <= 300_000);
        }
    }

    #[test]
    fn a_writer_that_never_comes_does_not_keep_one_who_wants_to_stop() {
        let (reader, writer) = io::pipe().unwrap();
        let mut stream = Stream::from(OwnedFd::from(reader));
        let stop = Stop(AtomicUsize::new(0));
        let (copied, _) = copy(&mut stream, &stop);
        assert!(matches!(copied, Err(StreamError::Cancelled)));
        drop(writer);
    }

    #[test]
    fn a_read_that_fails_is_told_with_its_name() {
        let mut directory = Stream::from(OwnedFd::from(File::open("/").unwrap()));
        let (copied, _) = copy(&mut directory, &Silent);
        let StreamError::Files(error) = copied.unwrap_err() else {
            panic!("a directory was read");
        };
        assert!(error.to_string().contains("standard input"), "{error}");
    }
}
