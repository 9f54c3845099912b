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

use std::fs::File;
use std::io::{PipeReader, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

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

/// What a program printed, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    head: Vec<u8>,
    tail: Vec<u8>,
    left_out: u64,
    limit: usize,
}

/// Where programs are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How often the caller is asked whether the work should stop.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// How long a program is waited for that somebody still has open for writing.
const BUSY: Duration = Duration::from_secs(5);
/// Most that is read from a program that has ended: what others still write is not waited for.
const LAST_WORDS: usize = 1 << 20;

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
        Ok(Ran {
            end: early.unwrap_or_else(|| end(status)),
            output,
            took: begun.elapsed(),
        })
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

impl Output {
    /// As text; what was left out is said in its place.
    pub fn text(&self) -> String {
        let (head, tail) = (&self.head, &self.tail);
        if self.left_out == 0 {
            let whole: Vec<u8> = head.iter().chain(tail).copied().collect();
            return String::from_utf8_lossy(&whole).into_owned();
        }
        let text = String::from_utf8_lossy;
        let left_out = self.left_out;
        format!(
            "{}\n[{left_out} bytes left out]\n{}",
            text(head),
            text(tail)
        )
    }

    /// How many bytes are not kept.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn take(&mut self, bytes: &[u8]) {
        let half = self.limit / 2;
        let room = half.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.head.extend(head);
        self.tail.extend(rest);
        let over = self
            .tail
            .len()
            .saturating_sub(self.limit.saturating_sub(half));
        self.tail.drain(..over);
        let over = u64::try_from(over).unwrap_or(u64::MAX);
        self.left_out = self.left_out.saturating_add(over);
    }
}

/// A process that was started, and the handle that tells of its end.
struct Watched<'a> {
    handle: OwnedFd,
    name: &'a str,
}

impl<'a> Watched<'a> {
    fn new(child: &Child, name: &'a str) -> Result<Self, FsError> {
        let opened = process(child)
            .ok_or(Errno::SRCH)
            .and_then(|process| rustix::process::pidfd_open(process, PidfdFlags::empty()));
        let handle = opened.map_err(errno("watch", Path::new(name)))?;
        Ok(Self { handle, name })
    }

    /// Reads what the program prints until it ends or has to; tells why it has to.
    fn follow(
        &self,
        mut reader: PipeReader,
        begun: Instant,
        time_limit: Duration,
        output_limit: usize,
        progress: &dyn Progress,
    ) -> Result<(Option<End>, Output), FsError> {
        let mut output = Output {
            limit: output_limit,
            ..Output::default()
        };
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

fn process(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn end(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Signal(signal.unwrap_or_default()),
    }
}

#[cfg(test)]
#[allow(clippy::print_stderr, reason = "a test that cannot run says so")]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, Ordering};

    const LIMIT: Duration = Duration::from_mins(2);

    fn script(content: &str) -> Program<'_> {
        Program {
            name: "hook",
            content: content.as_bytes(),
            variables: &[],
            root: None,
            time_limit: LIMIT,
            output_limit: 4096,
        }
    }

    fn run(content: &str) -> Ran {
        script(content).run(&Silent).unwrap()
    }

