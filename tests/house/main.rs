//! Holds the sources to the house rules: which module may use which, which crate may be used where,
//! and what a source file looks like.
//!
//! Every rule takes sources as values and returns its findings, so each has unit tests that plant a
//! violation and see it found. The tests in this file apply the rules to the repository itself.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "reads the repository as it lies on disk, and panics are how a test fails"
)]

mod fences;
mod lexer;
mod listed;
mod order;
mod paths;
mod repository;
mod shape;
mod threats;

use repository::{Problem, Repository};

fn expect_none(problems: &[Problem]) {
    let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(
        list.is_empty(),
        "{} found:\n{}",
        list.len(),
        list.join("\n")
    );
}

#[test]
fn modules_use_only_lower_modules() {
    expect_none(&order::check(&Repository::load().sources));
}

#[test]
fn crates_stay_inside_their_fences() {
    expect_none(&fences::check(&Repository::load().sources));
}

#[test]
fn every_dependency_has_a_fence_or_is_free() {
    expect_none(&fences::check_dependencies(&Repository::load().cargo_toml));
}

#[test]
fn unsafe_code_stays_in_its_files() {
    expect_none(&fences::check_unsafe(&Repository::load().sources));
}

#[test]
fn source_files_are_short() {
    expect_none(&shape::check_length(&Repository::load().sources));
}

#[test]
fn sources_are_ascii() {
    expect_none(&shape::check_ascii(&Repository::load().sources));
}

#[test]
fn modules_say_what_they_are() {
    expect_none(&shape::check_header(&Repository::load().sources));
}

#[test]
fn no_file_names_a_developers_machine() {
    let repository = Repository::load();
    expect_none(&shape::check_machine_paths(
        &repository.texts,
        &Repository::root(),
    ));
}

#[test]
fn no_source_file_is_forgotten() {
    let repository = Repository::load();
    expect_none(&listed::check(&repository.sources, &repository.cargo_toml));
}

#[test]
fn every_threat_has_a_test() {
    expect_none(&threats::check(&Repository::load().sources));
}

/// The rules above would be content with an empty repository; this one is not.
#[test]
fn the_walk_sees_the_repository() {
    let repository = Repository::load();
    for path in ["src/lib.rs", "src/digest.rs", "tests/house/main.rs"] {
        assert!(
            repository.sources.iter().any(|source| source.path == path),
            "{path} was not read"
        );
    }
    assert!(repository.texts.len() > repository.sources.len());
}
