//! A few of the systems that survive are really started, under user-mode-linux.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::shell::{self, Outcome, failure};

/// What a started system says first.
const GREETING: &str = "torture: ";
/// What it says last.
const OFF: &str = "reboot: System halted";
/// How often a system is started at most until it comes up.
const TRIES: usize = 3;
/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// The first process of the systems under torture.
pub const INIT: &str = "#!/bin/sh\necho \"torture: $(cat /etc/motd)\"\npoweroff -f\n";

/// Why no system can be started here, if none can.
pub fn missing() -> Option<String> {
    let linux = shell::installed("linux");
    (!linux).then(|| "linux (user-mode-linux) is not installed".to_owned())
}

/// Starts the system in `root`, which stays as it is, and gives what it calls itself.
///
/// The emulator itself may fail, seldom: what cannot start never does.
pub fn start(root: &Path, scratch: &Path) -> Outcome<String> {
    let mut started = start_once(root, scratch);
    for _ in 1..TRIES {
        if started.is_ok() {
            break;
        }
        started = start_once(root, scratch);
    }
    started
}

fn start_once(root: &Path, scratch: &Path) -> Outcome<String> {
    let console = scratch.join("console");
    let file = File::create(&console)?;
    let mut linux = Command::new("linux");
    linux
        .args([
            "mem=128M",
            "con=null",
            "con0=null,fd:1",
            "ssl=null",
            "quiet",
            "panic=1",
            "ro",
        ])
        .args(["root=/dev/root", "rootfstype=hostfs", "umid=torture"])
        .arg(format!("rootflags={}", root.display()))
        .arg(format!("uml_dir={}/", scratch.display()))
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .process_group(0);
    let mut child = linux.spawn()?;
    let group = Pid::from_raw(i32::try_from(child.id())?);
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if begun.elapsed() > PATIENCE {
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    // The first process alone would leave the others behind; most often all are gone.
    killpg(group, Signal::SIGKILL).unwrap_or_default();
    if status.is_none() {
        child.wait()?;
    }
    let text = std::fs::read(&console)?;
    let text = String::from_utf8_lossy(&text);
    let said = text.lines().find_map(|line| line.strip_prefix(GREETING));
    // How the process ends is chance: a signal of its own may reach it after this.
    let off = text.lines().any(|line| line.starts_with(OFF));
    match said {
        Some(name) if off => Ok(name.trim().to_owned()),
        _ => failure(format!(
            "it did not come up: {}",
            text.lines().rev().take(12).collect::<Vec<_>>().join(" | ")
        )),
    }
}
