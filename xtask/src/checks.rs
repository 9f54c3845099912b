//! `cargo xtask test`: everything that has to hold before a change is taken.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::results::{Reader, Results};
use crate::shell::{self, Outcome, cargo, failure, show_time};
use crate::{system, torture};

/// The tools' own packages, checked like the main one.
const XTASK: &str = "xtask/Cargo.toml";
const FUZZ: &str = "fuzz/Cargo.toml";

/// One part of the check, and how it went.
struct Part {
    name: &'static str,
    time: Duration,
    results: Results,
    error: Option<String>,
}

/// Runs all parts, even after one failed, and closes with the counts.
pub fn run(arguments: &[String]) -> Outcome<ExitCode> {
    if let Some(unexpected) = arguments.first() {
        return failure(format!("test takes no arguments, found {unexpected:?}"));
    }
    system::ready_to_check()?;
    let parts = [
        part("formatting", formatting),
        part("clippy", clippy),
        part("tests", tests),
        part("tests of the tools", tool_tests),
        part("torture", torture::short),
        part("fuzz targets", fuzz_targets),
        part("documentation", documentation),
    ];
    Ok(summary(&parts))
}

fn part(name: &'static str, check: fn() -> Outcome<Results>) -> Part {
    println!("== {name}");
    let start = Instant::now();
    let (results, error) = match check() {
        Ok(results) => (results, None),
        Err(error) => (Results::default(), Some(error.to_string())),
    };
    Part {
        name,
        time: start.elapsed(),
        results,
        error,
    }
}

fn formatting() -> Outcome<Results> {
    for package in packages() {
        let check = ["fmt", "--manifest-path", package, "--", "--check"];
        shell::run(&mut cargo(check))?;
    }
    Ok(Results::default())
}

fn clippy() -> Outcome<Results> {
    for package in ["Cargo.toml", XTASK] {
        let check = ["clippy", "--locked", "--manifest-path", package];
        let how = ["--all-targets", "--quiet", "--", "-D", "warnings"];
        shell::run(cargo(check).args(how))?;
    }
    Ok(Results::default())
}

fn tests() -> Outcome<Results> {
    test(cargo(["test", "--no-fail-fast"]))
}

fn tool_tests() -> Outcome<Results> {
    test(cargo(["test", "--no-fail-fast", "--manifest-path", XTASK]))
}

/// Type-checks the fuzz targets; to run them takes a nightly toolchain and `cargo xtask fuzz`.
fn fuzz_targets() -> Outcome<Results> {
    if !shell::root().join(FUZZ).exists() {
        return Ok(skipped("fuzz targets: there are none"));
    }
    shell::run(&mut fuzz_check()?)?;
    Ok(Results::default())
}

/// Checks the fuzz targets against an empty fuzzing engine, so that no C++ compiler is needed.
fn fuzz_check() -> Outcome<Command> {
    let target = shell::root().join("fuzz/target");
    std::fs::create_dir_all(&target)?;
    let engine = target.join("no-engine.a");
    std::fs::write(&engine, b"!<arch>\n")?;
    let mut check = cargo(["clippy", "--locked", "--quiet", "--manifest-path", FUZZ]);
    check
        .args(["--", "-D", "warnings"])
        .env("CUSTOM_LIBFUZZER_PATH", engine);
    Ok(check)
}

fn documentation() -> Outcome<Results> {
    let mut doc = cargo(["doc", "--quiet", "--no-deps", "--lib"]);
    shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Results::default())
}

fn packages() -> impl Iterator<Item = &'static str> {
    ["Cargo.toml", XTASK, FUZZ]
        .into_iter()
        .filter(|package| shell::root().join(package).exists())
}

fn skipped(reason: &str) -> Results {
    Results {
        skipped: vec![reason.to_owned()],
        ..Results::default()
    }
}

/// Runs a `cargo test` and reads its output while it is shown.
fn test(mut command: Command) -> Outcome<Results> {
    command
        .args(["--", "--show-output"])
        .env("INSTA_UPDATE", "no")
        .stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut reader = Reader::default();
    for line in child
        .stdout
        .take()
        .map(BufReader::new)
        .into_iter()
        .flat_map(BufReader::lines)
    {
        if let Some(line) = reader.take(&line?) {
            println!("{line}");
        }
    }
    let success = child.wait()?.success();
    let results = reader.finish();
    match (success, &results) {
        (false, Results { failed: 0, .. }) => failure("the tests could not be built or run"),
        (true, Results { passed: 0, .. }) => failure("no test was run"),
        _ => Ok(results),
    }
}

fn summary(parts: &[Part]) -> ExitCode {
    let mut total = Results::default();
    println!("\n== summary");
    for part in parts {
        let Results { passed, failed, .. } = part.results;
        let word = if part.error.is_some() || failed > 0 {
            "FAILED"
        } else {
            "ok"
        };
        let counts = match passed + failed {
            0 => String::new(),
            tests => format!("{tests} tests"),
        };
        let line = format!(
            "{:<20} {word:<7} {:>12}   {counts}",
            part.name,
            show_time(part.time)
        );
        println!("{}", line.trim_end());
        total += part.results.clone();
        if let Some(error) = &part.error {
            println!("  {error}");
            total.failed += 1;
        }
    }
    for reason in &total.skipped {
        println!("skipped: {reason}");
    }
    println!("{}", total.line());
    if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
