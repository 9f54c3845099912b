//! Several at once.

use std::sync::Barrier;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use isi_catalog::catalog::{Access, Catalog, Context, ImportRequest, ListRequest, Outcome, Source};
use isi_catalog::fsio::open_regular;
use isi_catalog::progress::{Progress, Silent};

use crate::world::{Bench, Kit, context, expect_sound, import, open, world};

#[test]
fn many_writers_at_once_all_succeed() {
    let bench = Bench::new();
    let packages: Vec<_> = (0..8)
        .map(|n| bench.package(Kit::named(&format!("p{n}"))))
        .collect();
    world();
    let barrier = Barrier::new(packages.len());
    std::thread::scope(|scope| {
        for path in &packages {
            scope.spawn(|| {
                barrier.wait();
                let import = import(&mut bench.open(), path).unwrap();
                assert_eq!(import.outcome, Outcome::Added);
            });
        }
    });
    assert_eq!(bench.open().ids().unwrap().len(), packages.len());
    assert_eq!(bench.open().events(None).unwrap().len(), packages.len());
    expect_sound(&bench.root());
}

#[test]
fn the_same_package_by_many_at_once_is_added_once() {
    let bench = Bench::new();
    let path = bench.package(Kit::default());
    world();
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let outcome = import(&mut bench.open(), &path).unwrap().outcome;
                outcomes.lock().unwrap().push(outcome);
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    let added = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Added)
        .count();
    assert_eq!(added, 1, "{outcomes:?}");
    assert_eq!(bench.open().events(None).unwrap().len(), 1, "{outcomes:?}");
    expect_sound(&bench.root());
}

/// Stands still at its first step until it is told to go on.
struct Pause {
    begun: SyncSender<()>,
    go_on: Mutex<Receiver<()>>,
    once: std::sync::Once,
}

impl Progress for Pause {
    fn begin(&self, _name: &str, _total: u64) {
        self.once.call_once(|| {
            self.begun.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        });
    }

    fn advance(&self, _bytes: u64) {}
}

#[test]
fn readers_and_other_writers_do_not_wait_for_a_long_import() {
    let bench = Bench::new();
    bench.imported(Kit::default());
    let (long, short) = (
        bench.package(Kit::named("long")),
        bench.package(Kit::named("short")),
    );
    let ((begun, has_begun), (go_on, told)) = (sync_channel(1), sync_channel(1));
    let pause = Pause {
        begun,
        go_on: Mutex::new(told),
        once: std::sync::Once::new(),
    };
    std::thread::scope(|scope| {
        let importing = scope.spawn(|| {
            let source = open_regular(&long).unwrap();
            let request = ImportRequest {
                label: &long,
                trust: &world().trust,
                unsigned: None,
            };
            let context = Context {
                progress: &pause,
                ..context()
            };
            bench
                .open()
                .import(Source::File(&source), &request, &context)
                .unwrap()
        });
        has_begun.recv().unwrap();
        let impatient = |access| Catalog::open(&bench.root(), access, Duration::ZERO, &Silent);
        let mut reader = impatient(Access::Read).unwrap();
        assert_eq!(reader.list(&ListRequest::default()).unwrap().total, 1);
        let mut writer = impatient(Access::Write).unwrap();
        assert_eq!(import(&mut writer, &short).unwrap().outcome, Outcome::Added);
        go_on.send(()).unwrap();
        assert_eq!(importing.join().unwrap().outcome, Outcome::Added);
        assert_eq!(reader.list(&ListRequest::default()).unwrap().total, 3);
    });
    expect_sound(&bench.root());
}

#[test]
fn a_writer_that_waits_in_vain_says_for_what_and_leaves_nothing() {
    let bench = Bench::new();
    bench.imported(Kit::default());
    let path = bench.package(Kit::named("other"));
    let mut catalog = Catalog::open(
        &bench.root(),
        Access::Write,
        Duration::from_millis(50),
        &Silent,
    )
    .unwrap();
    let lock = std::fs::File::open(bench.root().join("lock")).unwrap();
    lock.lock().unwrap();
    let start = Instant::now();
    let error = import(&mut catalog, &path).unwrap_err();
    assert_eq!(error.code(), "E_LOCKED");
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert!(error.to_string().contains("catalog/lock"), "{error}");
    lock.unlock().unwrap();
    import(&mut catalog, &path).unwrap();
    assert_eq!(
        std::fs::read_dir(bench.root().join("incoming"))
            .unwrap()
            .count(),
        0
    );
    open(&bench.root(), Access::Read).unwrap();
}
