//! The short tasks: test vectors, manual pages, fuzzing.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::shell::{self, Outcome, cargo, failure};
use crate::system;

/// The programs that document themselves.
const PROGRAMS: [&str; 2] = ["isi", "isi_packager"];

/// `bless`: writes the test vectors that are not there yet; old ones never change.
pub fn bless(arguments: &[String]) -> Outcome<ExitCode> {
    system::ready_to_build()?;
    let mut bless = cargo(["run", "--quiet", "--example", "bless", "--"]);
    shell::run(bless.args(arguments))?;
    Ok(ExitCode::SUCCESS)
}

/// `man`: writes manual pages and shell completions into a directory, `target/man` if none is named.
pub fn man(arguments: &[String]) -> Outcome<ExitCode> {
    let directory = match arguments {
        [] => shell::root().join("target/man"),
        [directory] => PathBuf::from(directory),
        _ => return failure("man takes at most one directory"),
    };
    system::ready_to_build()?;
    std::fs::create_dir_all(&directory)?;
    let directory = directory.canonicalize()?;
    for program in PROGRAMS {
        let mut pages = cargo([
            "run", "--quiet", "--bin", program, "--", "generate", "--man",
        ]);
        shell::run(pages.arg(&directory))?;
        for kind in ["bash", "zsh", "fish"] {
            let mut completion = cargo(["run", "--quiet", "--bin", program, "--"]);
            let output = completion
                .args(["generate", "--completion", kind])
                .output()?;
            if !output.status.success() {
                return failure(format!(
                    "{} ended with {}",
                    shell::show(&completion),
                    output.status
                ));
            }
            std::fs::write(directory.join(format!("{program}.{kind}")), output.stdout)?;
        }
    }
    println!("wrote {}", directory.display());
    Ok(ExitCode::SUCCESS)
}

/// `fuzz TARGET [SECONDS]`: searches for inputs that break a target, on a nightly toolchain.
///
/// What it finds worth trying stays in `fuzz/target/corpus`; the saved corpus is only read.
pub fn fuzz(arguments: &[String]) -> Outcome<ExitCode> {
    let (target, seconds) = match arguments {
        [target] => (target, "60"),
        [target, seconds] => (target, seconds.as_str()),
        _ => return failure("fuzz takes a target and, if wanted, a number of seconds"),
    };
    if seconds.parse::<u32>().is_err() {
        return failure(format!("expected a number of seconds, found {seconds:?}"));
    }
    if !shell::installed("cargo-fuzz") {
        return failure(
            "cargo-fuzz is not installed\nhint: cargo install cargo-fuzz; rustup toolchain install nightly",
        );
    }
    let mut fuzz = shell::command("cargo");
    let found = shell::root().join("fuzz/target/corpus").join(target);
    std::fs::create_dir_all(&found)?;
    let saved = shell::root().join("fuzz/corpus").join(target);
    fuzz.args(["+nightly", "fuzz", "run", target])
        .args([&found, &saved])
        .arg("--")
        .args([
            format!("-max_total_time={seconds}"),
            "-max_len=65536".to_owned(),
        ])
        // The bundled SQLite has statics of one name, which the sanitizer takes for a clash.
        .env("ASAN_OPTIONS", "detect_odr_violation=0")
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN");
    shell::run(&mut fuzz)?;
    Ok(ExitCode::SUCCESS)
}
