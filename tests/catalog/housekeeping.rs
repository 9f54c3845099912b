//! What takes things out of the catalog: `remove` and `clean`, and the references that forbid it.

use std::path::Path;
use std::process::{Command, Stdio};

use isi_catalog::catalog::{
    Access, Catalog, CleanSets, Context, Discard, ImportRequest, Outcome, ReferenceKind, Source,
};
use isi_catalog::digest::{IdPrefix, PackageId};
use isi_catalog::progress::Progress;

use crate::place::{Mounted, occupy};
use crate::world::{
    Bench, Kit, context, digest_of, expect_sound, import, open, rows, tree, tree_of_files, world,
};

fn prefix(id: &PackageId) -> IdPrefix {
    id.to_string().parse().unwrap()
}

fn added(bench: &Bench, name: &str) -> PackageId {
    let (_, import) = bench.imported(Kit::named(name));
    import.artifact.id
}

fn directory(root: &Path, id: &PackageId) -> std::path::PathBuf {
    let text = id.to_string();
    root.join("artifacts").join(&text[..2]).join(&text)
}

fn kinds(catalog: &mut Catalog) -> Vec<String> {
    let events = catalog.events(None).unwrap().into_iter();
    events.map(|event| event.kind).collect()
}

#[test]
fn what_is_removed_is_what_was_planned_and_nothing_of_it_is_left() {
    let bench = Bench::new();
    let (path, import_of_first) = bench.imported(Kit::named("first"));
    let (first, second) = (import_of_first.artifact.id, added(&bench, "second"));
    let kept = added(&bench, "kept");
    let mut catalog = bench.open();
    let before = tree(&bench.root());
    let ids = [prefix(&second), prefix(&first), prefix(&second)];
    let plan = catalog.plan_removal(&ids).unwrap();
    assert_eq!(tree(&bench.root()), before);
    let removed = catalog.remove(&ids, &context()).unwrap();
    assert_eq!(removed, plan);
    let found: Vec<_> = removed.iter().map(Discard::bytes).collect();
    assert!(found.len() == 2 && found.iter().all(|bytes| *bytes > 0));
    let listed: Vec<_> = catalog
        .ids()
        .unwrap()
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    assert_eq!(listed, [kept]);
    let text = rows(&bench.root()).join("\n");
    assert!(
        !text.contains("first") && !text.contains("second"),
        "{text}"
    );
    for id in [first, second] {
        assert!(!directory(&bench.root(), &id).exists());
    }
    assert_eq!(
        std::fs::read_dir(bench.root().join("incoming"))
            .unwrap()
            .count(),
        0
    );
    let log = kinds(&mut catalog);
    assert_eq!(log, ["import", "import", "import", "remove", "remove"]);
    let cleaned = catalog.clean(CleanSets::ALL, &context()).unwrap();
    assert_eq!(cleaned.items, []);
    expect_sound(&bench.root());
    // And it can come back.
    let outcome = import(&mut bench.open(), &path).unwrap().outcome;
    assert_eq!(outcome, Outcome::Added);
}

#[test]
fn the_last_artifact_takes_its_signers_with_it() {
    let bench = Bench::new();
    let id = added(&bench, "only");
    bench.open().remove(&[prefix(&id)], &context()).unwrap();
    assert_eq!(rows(&bench.root()), [""; 0]);
}

#[test]
fn all_are_removed_or_none() {
    let bench = Bench::new();
    let (free, needed) = (added(&bench, "free"), added(&bench, "needed"));
    let mut catalog = bench.open();
    let image = ReferenceKind::CommittedImage;
    catalog
        .hold_reference(&needed, image, "system", "is running", &context())
        .unwrap();
    let before = tree(&bench.root());
    let unknown: IdPrefix = "0".repeat(64).parse().unwrap();
    for (other, code) in [(prefix(&needed), "E_REFERENCED"), (unknown, "E_UNKNOWN_ID")] {
        let ids = [prefix(&free), other];
        let error = catalog.remove(&ids, &context()).unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(catalog.plan_removal(&ids).unwrap_err().code(), code);
        if code == "E_REFERENCED" {
            let said = error.to_string();
            assert!(
                said.contains("committed-image of system: is running"),
                "{said}"
            );
        }
    }
    assert_eq!(tree(&bench.root()), before);
    catalog
        .release_reference(&needed, image, "system", "replaced", &context())
        .unwrap();
    catalog
        .remove(&[prefix(&free), prefix(&needed)], &context())
        .unwrap();
    expect_sound(&bench.root());
}

