//! Imports that fail: one clear refusal, and the catalog as it was.

use std::fs::File;
use std::path::Path;

use isi_catalog::catalog::{Access, CatalogError, Context, ImportRequest, Source};
use isi_catalog::progress::Progress;
use jiff::Timestamp;

use crate::world::{
    Bench, Kit, World, context, expect_sound, import, import_as, import_file, open, rows, tree,
    tree_of_files, world,
};

/// A catalog with one package, and another package to spoil.
fn bench() -> (Bench, Vec<u8>) {
    let bench = Bench::new();
    bench.imported(Kit::default());
    let path = bench.package(Kit::named("other"));
    let bytes = std::fs::read(path).unwrap();
    (bench, bytes)
}

fn try_bytes(bench: &Bench, bytes: &[u8]) -> CatalogError {
    let path = bench.path("spoilt.isi");
    std::fs::write(&path, bytes).unwrap();
    let error = import(&mut bench.open(), &path).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    error
}

#[test]
fn what_is_no_package_leaves_the_catalog_byte_for_byte_as_it_was() {
    let (bench, bytes) = bench();
    let before = tree(&bench.root());
    let mut longer = bytes.clone();
    longer.push(0);
    for (name, input) in [
        ("empty", Vec::new()),
        ("text", b"not a package\n".repeat(100)),
        ("truncated", bytes[..bytes.len() - 1].to_vec()),
        ("half", bytes[..bytes.len() / 2].to_vec()),
        ("longer", longer),
    ] {
        let error = try_bytes(&bench, &input);
        assert!(error.code().starts_with("E_"), "{name}: {error}");
        assert_eq!(tree(&bench.root()), before, "{name}");
    }
    expect_sound(&bench.root());
}

#[test]
fn a_package_that_is_not_trusted_leaves_nothing_but_an_event() {
    let (bench, bytes) = bench();
    let (files, table) = (tree_of_files(&bench.root()), rows(&bench.root()));
    let mut damaged = bytes.clone();
    damaged[10] ^= 1;
    assert_eq!(try_bytes(&bench, &damaged).code(), "E_HASH_MISMATCH");
    let sibling = world().make(&bench.path("sibling.isi"), Kit::named("s"), Some("sibling"));
    let error = import(&mut bench.open(), &sibling).unwrap_err();
    let sibling_code = error.code().to_owned();
    assert!(matches!(error, CatalogError::Verify { .. }), "{error}");
    let stranger = World::new();
    let own = bench.package(Kit::named("own"));
    let error = import_as(&mut bench.open(), &own, &stranger.trust, None).unwrap_err();
    let stranger_code = error.code().to_owned();
    assert_eq!(tree_of_files(&bench.root()), files);
    assert_eq!(rows(&bench.root()), table);
    let events = bench.open().events(None).unwrap();
    let told: Vec<_> = (events.iter().skip(1))
        .map(|event| (&*event.kind, event.details["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("import-refused", "E_HASH_MISMATCH"),
            ("import-refused", &*sibling_code),
            ("import-refused", &*stranger_code),
        ]
    );
    assert_eq!(events[2].details["package"], "given.isi");
    expect_sound(&bench.root());
}

#[test]
fn a_clock_before_2020_is_refused() {
    let (bench, _) = bench();
    let before = tree(&bench.root());
    let source = File::open(bench.path("other-9.4.0.0.isi")).unwrap();
    let request = ImportRequest {
        label: Path::new("x"),
        trust: &world().trust,
        unsigned: None,
    };
    for (second, refused) in [(1_577_836_799, true), (1_577_836_800, false)] {
        let context = Context {
            now: Timestamp::from_second(second).unwrap(),
            ..context()
        };
        let error = bench
            .open()
            .import(Source::File(&source), &request, &context)
            .unwrap_err();
        assert_eq!(error.code() == "E_CLOCK", refused, "{error}");
        if refused {
            assert_eq!(tree(&bench.root()), before);
        }
    }
}

/// Wants to stop as soon as a step begins.
struct Stop;

impl Progress for Stop {
    fn begin(&self, _name: &str, _total: u64) {}

    fn advance(&self, _bytes: u64) {}

    fn cancelled(&self) -> bool {
        true
    }
}

#[test]
fn stopping_leaves_nothing() {
    let (bench, _) = bench();
    let before = tree(&bench.root());
    let source = File::open(bench.path("other-9.4.0.0.isi")).unwrap();
    let request = ImportRequest {
        label: Path::new("x"),
        trust: &world().trust,
        unsigned: None,
    };
    let context = Context {
        progress: &Stop,
        ..context()
    };
    let error = bench
        .open()
        .import(Source::File(&source), &request, &context)
        .unwrap_err();
    assert_eq!(error.code(), "E_CANCELLED");
    assert_eq!(tree(&bench.root()), before);
}

#[test]
fn c13_special_files_are_refused_without_waiting() {
    let (bench, _) = bench();
    let before = tree(&bench.root());
    let fifo = bench.path("fifo");
    let made = std::process::Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .unwrap();
    assert!(made.success());
    // Held open for reading and writing, so that nobody has to wait for the other side.
    let held = File::options().read(true).write(true).open(&fifo).unwrap();
    let directory = File::open(bench.root()).unwrap();
    let zero = File::open("/dev/zero").unwrap();
    for (name, source) in [("fifo", held), ("directory", directory), ("zero", zero)] {
        let error = import_file(&mut bench.open(), &source, &world().trust, None).unwrap_err();
        assert_eq!(error.code(), "E_NOT_REGULAR", "{name}");
        assert_eq!(tree(&bench.root()), before, "{name}");
    }
    for path in [
        &*fifo,
        Path::new("/dev/zero"),
        Path::new("/dev/null"),
        &bench.root(),
    ] {
        let error = import(&mut bench.open(), path).unwrap_err();
        assert_eq!(error.code(), "E_NOT_REGULAR", "{}", path.display());
    }
    let link = bench.path("loop");
    std::os::unix::fs::symlink(&link, &link).unwrap();
    assert_eq!(import(&mut bench.open(), &link).unwrap_err().code(), "E_IO");
    assert_eq!(tree(&bench.root()), before);
    let proc = import(&mut bench.open(), Path::new("/proc/self/status")).unwrap_err();
    assert!(proc.code().starts_with("E_"), "{proc}");
    assert_eq!(tree(&bench.root()), before);
}

#[test]
fn a_catalog_that_is_not_there_is_only_made_by_an_import() {
    let bench = Bench::new();
    let error = open(&bench.root(), Access::Read).unwrap_err();
    assert_eq!(error.code(), "E_NO_CATALOG");
    assert!(!bench.root().exists());
}
