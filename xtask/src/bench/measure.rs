//! What a program costs: wall time, CPU time and peak memory.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::shell::{self, Outcome, failure};

/// The cost of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// From start to end.
    pub wall: Duration,
    /// User and system time of the program and all it waited for.
    pub cpu: Duration,
    /// Most memory resident at once, in bytes; mapped files count.
    pub memory: u64,
}

/// Name of the hidden task that [`measured`] runs.
pub const TASK: &str = "measure";

/// Runs `command` and tells its cost.
///
/// The kernel reports peak memory only as the largest over all children of a process, so each run gets
/// a process of its own: this program again, with the hidden task.
pub fn measured(command: &Command, report: &Path) -> Outcome<Cost> {
    let mut outer = shell::command(std::env::current_exe()?);
    outer.arg(TASK).arg(report);
    outer.arg(command.get_program()).args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        outer.current_dir(directory);
    }
    let output = outer.output()?;
    if !output.status.success() {
        return failure(format!(
            "{} failed\n{}",
            shell::show(command),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    parse(&std::fs::read_to_string(report)?)
}

/// The hidden task: runs a command and writes its cost into a file.
pub fn run(arguments: &[String]) -> Outcome<ExitCode> {
    let [report, program, arguments @ ..] = arguments else {
        return failure("measure takes a file for the report and a command");
    };
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null());
    let start = Instant::now();
    let status = shell::status(&mut command)?;
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let (user, system) = (usage.user_time(), usage.system_time());
    let seconds = user.tv_sec() + system.tv_sec();
    let micros = user.tv_usec() + system.tv_usec() + 1_000_000 * seconds;
    std::fs::write(
        report,
        format!("{} {micros} {}", wall.as_micros(), usage.max_rss()),
    )?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn parse(report: &str) -> Outcome<Cost> {
    let numbers: Result<Vec<u64>, _> = report.split_whitespace().map(str::parse).collect();
    match numbers?.as_slice() {
        [wall, cpu, kibibytes] => Ok(Cost {
            wall: Duration::from_micros(*wall),
            cpu: Duration::from_micros(*cpu),
            memory: kibibytes << 10,
        }),
        _ => failure("a report of a measurement has three numbers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_back() -> Outcome {
        let cost = parse("2000000 1500000 4096")?;
        assert_eq!(cost.wall, Duration::from_secs(2));
        assert_eq!(cost.cpu, Duration::from_millis(1500));
        assert_eq!(cost.memory, 4 << 20);
        assert!(parse("1 2").is_err());
        assert!(parse("1 2 x").is_err());
        Ok(())
    }
}
