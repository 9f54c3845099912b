//! Runs a program under ptrace and does something to it at its Nth changing call.
//!
//! `strace` can inject, too, but counts each kind of call in each thread for itself: the first copy of a
//! second thread would never be reached, because the first thread makes one before. Here one count runs
//! over all calls of all threads, and a write can really be cut short instead of only being said to be.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::calls::{self, Call};
use crate::shell::{Outcome, failure};

/// Name of the hidden task that [`run`] starts programs by.
pub const TASK: &str = "traced";

/// What runs longer than this hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// What to do, and at which changing call; the first has number 1.
pub enum Act<'a> {
    /// Only count.
    Watch,
    /// Kill the program before the call is made.
    Kill(usize),
    /// Let the call fail instead of being made.
    Fail(usize, Errno),
    /// Let the call write half of what it should.
    Shorten(usize),
    /// Hold the program before the call, do something else, then kill the program.
    Hold(usize, &'a mut dyn FnMut() -> Outcome),
}

/// How a program ended and what it said.
#[derive(Debug, Default)]
pub struct Ending {
    /// Exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<Signal>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Every changing call, in the order they were made.
    pub calls: Vec<Call>,
    /// What the call was made on where something was done, for people.
    pub target: Option<String>,
    /// Whether the program was killed because it hung.
    pub hung: bool,
}

impl Ending {
    /// Both streams.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// The hidden task: becomes a program that its parent traces.
pub fn become_traced(arguments: &[String]) -> Outcome<ExitCode> {
    let [program, arguments @ ..] = arguments else {
        return failure("traced takes a command");
    };
    ptrace::traceme()?;
    Err(Command::new(program).args(arguments).exec().into())
}

/// Runs `command` to its end under `act`; its output goes through files below `scratch`.
pub fn run(command: &Command, scratch: &Path, act: Act<'_>) -> Outcome<Ending> {
    let mut outer = Command::new(std::env::current_exe()?);
    outer
        .arg(TASK)
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        outer.current_dir(directory);
    }
    let (stdout, stderr) = (scratch.join("stdout"), scratch.join("stderr"));
    outer.stdout(File::create(&stdout)?);
    outer.stderr(File::create(&stderr)?);
    let child = outer.spawn()?;
    let leader = Pid::from_raw(i32::try_from(child.id())?);
    let (done, finished) = channel::<()>();
    let watchdog = std::thread::spawn(move || {
        let hangs = finished.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
        hangs && kill(leader, Signal::SIGKILL).is_ok()
    });
    let ending = Trace::new(leader, act).follow();
    drop(done);
    let hung = watchdog.join().unwrap_or(true);
    let text =
        |path| Ok::<_, std::io::Error>(String::from_utf8_lossy(&std::fs::read(path)?).into_owned());
    Ok(Ending {
        stdout: text(&stdout)?,
        stderr: text(&stderr)?,
        hung,
        ..ending?
    })
}

/// A program that is being followed.
struct Trace<'a> {
    leader: Pid,
    act: Act<'a>,
    ending: Ending,
    /// Threads inside a call that shall fail, and with what.
    failing: HashMap<Pid, Errno>,
    known: Vec<Pid>,
}

impl<'a> Trace<'a> {
    fn new(leader: Pid, act: Act<'a>) -> Self {
        Self {
            leader,
            act,
            ending: Ending::default(),
            failing: HashMap::new(),
            known: vec![leader],
        }
    }