#[test]
fn an_artifact_whose_file_is_missing_can_be_removed() {
    let bench = Bench::new();
    let id = added(&bench, "gone");
    std::fs::remove_dir_all(directory(&bench.root(), &id)).unwrap();
    let removed = bench.open().remove(&[prefix(&id)], &context()).unwrap();
    assert_eq!(Discard::total(&removed), 0);
    expect_sound(&bench.root());
}

#[test]
fn two_who_remove_the_same_do_it_once() {
    let bench = Bench::new();
    let id = added(&bench, "fought over");
    let removed = std::sync::Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| match bench.open().remove(&[prefix(&id)], &context()) {
                Ok(_) => *removed.lock().unwrap() += 1,
                Err(error) => assert_eq!(error.code(), "E_UNKNOWN_ID"),
            });
        }
    });
    assert_eq!(removed.into_inner().unwrap(), 1);
    assert_eq!(kinds(&mut bench.open()), ["import", "remove"]);
    expect_sound(&bench.root());
}

/// A catalog with something of every set, and the names that are to stay.
fn littered(bench: &Bench) -> (PackageId, PackageId, [String; 3]) {
    let root = bench.root();
    added(bench, "sound");
    let (dangling, needed) = (added(bench, "dangling"), added(bench, "needed"));
    bench
        .open()
        .hold_reference(&needed, ReferenceKind::Pin, "me", "mine", &context())
        .unwrap();
    for id in [dangling, needed] {
        let directory = directory(&root, &id);
        std::fs::remove_dir_all(&directory).unwrap();
        // Another artifact may be there.
        drop(std::fs::remove_dir(directory.parent().unwrap()));
    }
    let shards = (0..16).map(|number| format!("{number:02x}"));
    let mut free = shards.filter(|shard| !root.join("artifacts").join(shard).exists());
    let [a, b, c] = std::array::from_fn(|_| free.next().unwrap());
    let (one, two) = ("1".repeat(62), "2".repeat(62));
    for (name, bytes) in [
        (format!("artifacts/{a}/{a}{one}/package.isi"), 1000),
        ("incoming/77-0/package.isi".to_owned(), 100),
        ("incoming/trash-77-0/package.isi".to_owned(), 10),
        ("incoming/stray".to_owned(), 1),
        (format!("artifacts/{b}/{b}{two}/package.isi"), 7),
        (format!("artifacts/{b}/{b}{two}/more"), 7),
        (format!("artifacts/{b}/{a}{two}/package.isi"), 7),
        (format!("artifacts/{b}/notes"), 7),
        ("artifacts/README".to_owned(), 7),
    ] {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, vec![0; bytes]).unwrap();
    }
    for empty in [&format!("artifacts/{c}"), "incoming/77-1"] {
        std::fs::create_dir(root.join(empty)).unwrap();
    }
    (dangling, needed, [a, b, c])
}

const SETS: [CleanSets; 3] = [
    CleanSets {
        orphans: true,
        dangling: false,
        leftovers: false,
    },
    CleanSets {
        orphans: false,
        dangling: true,
        leftovers: false,
    },
    CleanSets {
        orphans: false,
        dangling: false,
        leftovers: true,
    },
];

