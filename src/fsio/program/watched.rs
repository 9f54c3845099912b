use std::io::{PipeReader, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use super::{ASK_EVERY, End, Output};
use crate::fsio::FsError;
use crate::fsio::error::errno;
use crate::progress::Progress;

/// Most that is read from a program that has ended: what others still write is not waited for.
const LAST_WORDS: usize = 1 << 20;

/// A process that was started, and the handle that tells of its end.
pub(super) struct Watched<'a> {
    handle: OwnedFd,
    name: &'a str,
}

impl<'a> Watched<'a> {
    pub(super) fn new(child: &Child, name: &'a str) -> Result<Self, FsError> {
        let opened = process(child)
            .ok_or(Errno::SRCH)
            .and_then(|process| rustix::process::pidfd_open(process, PidfdFlags::empty()));
        let handle = opened.map_err(errno("watch", Path::new(name)))?;
        Ok(Self { handle, name })
    }

    /// Reads what the program prints until it ends or has to; tells why it has to.
    pub(super) fn follow(
        &self,
        mut reader: PipeReader,
        begun: Instant,
        time_limit: Duration,
        output_limit: usize,
        progress: &dyn Progress,
    ) -> Result<(Option<End>, Output), FsError> {
        let mut output = Output::new(output_limit);
        let mut open = true;
        loop {
            let left = time_limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok((Some(End::TimeLimit), output));
            }
            if progress.cancelled() {
                return Ok((Some(End::Cancelled), output));
            }
            let ready = self.wait(&reader, open, left.min(ASK_EVERY))?;
            if ready.output {
                open = self.read(&mut reader, &mut output)? > 0;
            } else if ready.ended {
                return Ok((None, output));
            }
            if ready.ended && open {
                self.last_words(&mut reader, &mut output)?;
                return Ok((None, output));
            }
        }
    }

    /// Reads what is left in the pipe without waiting for more.
    fn last_words(&self, reader: &mut PipeReader, output: &mut Output) -> Result<(), FsError> {
        let mut count = 0_usize;
        while count < LAST_WORDS && self.wait(reader, true, Duration::ZERO)?.output {
            match self.read(reader, output)? {
                0 => break,
                read => count = count.saturating_add(read),
            }
        }
        Ok(())
    }

    fn read(&self, reader: &mut PipeReader, output: &mut Output) -> Result<usize, FsError> {
        let mut buffer = [0; 16 * 1024];
        let read = reader.read(&mut buffer);
        let read = read.map_err(FsError::system("read the output of", self.name))?;
        output.take(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }

    fn wait(&self, reader: &PipeReader, open: bool, at_most: Duration) -> Result<Ready, FsError> {
        let both = &mut [
            PollFd::new(&self.handle, PollFlags::IN),
            PollFd::from_borrowed_fd(reader.as_fd(), PollFlags::IN),
        ];
        let [handle, _] = both;
        let timeout = Timespec {
            tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(at_most.subsec_nanos()),
        };
        let result = if open {
            poll(both, Some(&timeout))
        } else {
            poll(std::slice::from_mut(handle), Some(&timeout))
        };
        match result {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(errno("wait for", Path::new(self.name))(error)),
        }
        let [handle, output] = both;
        Ok(Ready {
            ended: !handle.revents().is_empty(),
            output: open && !output.revents().is_empty(),
        })
    }
}

/// What there is to do.
struct Ready {
    ended: bool,
    output: bool,
}

/// The number of a child.
pub(super) fn process(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}