    fn follow(mut self) -> Outcome<Ending> {
        match waitpid(self.leader, None)? {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => {}
            other => return failure(format!("the program did not start: {other:?}")),
        }
        ptrace::setoptions(
            self.leader,
            Options::PTRACE_O_TRACESYSGOOD
                | Options::PTRACE_O_TRACECLONE
                | Options::PTRACE_O_TRACEFORK
                | Options::PTRACE_O_TRACEVFORK
                | Options::PTRACE_O_TRACEEXEC
                | Options::PTRACE_O_EXITKILL,
        )?;
        resume(self.leader, None);
        // Only what this thread started: others follow programs of their own.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            match waitpid(None, Some(flags))? {
                WaitStatus::Exited(pid, code) if pid == self.leader => {
                    self.ending.code = Some(code);
                    return Ok(self.end());
                }
                WaitStatus::Signaled(pid, signal, _) if pid == self.leader => {
                    self.ending.signal = Some(signal);
                    return Ok(self.end());
                }
                WaitStatus::PtraceSyscall(thread) => {
                    if let Err(error) = self.at_call(thread) {
                        kill(self.leader, Signal::SIGKILL).unwrap_or_default();
                        return Err(error);
                    }
                    resume(thread, None);
                }
                WaitStatus::PtraceEvent(thread, ..) => resume(thread, None),
                WaitStatus::Stopped(thread, Signal::SIGSTOP) if !self.known.contains(&thread) => {
                    self.known.push(thread);
                    resume(thread, None);
                }
                WaitStatus::Stopped(thread, signal) => resume(thread, Some(signal)),
                _ => {}
            }
        }
    }

    /// Ends what the program started and left behind; the next one that is followed finds nobody else.
    fn end(self) -> Ending {
        for process in self.known.iter().filter(|process| **process != self.leader) {
            // Most were threads, and are gone.
            kill(*process, Signal::SIGKILL).unwrap_or_default();
        }
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        while let Ok(status) = waitpid(None, Some(flags)) {
            if let Some(process) = status.pid() {
                kill(process, Signal::SIGKILL).unwrap_or_default();
                resume(process, None);
            }
        }
        self.ending
    }

    /// A thread is about to make a call, or back from one.
    fn at_call(&mut self, thread: Pid) -> Outcome {
        let Ok(info) = ptrace::syscall_info(thread) else {
            // Killed meanwhile.
            return Ok(());
        };
        if info.op == libc::PTRACE_SYSCALL_INFO_EXIT {
            if let Some(error) = self.failing.remove(&thread) {
                let mut registers = ptrace::getregs(thread)?;
                registers.rax = (-i64::from(error as i32)).cast_unsigned();
                ptrace::setregs(thread, registers)?;
            }
            return Ok(());
        }
        let Ok(mut registers) = ptrace::getregs(thread) else {
            return Ok(());
        };
        let word = |address: u64| {
            let address = usize::try_from(address).unwrap_or_default();
            let address = std::ptr::without_provenance_mut(address);
            ptrace::read(thread, address).map_or(0, i64::cast_unsigned)
        };
        let Some(call) = calls::changing(&registers, word) else {
            return Ok(());
        };
        self.ending.calls.push(call);
        let number = self.ending.calls.len();
        let wanted = match self.act {
            Act::Watch => None,
            Act::Kill(at) | Act::Fail(at, _) | Act::Shorten(at) | Act::Hold(at, _) => Some(at),
        };
        if wanted != Some(number) || self.ending.target.is_some() {
            return Ok(());
        }
        self.ending.target = Some(target(thread, &call, registers.rdi));
        match &mut self.act {
            Act::Watch => {}
            Act::Kill(_) => kill(self.leader, Signal::SIGKILL)?,
            Act::Hold(_, meanwhile) => {
                let worked = meanwhile();
                kill(self.leader, Signal::SIGKILL)?;
                worked?;
            }
            Act::Fail(_, error) => {
                registers.orig_rax = u64::MAX;
                ptrace::setregs(thread, registers)?;
                self.failing.insert(thread, *error);
            }
            Act::Shorten(_) => {
                if let Some(register) = call.length {
                    let length = register.read(&registers);
                    register.write(&mut registers, length.div_ceil(2));
                    ptrace::setregs(thread, registers)?;
                }
            }
        }
        Ok(())
    }
}

/// Lets a thread go on; it may be gone already.
fn resume(thread: Pid, signal: Option<Signal>) {
    ptrace::syscall(thread, signal).unwrap_or_default();
}

/// A call and what it is made on, for people.
fn target(thread: Pid, call: &Call, first: u64) -> String {
    let link = format!("/proc/{thread}/fd/{first}");
    match std::fs::read_link(link) {
        Ok(path) => format!("{} on {}", call.name, path.display()),
        Err(_) => call.name.to_owned(),
    }
}
