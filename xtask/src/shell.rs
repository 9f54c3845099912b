//! Runs other programs from the root of the repository.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// How a task ends; the error is for people.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What went wrong, in words.
#[derive(Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {}

/// An error that says `text`.
pub fn failure<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Box::new(Failure(text.into())))
}

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// `program`, to be run from the root with nothing to read.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The command that `line` stands for, typed in `directory`: no shell, and our own programs, as built
/// for release, first in line.
pub fn typed(directory: &Path, line: &str) -> Command {
    let mut words = words(line).into_iter();
    let name = words.next().unwrap_or_default();
    let own = root().join("target/release").join(&name);
    let program = if own.is_file() { own } else { name.into() };
    let mut command = command(program);
    command.args(words).current_dir(directory);
    command
}

/// The words of a command line: split at spaces, except between single quotes.
pub fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quoted, mut inside) = (false, false);
    for c in line.chars() {
        if c == '\'' {
            quoted = !quoted;
        }
        if c == ' ' && !quoted {
            inside = false;
            continue;
        }
        if !inside {
            words.push(String::new());
            inside = true;
        }
        if let Some(word) = words.last_mut().filter(|_| c != '\'') {
            word.push(c);
        }
    }
    words
}

/// The cargo that runs this task, with `arguments`.
///
/// What cargo told this process about its own package is taken out again: it would make the main
/// package be built anew after each change of place.
pub fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo.args(arguments);
    cargo
}

/// Runs `command` and makes an error of any way it can go wrong.
pub fn run(command: &mut Command) -> Outcome {
    let status = status(command)?;
    if status.success() {
        Ok(())
    } else {
        failure(format!("{} ended with {status}", show(command)))
    }
}

/// Runs `command` and says how it ended.
pub fn status(command: &mut Command) -> Outcome<ExitStatus> {
    match command.status() {
        Ok(status) => Ok(status),
        Err(error) => failure(format!("cannot run {}: {error}", show(command))),
    }
}

/// Runs `command` silently and says whether it succeeded.
pub fn succeeds(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Whether `program` is found on the search path.
pub fn installed(program: &str) -> bool {
    found(program).is_some()
}

/// Where `program` is on the search path.
pub fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut places = std::env::split_paths(&path).chain(system);
    places.find_map(|directory| Some(directory.join(program)).filter(|program| program.is_file()))
}

/// A command as a person would type it.
pub fn show(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// A time as people read it: `0.04 s`, `12.3 s`, `4 min 05 s`.
pub fn show_time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        format!("{seconds:.2} s")
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = time.as_secs();
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(show_time(Duration::from_millis(40)), "0.04 s");
        assert_eq!(show_time(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(show_time(Duration::from_secs(245)), "4 min 05 s");
    }

    #[test]
    fn a_program_that_fails_or_is_missing_is_an_error() {
        assert!(run(&mut command("true")).is_ok());
        let failed = run(command("false").arg("x")).unwrap_err().to_string();
        assert!(failed.starts_with("false x ended with"), "{failed}");
        let missing = run(&mut command("no-such-program")).unwrap_err();
        assert!(
            missing
                .to_string()
                .starts_with("cannot run no-such-program")
        );
    }

    #[test]
    fn words_are_split_at_spaces_outside_quotes() {
        assert_eq!(
            words("a  b --c 'd e' f'g h'"),
            ["a", "b", "--c", "d e", "fg h"]
        );
        assert_eq!(words("a ''"), ["a", ""]);
        assert!(words(" ").is_empty());
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(installed("sh"));
        assert!(!installed("no-such-program"));
    }
}