    /// A root with a shell and nothing else; `None` where this machine cannot have one.
    fn root() -> Option<tempfile::TempDir> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: programs in a root of their own need root");
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        for name in ["bin", "dev", "proc", "tmp"] {
            std::fs::create_dir(home.path().join(name)).unwrap();
        }
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from);
        let Some(busybox) = busybox.iter().find(|path| path.exists()) else {
            eprintln!("skipped: there is no busybox for a root of its own");
            return None;
        };
        std::fs::copy(busybox, home.path().join("bin/busybox")).unwrap();
        for name in ["sh", "ls", "cat", "readlink", "mount", "sleep", "id"] {
            std::os::unix::fs::symlink("busybox", home.path().join("bin").join(name)).unwrap();
        }
        Some(home)
    }

    /// A place in the file system that tells whether a process has it open.
    fn fifo() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("fifo");
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        (home, path)
    }

    /// Fails if one keeps it open for long: those that tests start sleep for ten minutes.
    fn wait_until_nobody_has(fifo: &Path) {
        let begun = Instant::now();
        let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
        let open = || rustix::fs::open(fifo, flags, rustix::fs::Mode::empty());
        while open().map(drop) != Err(Errno::NXIO) {
            assert!(begun.elapsed() < Duration::from_mins(5), "a child lives on");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn both_streams_and_the_status_are_told() {
        let ran = run("#!/bin/sh\necho one; echo two >&2; echo three; exit 7\n");
        assert_eq!(ran.end, End::Exited(7));
        assert_eq!(ran.output.text(), "one\ntwo\nthree\n");
        assert_eq!(run("#!/bin/sh\nkill -KILL $$\n").end, End::Signal(9));
    }

    #[test]
    fn a_binary_runs_as_well() {
        let bytes = std::fs::read("/bin/true").unwrap();
        let program = Program {
            content: &bytes,
            ..script("")
        };
        assert_eq!(program.run(&Silent).unwrap().end, End::Exited(0));
    }

    #[test]
    fn what_cannot_be_run_is_an_error_that_names_it() {
        for content in ["", "echo no interpreter\n", "#!/nonexistent/sh\n"] {
            let error = script(content).run(&Silent).unwrap_err();
            assert_eq!(error.to_string(), "cannot run hook", "{content:?}");
        }
    }

    #[test]
    fn nothing_is_inherited_but_what_is_given() {
        let program = Program {
            variables: &[("ISI_HOOK", "a b")],
            ..script("#!/bin/sh\n/usr/bin/env; pwd; cat; readlink /proc/self/fd/*\n")
        };
        let open = tempfile::NamedTempFile::new().unwrap();
        let text = program.run(&Silent).unwrap().output.text();
        let open = open.path().to_str().unwrap();
        assert!(!text.contains(open), "{text}");
        let mut lines: Vec<&str> = text.lines().collect();
        while lines.pop_if(|line| *line != "/").is_some() {}
        assert_eq!(lines.pop(), Some("/"));
        lines.retain(|line| !line.starts_with("_=") && !line.starts_with("SHLVL="));
        lines.sort_unstable();
        let path = format!("PATH={PATH}");
        let expected = ["HOME=/", "ISI_HOOK=a b", "LANG=C", &path, "PWD=/", "TZ=UTC"];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_its_children() {
        let (_home, fifo) = fifo();
        let content = format!(
            "#!/bin/sh\nsleep 600 <>{fifo} &\necho begun\nsleep 600\n",
            fifo = fifo.display()
        );
        // A busy machine may not come to begin in a short time; then it gets more.
        let said = [1, 5, 60].map(Duration::from_secs).iter().any(|limit| {
            let program = Program {
                time_limit: *limit,
                ..script(&content)
            };
            let ran = program.run(&Silent).unwrap();
            assert_eq!(ran.end, End::TimeLimit);
            ran.output.text() == "begun\n"
        });
        assert!(said, "what it said is lost");
        wait_until_nobody_has(&fifo);
    }

    #[test]
    fn what_a_program_leaves_running_ends_with_it() {
        let (_home, fifo) = fifo();
        let fifo_name = fifo.display();
        // It ends when the other one has begun.
        let content = format!(
            "#!/bin/sh\n(exec <>{fifo_name}; touch {fifo_name}.open; sleep 600) &\n\
             until test -e {fifo_name}.open; do :; done\n"
        );
        let ran = run(&content);
        assert_eq!(ran.end, End::Exited(0));
        wait_until_nobody_has(&fifo);
    }

    #[test]
    fn who_keeps_the_output_open_is_not_waited_for() {
        let ran = run("#!/bin/sh\nsetsid sleep 50 &\nsleep 0.2\necho done\n");
        assert_eq!(ran.end, End::Exited(0));
        assert_eq!(ran.output.text(), "done\n");
        assert!(ran.took < Duration::from_secs(50), "{:?}", ran.took);
    }

    #[test]
    fn a_closed_output_is_no_end() {
        let ran = run("#!/bin/sh\nexec >&- 2>&-\nsleep 0.3\nexit 4\n");
        assert_eq!(ran.end, End::Exited(4));
    }

    #[test]
    fn a_flood_is_cut_in_the_middle() {
        let content = "#!/bin/sh\necho first; head -c 3000000 /dev/zero; echo last\n";
        let ran = run(content);
        assert_eq!(ran.end, End::Exited(0));
        assert_eq!(ran.output.left_out(), 3_000_011 - 4096);
        let text = ran.output.text();
        assert!(text.starts_with("first\n") && text.ends_with("last\n"));
        assert!(text.contains("[2995915 bytes left out]"), "{}", text.len());
        assert!(text.len() < 4200);
        for (length, cut) in [(4096, 0), (4097, 1)] {
            let content = format!("#!/bin/sh\nhead -c {length} /dev/zero\n");
            assert_eq!(run(&content).output.left_out(), cut, "{length}");
        }
    }

    #[test]
    fn the_caller_can_stop_it() {
        struct Stop(AtomicBool);
        impl Progress for Stop {
            fn begin(&self, _: &str, _: u64) {}
            fn advance(&self, _: u64) {}
            fn cancelled(&self) -> bool {
                self.0.swap(true, Ordering::Relaxed)
            }
        }
        let ran = script("#!/bin/sh\nsleep 60\n").run(&Stop(AtomicBool::new(false)));
        assert_eq!(ran.unwrap().end, End::Cancelled);
    }

    #[test]
    fn its_root_is_the_given_one_with_devices_that_go_away_again() {
        let Some(home) = root() else { return };
        let dir = Dir::open(home.path()).unwrap();
        let content = "#!/bin/sh\n\
            ls /\necho lost >/dev/null\nls /dev\necho kept >/tmp/mark\ncd ..; pwd\n\
            ls /proc/self/root/\ncat /../../etc/passwd\n";
        let program = Program {
            root: Some(&dir),
            ..script(content)
        };
        let ran = program.run(&Silent).unwrap();
        let text = ran.output.text();
        let tree = "bin\ndev\nproc\ntmp\n";
        let expected = format!("{tree}full\nnull\nrandom\nurandom\nzero\n/\n{tree}cat: ");
        assert!(text.starts_with(&expected), "{text}");
        assert!(text.contains("No such file"), "{text}");
        assert_eq!(
            std::fs::read(home.path().join("tmp/mark")).unwrap(),
            b"kept\n"
        );
        for name in ["dev", "proc"] {
            let left = std::fs::read_dir(home.path().join(name)).unwrap().count();
            assert_eq!(left, 0, "{name}");
        }
        // This process still has its own root.
        assert!(Path::new("/etc/passwd").exists());
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!mounts.contains(home.path().to_str().unwrap()), "{mounts}");
    }

    #[test]
    fn links_in_the_root_do_not_lead_out_of_it() {
        let Some(home) = root() else { return };
        let outside = tempfile::tempdir().unwrap();
        for name in ["proc", "dev"] {
            std::fs::remove_dir(home.path().join(name)).unwrap();
        }
        std::os::unix::fs::symlink(outside.path(), home.path().join("dev")).unwrap();
        std::os::unix::fs::symlink(outside.path(), home.path().join("proc")).unwrap();
        let dir = Dir::open(home.path()).unwrap();
        let program = Program {
            root: Some(&dir),
            ..script("#!/bin/sh\n")
        };
        assert_eq!(program.run(&Silent).unwrap_err().code(), "E_NO_PROC");
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_root_without_a_place_for_proc_is_refused() {
        let Some(home) = root() else { return };
        let dir = Dir::open(home.path()).unwrap();
        std::fs::remove_dir(home.path().join("proc")).unwrap();
        let program = Program {
            root: Some(&dir),
            ..script("#!/bin/sh\n")
        };
        assert_eq!(program.run(&Silent).unwrap_err().code(), "E_NO_PROC");
    }
}
