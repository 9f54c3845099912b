use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::world::{World, image, name};
use crate::payload::EntryPath;
use crate::progress::Silent;
use crate::system::{Choice, Conflicts, Lists, resolve};

const LINES: &str = "one\ntwo\nthree\nfour\nfive\n";

fn path(text: &str) -> EntryPath {
    EntryPath::new(text.as_bytes()).unwrap()
}

fn conflicts(world: &World, environment: &str) -> Vec<String> {
    let conflicts = Conflicts::open(&world.system, &name(environment)).unwrap();
    let list = conflicts.list().iter();
    list.map(|conflict| format!("{} {}", conflict.path, conflict.kind.name()))
        .collect()
}

#[test]
fn changes_here_and_in_the_image_go_together() {
    let world = World::new();
    let none = Lists::default();
    let one = image(&[
        ("etc/conf", LINES),
        ("etc/only", "1"),
        ("etc/gone", "1"),
        ("etc/deleted", "1"),
        ("etc/d/x", "1"),
        ("etc/link", "->a"),
    ]);
    world.install("one", None, &one, &none);
    world.write("one", "etc/conf", &LINES.replace("one", "ONE"));
    world.write("one", "etc/mine/key", "secret");
    fs::set_permissions(
        world.path("one", "etc/mine/key"),
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    fs::set_permissions(
        world.path("one", "etc/only"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    fs::remove_file(world.path("one", "etc/deleted")).unwrap();
    let two = image(&[
        ("etc/conf", &LINES.replace("five", "FIVE")),
        ("etc/only", "2"),
        ("etc/deleted", "1"),
        ("etc/link", "->b"),
        ("etc/new", "n"),
    ]);
    let report = world.install("two", Some("one"), &two, &none);
    assert_eq!(report.conflicts, []);
    let merged = "ONE\ntwo\nthree\nfour\nFIVE\n";
    assert_eq!(world.read("two", "etc/conf"), merged);
    assert_eq!(world.read("two", "etc/only"), "2");
    let mode = |path: &str| {
        fs::metadata(world.path("two", path))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("etc/only") & 0o777, 0o640);
    assert_eq!(mode("etc/mine/key") & 0o777, 0o600);
    assert_eq!(
        world.names("two"),
        [
            "etc/conf",
            "etc/link",
            "etc/mine/key",
            "etc/new",
            "etc/only"
        ]
    );
    assert_eq!(
        fs::read_link(world.path("two", "etc/link")).unwrap(),
        Path::new("b")
    );
    let changed: Vec<_> = report.changed.keys().map(EntryPath::to_text).collect();
    assert_eq!(changed, ["etc/conf", "etc/deleted", "etc/only"]);

    // The next merge knows what this image had, not what came of it.
    let three = image(&[
        ("etc/conf", &LINES.replace("three", "THREE")),
        ("etc/link", "->b"),
        ("etc/only", "2"),
        ("etc/new", "n"),
    ]);
    let report = world.install("three", Some("two"), &three, &none);
    assert_eq!(report.conflicts, []);
    assert_eq!(
        world.read("three", "etc/conf"),
        "ONE\ntwo\nTHREE\nfour\nfive\n"
    );
    assert!(!world.path("three", "etc/deleted").exists());
}

#[test]
fn a_conflict_keeps_what_was_here_until_somebody_decides() {
    let world = World::new();
    let none = Lists::default();
    world.install(
        "one",
        None,
        &image(&[
            ("etc/a", LINES),
            ("etc/b", "1"),
            ("etc/c", "1"),
            ("etc/e", "\0"),
        ]),
        &none,
    );
    world.write("one", "etc/a", &LINES.replace("two", "mine"));
    fs::remove_file(world.path("one", "etc/b")).unwrap();
    world.write("one", "etc/c", "mine");
    world.write("one", "etc/d", "mine");
    world.write("one", "etc/e", "\0mine");
    let two = image(&[
        ("etc/a", &LINES.replace("two", "theirs")),
        ("etc/b", "2"),
        ("etc/d", "2"),
        ("etc/e", "\0theirs"),
    ]);
    let report = world.install("two", Some("one"), &two, &none);
    let listed = [
        "etc/a changed",
        "etc/b removed-here",
        "etc/c removed-there",
        "etc/d added",
        "etc/e no-text",
    ];
    assert_eq!(conflicts(&world, "two"), listed);
    assert_eq!(report.conflicts.len(), 5);
    assert!(world.read("two", "etc/a").contains("mine"));
    assert_eq!(world.names("two"), ["etc/a", "etc/c", "etc/d", "etc/e"]);
    let list = Conflicts::open(&world.system, &name("two")).unwrap();
    let marked = world
        .home
        .path()
        .join("system")
        .join(list.text_of(&path("etc/a")));
    let text = fs::read_to_string(&marked).unwrap();
    for part in ["<<<<<<< ", "mine", "theirs", ">>>>>>> "] {
        assert!(text.contains(part), "{text}");
    }

    let decide = |at: &str, choice| resolve(&world.system, &name("two"), &path(at), choice);
    let from = Path::new("edited");
    let text = text.into_bytes();
    let error = decide("etc/a", Choice::Text { text: &text, from }).unwrap_err();
    assert_eq!(error.code(), "E_CONFLICT_MARKER");
    assert!(error.to_string().contains("line 2 of edited"), "{error}");
    let text = b"both\n";
    decide("etc/a", Choice::Text { text, from }).unwrap();
    assert_eq!(world.read("two", "etc/a"), "both\n");
    assert!(!marked.exists());
    decide("etc/b", Choice::Theirs).unwrap();
    assert_eq!(world.read("two", "etc/b"), "2");
    decide("etc/c", Choice::Theirs).unwrap();
    assert!(!world.path("two", "etc/c").exists());
    decide("etc/d", Choice::Ours).unwrap();
    assert_eq!(world.read("two", "etc/d"), "mine");
    assert_eq!(
        decide("etc/d", Choice::Ours).unwrap_err().code(),
        "E_NO_CONFLICT"
    );
    assert_eq!(conflicts(&world, "two"), ["etc/e no-text"]);
    decide("etc/e", Choice::Theirs).unwrap();
    assert_eq!(
        fs::read_dir(world.home.path().join("system/conflicts"))
            .unwrap()
            .count(),
        0
    );
    let record = world.system.record(&name("two")).unwrap().unwrap();
    let digest = crate::digest::Sha256Digest::of(b"both\n");
    assert_eq!(record.carried[&path("etc/a")], Some(digest));
}

#[test]
fn without_a_base_nothing_is_lost_and_everything_that_differs_is_told() {
    let world = World::new();
    let none = Lists::default();
    // A system that was never installed from a package.
    drop(
        world
            .system
            .storage()
            .begin(&name("one"), None, &Silent)
            .unwrap(),
    );
    world.system.storage().finish(&name("one")).unwrap();
    for (at, text) in [("etc/same", "s"), ("etc/mine", "m"), ("etc/differs", "m")] {
        world.write("one", at, text);
    }
    let two = image(&[("etc/same", "s"), ("etc/differs", "2"), ("etc/new", "n")]);
    world.install("two", Some("one"), &two, &none);
    assert_eq!(conflicts(&world, "two"), ["etc/differs no-base"]);
    assert_eq!(world.read("two", "etc/differs"), "m");
    assert_eq!(
        world.names("two"),
        ["etc/differs", "etc/mine", "etc/new", "etc/same"]
    );
}

#[test]
fn leftovers_of_an_attempt_are_of_no_account() {
    let world = World::new();
    let one = image(&[("etc/a", "1")]);
    world.install("one", None, &one, &Lists::default());
    let root = world.home.path().join("system");
    for left in [
        "base/two/etc/a",
        "base/.two.new/x",
        "conflicts/two/conflicts.json",
        "conflicts/.two.new/x",
    ] {
        let left = root.join(left);
        fs::create_dir_all(left.parent().unwrap()).unwrap();
        fs::write(left, "left").unwrap();
    }
    world.write("one", "etc/a", "mine");
    let report = world.install(
        "two",
        Some("one"),
        &image(&[("etc/a", "1")]),
        &Lists::default(),
    );
    assert_eq!(report.conflicts, []);
    assert_eq!(world.read("two", "etc/a"), "mine");
    assert_eq!(
        fs::read_to_string(root.join("base/two/etc/a")).unwrap(),
        "1"
    );
    assert_eq!(fs::read_dir(root.join("conflicts")).unwrap().count(), 0);
}

#[test]
fn what_is_skipped_is_not_merged() {
    let world = World::new();
    world.install(
        "one",
        None,
        &image(&[("etc/a", "1"), ("etc/b", "1")]),
        &Lists::default(),
    );
    world.write("one", "etc/a", "mine");
    let two = image(&[("etc/a", "2"), ("etc/b", "2")]);
    let report = world.install("two", Some("one"), &two, &super::world::lists("etc/a", ""));
    assert_eq!(report.conflicts, []);
    assert_eq!(
        (world.read("two", "etc/a"), world.read("two", "etc/b")),
        ("mine".into(), "2".into())
    );
}

#[test]
fn a_list_of_conflicts_that_is_damaged_is_refused() {
    let world = World::new();
    world.install("one", None, &image(&[("etc/a", "1")]), &Lists::default());
    let directory = world.home.path().join("system/conflicts/one");
    fs::create_dir(&directory).unwrap();
    for text in [
        "",
        "{}",
        "{\"schema\":2,\"environment\":\"one\",\"from\":null,\"conflicts\":[]}",
        "{\"schema\":1,\"environment\":\"two\",\"from\":null,\"conflicts\":[]}",
        "{\"schema\":1,\"environment\":\"one\",\"from\":null,\"conflicts\":[{\"path\":\"../x\",\"kind\":\"added\"}]}",
    ] {
        fs::write(directory.join("conflicts.json"), text).unwrap();
        let error = Conflicts::open(&world.system, &name("one")).unwrap_err();
        assert_eq!(error.code(), "E_CONFLICT_LIST", "{text}");
    }
}
