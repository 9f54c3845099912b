//! Replays the saved corpus of every fuzz target through the same code, with plain `cargo test`.
//!
//! `fuzz/corpus/<target>/` holds what the fuzzer found worth keeping: valid inputs, their neighbours,
//! and every input that once broke something.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "reads the corpus from disk, and panics are how a test fails"
)]

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::path::{Path, PathBuf};

/// Fewer saved inputs than this are no corpus.
const FEWEST: usize = 5;

/// The saved inputs of `target`, sorted by name.
fn corpus(target: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = root.join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&directory).expect("a corpus for each target");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    files.sort();
    files
}

fn replay(target: &str) {
    let files = corpus(target);
    assert!(files.len() >= FEWEST, "{target}: {} inputs", files.len());
    for file in files {
        let data = std::fs::read(&file).expect("a readable input");
        let outcome = std::panic::catch_unwind(|| targets::run(target, &data));
        assert!(outcome.is_ok(), "{target} fails on {}", file.display());
    }
}

#[test]
fn container() {
    replay("container");
}

#[test]
fn manifest() {
    replay("manifest");
}

#[test]
fn file_table() {
    replay("file_table");
}

#[test]
fn payload_index() {
    replay("payload_index");
}

#[test]
fn tst_info() {
    replay("tst_info");
}

#[test]
fn cms() {
    replay("cms");
}

#[test]
fn identities() {
    replay("identities");
}

/// A target without a test above would be replayed by nobody, one without a program fuzzed by nobody.
#[test]
fn every_target_is_replayed_and_fuzzed() {
    let tests = include_str!("main.rs");
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    for (name, _) in targets::TARGETS {
        assert!(tests.contains(&format!("replay(\"{name}\");")), "{name}");
        let program = std::fs::read_to_string(programs.join(format!("{name}.rs")));
        let call = format!("targets::run(\"{name}\", data)");
        assert!(program.is_ok_and(|text| text.contains(&call)), "{name}");
    }
    let programs = std::fs::read_dir(programs).expect("the programs");
    assert_eq!(programs.count(), targets::TARGETS.len());
}
