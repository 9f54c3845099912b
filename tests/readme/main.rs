//! Runs the shell transcripts of the README, and follows the links of every page.
//!
//! A transcript is a fenced block marked `console`: lines that begin with `$ ` are typed, the lines
//! after them are what appears, errors included. All blocks of a page share one fresh directory and run
//! in order. In the expected text `[..]` stands for anything within a line, and a line `...` for any
//! number of lines.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "reads pages from disk, and panics are how a test fails"
)]

mod links;
mod matching;
mod transcript;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use transcript::Step;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).expect("a page of the repository")
}

/// Stands between the outputs of two commands.
const MARK: &str = "-- end of one command --";

/// What a person would see after each of `lines`, typed one after the other into one shell.
fn session(directory: &Path, lines: &[&str]) -> Vec<String> {
    let own = Path::new(env!("CARGO_BIN_EXE_isi")).parent();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path);
    let path = std::env::join_paths(own.map(PathBuf::from).into_iter().chain(places));
    let mut script = String::from("exec 2>&1\n");
    for line in lines {
        // The next line sees this one's exit code, as it would if a person typed.
        script += line;
        script += "\nset -- $?; printf '\\n%s\\n' '";
        script += MARK;
        script += "'; (exit $1)\n";
    }
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(directory)
        .env_clear()
        .env("PATH", path.expect("a search path"))
        .env("HOME", directory)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found: Vec<String> = text
        .split(&format!("\n{MARK}\n"))
        .map(str::to_owned)
        .collect();
    let rest = found.pop();
    assert_eq!(rest.as_deref(), Some(""), "the session ended early");
    found
}

#[test]
fn transcripts_of_the_readme_are_true() {
    let steps = transcript::steps(&page("README.md"));
    let ours = steps.iter().filter(|step| step.typed.contains("isi"));
    assert!(ours.count() >= 8, "the README shows the main job");
    let home = tempfile::tempdir().expect("a fresh directory");
    let lines: Vec<&str> = steps.iter().map(|step| step.typed.as_str()).collect();
    let outputs = session(home.path(), &lines);
    assert_eq!(outputs.len(), steps.len());
    for (step, found) in steps.iter().zip(&outputs) {
        let Step {
            line,
            typed,
            expected,
        } = step;
        assert!(
            matching::matches(expected, found),
            "README.md:{line}: $ {typed}\n--- the page says\n{expected}\n--- what happens\n{found}"
        );
    }
}

/// A transcript that is not true is noticed.
#[test]
fn a_false_transcript_is_found() {
    let home = tempfile::tempdir().expect("a fresh directory");
    let lines = ["echo one; echo two >&2", "x=3; (exit 4)", "echo $? $x"];
    let found = session(home.path(), &lines);
    assert!(matching::matches("one\ntwo\n", &found[0]));
    assert!(!matching::matches("one\nthree\n", &found[0]));
    assert!(!matching::matches("one\n", &found[0]));
    assert!(matching::matches("", &found[1]));
    assert!(matching::matches("4 3\n", &found[2]));
}

#[test]
fn the_readme_names_exactly_two_commands_for_a_fresh_machine() {
    let text = page("README.md");
    let blocks = transcript::blocks(&text, "sh");
    let commands: String = blocks.into_iter().map(|(_, block)| block).collect();
    assert_eq!(commands, "cargo xtask demo\ncargo xtask test\n");
}

#[test]
fn links_lead_somewhere() {
    let broken = links::broken(root());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
