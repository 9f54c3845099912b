//! One start of a machine: Linux as an ordinary process (user-mode-linux), from power-on to its end.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// What runs longer than this hangs, however busy the machine below is.
const PATIENCE: Duration = Duration::from_mins(2);
/// After a machine has said that it means to hang nobody waits for long.
const SHORT_PATIENCE: Duration = Duration::from_secs(2);
/// The memory of a machine: while an initial RAM disk is unpacked it is there twice, and its programs may be
/// large where nobody could strip them.
const MEMORY: &str = "mem=256M";
/// What the kernel says when it starts anew; it keeps its command line, so that no firmware chooses.
const RESTARTS: &str = "reboot: Restarting system";
/// What it says last when it turns itself off. How the process ends then is chance: now and then a signal
/// of its own reaches it while it takes itself down.
const OFF: &str = "reboot: System halted";
/// What it says when it panics.
const PANICS: &str = "Kernel panic";

/// Why no machine can be started here, if none can.
pub(crate) fn missing() -> Option<String> {
    for (program, package) in [
        ("linux", "user-mode-linux"),
        ("busybox", "busybox-static"),
        ("ldd", "libc-bin"),
    ] {
        if !installed(program) {
            return Some(format!("{program} is not there (Debian: {package})"));
        }
    }
    let root = rustix::process::geteuid().is_root();
    (!root).then(|| "only root can give the files of a system their owners".to_owned())
}

/// Whether a program is found on the search path.
pub(crate) fn installed(program: &str) -> bool {
    find(program).is_some()
}

/// Where a program is found on the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

/// How a start of the machine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It turned itself off.
    Off,
    /// It asked to be started anew.
    Restart,
    /// The kernel panicked.
    Panic,
    /// It hung, and the power was cut.
    Hung,
}

impl End {
    /// What a machine says before it ends like this. The tests' own scripts are all that runs in it, so that
    /// an end that none of them announced is a failure of the emulator.
    pub(crate) fn announcement(self) -> &'static str {
        match self {
            Self::Off => "test: turns off",
            Self::Restart => "test: starts anew",
            Self::Panic => "test: ends",
            Self::Hung => "test: hangs",
        }
    }

    fn announced(line: &str) -> Option<Self> {
        let ends = [Self::Off, Self::Restart, Self::Panic, Self::Hung];
        ends.into_iter().find(|end| line == end.announcement())
    }
}

/// A machine ended in a way that it had not announced: what it said, for whom to begin anew does not help.
///
/// It leaves the test by unwinding; `machine::on` catches it.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

/// One start of the machine.
#[derive(Debug)]
pub(crate) struct Boot {
    pub(crate) end: End,
    pub(crate) console: String,
    pub(crate) time: Duration,
}

impl Boot {
    /// Whether a line of the console begins with `text`.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.console.lines().any(|line| line.starts_with(text))
    }
}

/// The kernel where no system brings one: that of the machine below.
pub(crate) const USUAL_KERNEL: &str = "linux";

/// Turns the machine on with `words` on its kernel's command line, and watches it to its end.
///
/// `scratch` is for the sockets of the kernel.
pub(crate) fn boot(scratch: &Path, words: &[String]) -> Boot {
    start(Path::new(USUAL_KERNEL), scratch, words, false)
}

/// As [`boot`], with the kernel in this file.
pub(crate) fn boot_kernel(kernel: &Path, scratch: &Path, words: &[String]) -> Boot {
    start(kernel, scratch, words, false)
}

/// As [`boot`], but a machine that wants to be started anew is: with the same command line, as the kernel
/// does it.
pub(crate) fn boot_as_often_as_it_wants(scratch: &Path, words: &[String]) -> Boot {
    start(Path::new(USUAL_KERNEL), scratch, words, true)
}

fn start(kernel: &Path, scratch: &Path, words: &[String], restarts: bool) -> Boot {
    let sockets = tempfile::tempdir_in(scratch).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut linux = Command::new(kernel);
    linux
        .args([MEMORY, "con=null", "con0=null,fd:1", "ssl=null", "quiet"])
        .args(["panic=1", "umid=test"])
        .arg(format!("uml_dir={}/", sockets.path().display()))
        .args(words)
        .env("TMPDIR", scratch)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        .process_group(0);
    let started = Instant::now();
    let machine = Machine(linux.spawn().unwrap());
    // Its own copies of the pipe would keep the console open.
    drop(linux);
    let mut console = String::new();
    let end = watch(&lines(reader), restarts, &mut console);
    drop(machine);
    Boot {
        end,
        console,
        time: started.elapsed(),
    }
}

/// Reads what a machine says until it ends; it has to end as it had announced.
fn watch(lines: &Receiver<String>, restarts: bool, console: &mut String) -> End {
    let mut deadline = Instant::now() + PATIENCE;
    let (mut announced, mut end) = (None, None);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = match lines.recv_timeout(left) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                end = Some(End::Hung);
                break;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        writeln!(console, "{line}").unwrap();
        announced = End::announced(&line).or(announced);
        if announced == Some(End::Hung) {
            deadline = deadline.min(Instant::now() + SHORT_PATIENCE);
        }
        if line.starts_with(OFF) {
            end = Some(End::Off);
        } else if line.starts_with(PANICS) {
            end = Some(End::Panic);
        } else if line.starts_with(RESTARTS) {
            if restarts && announced == Some(End::Restart) {
                announced = None;
                continue;
            }
            end = Some(End::Restart);
            break;
        }
    }
    match end {
        Some(end) if announced == Some(end) => end,
        _ => {
            let told = format!("ended as {end:?}, announced was {announced:?}:\n{console}");
            resume_unwind(Box::new(Failed(told)))
        }
    }
}

/// A machine that is on; when this is dropped the power is cut.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        // Every process of the machine is one of ours; the first one alone would leave the others behind.
        let group = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // They may all be gone.
            kill_process_group(group, Signal::KILL).unwrap_or_default();
        }
        drop(self.0.wait());
    }
}

/// The lines of a stream, as they come.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { return };
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}