#[test]
fn each_set_is_cleaned_as_planned_and_what_is_foreign_is_left_alone() {
    let bench = Bench::new();
    let (dangling, needed, [a, b, c]) = littered(&bench);
    let mut catalog = bench.open();
    let mut bytes = Vec::new();
    for sets in SETS {
        let before = tree(&bench.root());
        let plan = catalog.plan_cleaning(sets, &context()).unwrap();
        assert_eq!(tree(&bench.root()), before);
        let cleaned = catalog.clean(sets, &context()).unwrap();
        assert_eq!(cleaned, plan);
        let count = cleaned.items.len();
        bytes.push((count, Discard::total(&cleaned.items), cleaned.foreign.len()));
    }
    // An orphan and an empty directory; the row; two directories, a file and an empty one.
    assert_eq!(bytes, [(2, 1000, 4), (1, 0, 4), (4, 111, 4)]);
    assert!(catalog.find(&dangling).unwrap().is_none());
    assert!(catalog.find(&needed).unwrap().is_some());
    let names: Vec<_> = tree_of_files(&bench.root()).into_keys().collect();
    let left = |part: &str| names.iter().filter(|name| name.starts_with(part)).count();
    let artifacts = |name: &str| left(&format!("artifacts/{name}"));
    assert_eq!((left("incoming"), artifacts(&a), artifacts(&c)), (1, 0, 0));
    assert_eq!((artifacts(&b), artifacts("README")), (7, 1));
    let log = kinds(&mut catalog);
    assert_eq!(&log[4..], ["clean", "lost", "clean", "clean"]);
    assert_eq!(catalog.clean(CleanSets::ALL, &context()).unwrap().items, []);
    assert_eq!(kinds(&mut catalog), log, "nothing done, nothing told");
    assert_eq!(catalog.verify_events(context().progress).unwrap(), []);
}

/// Cleans the catalog in the middle of an import.
struct Cleaner<'a>(&'a Bench);

impl Progress for Cleaner<'_> {
    fn begin(&self, _name: &str, _total: u64) {
        let mut catalog = self.0.open();
        assert_eq!(
            catalog
                .plan_cleaning(CleanSets::ALL, &context())
                .unwrap()
                .items,
            []
        );
        assert_eq!(catalog.clean(CleanSets::ALL, &context()).unwrap().items, []);
    }

    fn advance(&self, _bytes: u64) {}
}

#[test]
fn an_import_under_way_is_not_taken_for_a_leftover() {
    let bench = Bench::new();
    let path = bench.package(Kit::default());
    let source = isi_catalog::fsio::open_regular(&path).unwrap();
    let request = ImportRequest {
        label: &path,
        trust: &world().trust,
        unsigned: None,
    };
    let cleaner = Cleaner(&bench);
    let context = Context {
        progress: &cleaner,
        ..context()
    };
    let imported = bench
        .open()
        .import(Source::File(&source), &request, &context)
        .unwrap();
    assert_eq!(imported.outcome, Outcome::Added);
    expect_sound(&bench.root());
}

#[test]
fn a_full_disk_is_made_room_on_by_cleaning_and_stops_nothing_halfway() {
    let bench = Bench::new();
    let mount = bench.path("small");
    let Some(_mounted) = Mounted::tmpfs(&mount, "8m") else {
        return;
    };
    let root = mount.join("catalog");
    let small = bench.package(Kit::default());
    let id = import(&mut open(&root, Access::Write).unwrap(), &small).unwrap();
    let id = prefix(&id.artifact.id);
    std::fs::create_dir(root.join("incoming/1-0")).unwrap();
    occupy(&root.join("incoming/1-0/package.isi"), 1 << 20);
    let ballast = mount.join("ballast");
    // Ends when the disk is full.
    drop(std::fs::write(&ballast, vec![1; 8 << 20]));
    // Nothing opens what is cleaned: it would take room until each process that another test is just
    // starting, and that has it open for a moment, too, is another program.
    let seen = || {
        let files = ["catalog.db", "events.jsonl"].map(|name| digest_of(&root.join(name)));
        let mut left = std::fs::read_dir(root.join("incoming")).unwrap();
        assert!(left.next().unwrap().unwrap().file_name() == "1-0" && left.next().is_none());
        (tree(&root.join("artifacts")), files, rows(&root))
    };
    let before = seen();
    let mut catalog = open(&root, Access::Write).unwrap();
    let error = catalog.remove(&[id], &context()).unwrap_err();
    assert_eq!(error.code(), "E_NO_SPACE", "{error}");
    assert_eq!(seen(), before);
    let cleaned = catalog.clean(CleanSets::ALL, &context()).unwrap();
    assert_eq!(Discard::total(&cleaned.items), 1 << 20);
    assert_eq!(kinds(&mut catalog), ["import", "clean"]);
    expect_sound(&root);
}

