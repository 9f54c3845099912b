//! Runs programs that came in a signed package, below a root of their own.
//!
//! # Threats met here
//!
//! - The program changes the system that runs it: its root is the given one, with a `/proc` and a
//!   `/dev` of its own that go away with it.
//! - It lies around as a file, to be changed before it is run: its bytes are handed over as they were
//!   verified, in a file without a name that nobody can change any more.
//! - What the operator has in his environment, or this process has open, leaks in: it gets neither.
//! - It hangs, floods or leaves children behind: it and all of its process group end at a time limit,
//!   or when it ends; what it prints is bounded.

mod output;
#[cfg(test)]
mod tests;
mod watched;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::process::Signal;

pub use self::output::Output;
use self::watched::{Watched, process};
use super::confined::enter;
use super::error::errno;
use super::{Dir, FsError};
use crate::progress::Progress;

/// A program and how it is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// What it is called, in messages only.
    pub name: &'a str,
    /// Its bytes: a binary, or a script that begins with `#!`.
    pub content: &'a [u8],
    /// Its variables, besides `PATH`, `HOME`, `LANG` and `TZ`, which are always the same.
    pub variables: &'a [(&'a str, &'a str)],
    /// The directory that it sees as `/`; without one it sees the running system.
    ///
    /// Another root needs root's rights.
    pub root: Option<&'a Dir>,
    /// How long it may take.
    pub time_limit: Duration,
    /// How many bytes of what it prints are kept: the first half of them and the last.
    pub output_limit: usize,
}

/// What came of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// What it printed, both streams in their order.
    pub output: Output,
    /// How long it took.
    pub took: Duration,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Signal(i32),
    /// It was ended at its time limit.
    TimeLimit,
    /// It was ended because the caller wanted the work to stop.
    Cancelled,
}

/// Where programs are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How often the caller is asked whether the work should stop.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// How long a program is waited for that somebody still has open for writing.
const BUSY: Duration = Duration::from_secs(5);

impl Program<'_> {
    /// Runs the program to its end; an error means that it could not be run at all.
    pub fn run(&self, progress: &dyn Progress) -> Result<Ran, FsError> {
        let failed = |operation| errno(operation, Path::new(self.name));
        let content = self.unchangeable()?;
        let (reader, writer) = std::io::pipe().map_err(FsError::system("open a pipe", ""))?;
        let begun = Instant::now();
        let mut child = self.start(content, writer.into())?;
        let watched = Watched::new(&child, self.name).and_then(|watched| {
            watched.follow(reader, begun, self.time_limit, self.output_limit, progress)
        });
        // Nothing of the group is left, whatever came of it. The group still has its number: its first
        // process has not been waited for.
        if let Some(group) = process(&child) {
            match rustix::process::kill_process_group(group, Signal::KILL) {
                Ok(()) | Err(Errno::SRCH | Errno::PERM) => {}
                Err(error) => return Err(failed("end")(error)),
            }
        }
        let status = child
            .wait()
            .map_err(FsError::system("wait for", self.name))?;
        let (early, output) = watched?;
        let ran = Ran {
            end: early.unwrap_or_else(|| end(status)),
            output,
            took: begun.elapsed(),
        };
        tracing::debug!("{}: {:?} after {:?}", self.name, ran.end, ran.took);
        Ok(ran)
    }

    /// The program in a file that has no name and cannot be changed any more.
    fn unchangeable(&self) -> Result<File, FsError> {
        let failed = |operation| errno(operation, Path::new(self.name));
        let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC;
        let made = rustix::fs::memfd_create("isi", flags | MemfdFlags::EXEC);
        let made = match made {
            // Kernels before 6.3 do not know the flag, and need none.
            Err(Errno::INVAL) => rustix::fs::memfd_create("isi", flags),
            made => made,
        };
        let file = File::from(made.map_err(failed("make room for"))?);
        std::io::Write::write_all(&mut &file, self.content)
            .map_err(FsError::system("write", self.name))?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, seals).map_err(failed("seal"))?;
        Ok(file)
    }

    /// Starts the program from a thread of its own, so that nobody else gets its root.
    fn start(&self, content: File, output: OwnedFd) -> Result<Child, FsError> {
        let spawn = || self.spawn(content, output);
        let started = thread::scope(|scope| scope.spawn(spawn).join());
        started.unwrap_or_else(|_| {
            let lost = std::io::Error::other("the thread that starts it broke");
            Err(FsError::system("run", self.name)(lost))
        })
    }

    fn spawn(&self, content: File, output: OwnedFd) -> Result<Child, FsError> {
        let second = output
            .try_clone()
            .map_err(FsError::system("open a pipe", ""))?;
        // The one descriptor that needs no room of its own: what reads it is at its end at once.
        let mut command = Command::new("/proc/self/fd/0");
        command
            .env_clear()
            .envs([("PATH", PATH), ("HOME", "/"), ("LANG", "C"), ("TZ", "UTC")])
            .envs(self.variables.iter().copied())
            .stdin(Stdio::from(content))
            .stdout(Stdio::from(output))
            .stderr(Stdio::from(second))
            .process_group(0);
        match self.root {
            Some(root) => enter(root)?,
            None => drop(command.current_dir("/")),
        }
        // What is run may have been written just now, and a process that another thread is starting has
        // it open until it becomes another program.
        let begun = Instant::now();
        loop {
            match command.spawn() {
                Err(error)
                    if error.kind() == std::io::ErrorKind::ExecutableFileBusy
                        && begun.elapsed() < BUSY =>
                {
                    thread::sleep(ASK_EVERY);
                }
                started => return started.map_err(FsError::system("run", self.name)),
            }
        }
    }
}

fn end(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Signal(signal.unwrap_or_default()),
    }
}
