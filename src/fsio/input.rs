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
/// `from_name` and `path` name the two in errors.
pub fn copy_stream(
    from: &mut dyn Read,
    from_name: &Path,
    to: &File,
    path: &Path,
    progress: &dyn Progress,
) -> Result<u64, StreamError> {
    let mut buffer = vec![0; PIECE];
    let (mut target, mut copied) = (to, 0_u64);
    progress.begin("receive", 0);
    loop {
        if progress.cancelled() {
            return Err(StreamError::Cancelled);
        }
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(count) => count,
            Err(error) if is_repeatable(&error) => continue,
            Err(error) => return Err(FsError::system("read", from_name)(error).into()),
        };
        let part = buffer.get(..count).unwrap_or_default();
        target
            .write_all(part)
            .map_err(FsError::system("copy into", path))?;
        let count = u64::try_from(count).unwrap_or(0);
        copied = copied.saturating_add(count);
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
    use std::sync::atomic::{AtomicBool, Ordering};

    struct Stop(AtomicBool);

    impl Progress for Stop {
        fn begin(&self, _name: &str, _total: u64) {}
        fn advance(&self, _bytes: u64) {}
        fn cancelled(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn copy(from: &mut dyn Read, progress: &dyn Progress) -> (Result<u64, StreamError>, Vec<u8>) {
        let target = tempfile::NamedTempFile::new().unwrap();
        let name = Path::new("standard input");
        let copied = copy_stream(from, name, target.as_file(), target.path(), progress);
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
    fn a_writer_that_never_comes_does_not_keep_one_who_wants_to_stop() {
        let (reader, writer) = io::pipe().unwrap();
        let mut stream = Stream::from(OwnedFd::from(reader));
        let stop = Stop(AtomicBool::new(false));
        std::thread::scope(|scope| {
            let copying = scope.spawn(|| copy(&mut stream, &stop).0);
            stop.0.store(true, Ordering::SeqCst);
            assert!(matches!(
                copying.join().unwrap(),
                Err(StreamError::Cancelled)
            ));
        });
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