#[test]
fn a_read_only_catalog_can_be_planned_on_and_not_changed() {
    let bench = Bench::new();
    let root = bench.path("frozen");
    let Some(mounted) = Mounted::tmpfs(&root, "8m") else {
        return;
    };
    let small = bench.package(Kit::default());
    let id = import(&mut open(&root, Access::Write).unwrap(), &small).unwrap();
    let id = id.artifact.id;
    std::fs::write(root.join("incoming/stray"), b"x").unwrap();
    mounted.remount("ro");
    let before = tree(&root);
    let mut catalog = open(&root, Access::Read).unwrap();
    assert_eq!(catalog.plan_removal(&[prefix(&id)]).unwrap().len(), 1);
    let plan = catalog.plan_cleaning(CleanSets::ALL, &context()).unwrap();
    assert_eq!(plan.items.len(), 1);
    let pin = ReferenceKind::Pin;
    for error in [
        catalog.remove(&[prefix(&id)], &context()).map(drop),
        catalog.clean(CleanSets::ALL, &context()).map(drop),
        catalog
            .hold_reference(&id, pin, "me", "mine", &context())
            .map(drop),
    ] {
        assert_eq!(error.unwrap_err().code(), "E_IO");
    }
    assert_eq!(tree(&root), before);
}

/// Everything a change of the catalog is made of.
const CALLS: &str = "pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat,renameat2,mkdirat";

/// Runs a command and kills it at the `when`th of these calls; whether it was killed.
fn killed(root: &Path, arguments: &[&str], when: usize) -> bool {
    let status = Command::new("strace")
        .args([
            "-f",
            "-qqq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={CALLS}"),
        ])
        .args(["-e", &format!("inject={CALLS}:signal=KILL:when={when}")])
        .arg(env!("CARGO_BIN_EXE_isi"))
        .args(["upgrade", "catalog"])
        .args(arguments)
        .arg("--catalog")
        .arg(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

#[test]
fn a_kill_at_any_call_leaves_all_or_nothing_and_no_more_than_leftovers() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: strace is not there, nothing is killed at its calls");
        return;
    }
    let bench = Bench::new();
    let id = added(&bench, "victim");
    added(&bench, "bystander");
    std::fs::create_dir(bench.root().join("incoming/1-0")).unwrap();
    std::fs::write(bench.root().join("incoming/1-0/package.isi"), b"x").unwrap();
    let text = id.to_string();
    let copy = bench.path("copy");
    let mut points = 0;
    for arguments in [
        &["remove", "--force", "--id", &text][..],
        &["clean", "--force"],
        &["pin", "--reason", "mine", "--id", &text],
    ] {
        let mut alive = false;
        for when in 1..400 {
            let status = Command::new("cp")
                .arg("-a")
                .arg(bench.root())
                .arg(&copy)
                .status();
            assert!(status.unwrap().success());
            alive = !killed(&copy, arguments, when);
            expect_sound(&copy);
            let mut catalog = open(&copy, Access::Write).unwrap();
            let done = match arguments[0] {
                "remove" => catalog.find(&id).unwrap().is_none(),
                "pin" => !catalog.references(&id).unwrap().is_empty(),
                _ => !copy.join("incoming/1-0").exists(),
            };
            assert!(done || !alive, "{arguments:?} {when}");
            if arguments[0] == "remove" && !done {
                catalog.remove(&[prefix(&id)], &context()).unwrap();
            }
            let cleaned = catalog.clean(CleanSets::ALL, &context()).unwrap();
            assert_eq!(cleaned.foreign, [""; 0]);
            let plan = catalog.plan_cleaning(CleanSets::ALL, &context()).unwrap();
            assert_eq!(plan.items, [], "{arguments:?} {when}");
            expect_sound(&copy);
            std::fs::remove_dir_all(&copy).unwrap();
            if alive {
                break;
            }
            points += 1;
        }
        assert!(alive, "{arguments:?} never came to its end");
    }
    assert!(points > 40, "{points}");
    eprintln!("{points} kill points");
}
