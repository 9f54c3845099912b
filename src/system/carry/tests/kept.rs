use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::world::{World, image, lists, name};
use crate::fsio::Dir;
use crate::payload::EntryPath;
use crate::progress::Silent;
use crate::system::{Lists, bytes_to_carry};

#[test]
fn what_is_of_the_machine_comes_over_and_what_is_of_the_image_is_the_images() {
    let world = World::new();
    let none = Lists::default();
    world.install(
        "one",
        None,
        &image(&[("bin/tool", "1"), ("var/lib/", "")]),
        &none,
    );
    world.write("one", "bin/tool", "changed here");
    world.write("one", "bin/mine", "mine");
    world.write("one", "var/lib/data/x", "data");
    world.write("one", "srv/link", "->/nowhere");
    world.write("one", "tmp/scratch", "gone at a restart");
    let holes = fs::File::create(world.path("one", "srv/holes")).unwrap();
    holes.set_len(1 << 20).unwrap();
    let data = |name: &str| world.path("one", &format!("var/lib/data/{name}"));
    fs::hard_link(data("x"), data("y")).unwrap();
    fs::set_permissions(
        world.path("one", "bin/mine"),
        fs::Permissions::from_mode(0o4711),
    )
    .unwrap();
    let two = image(&[("bin/tool", "2"), ("bin/new", "n"), ("var/lib/", "")]);
    let old = Dir::open(&world.path("one", "")).unwrap();
    // What is not on the disk yet has no blocks there.
    old.sync_file_system().unwrap();
    // Two files, one of them with two names, and three directories; contents only where they are not shared.
    let files = [world.path("one", "bin/mine"), data("x")].map(|path| {
        let blocks = fs::metadata(path).unwrap().blocks();
        (blocks * 512).div_ceil(4096).min(1) * 4096
    });
    let directories = 3 * 4096;
    let expected = if old.shares_blocks().unwrap() {
        directories
    } else {
        directories + files.iter().sum::<u64>()
    };
    let bytes = bytes_to_carry(
        &world.system,
        &name("one"),
        &two.table,
        None,
        &none,
        &Silent,
    );
    assert_eq!(bytes.unwrap(), expected);
    let report = world.install("two", Some("one"), &two, &none);
    assert_eq!(
        world.names("two"),
        [
            "bin/mine",
            "bin/new",
            "bin/tool",
            "srv/holes",
            "srv/link",
            "var/lib/data/x",
            "var/lib/data/y"
        ]
    );
    assert_eq!(world.read("two", "bin/tool"), "2");
    assert_eq!(world.read("two", "var/lib/data/x"), "data");
    let mine = fs::metadata(world.path("two", "bin/mine")).unwrap();
    assert_eq!(mine.mode() & 0o7777, 0o4711);
    let before = fs::metadata(world.path("one", "bin/mine")).unwrap();
    assert_eq!(
        (mine.mtime(), mine.mtime_nsec()),
        (before.mtime(), before.mtime_nsec())
    );
    // The image's own directories keep their times, whatever was put into them.
    let bin = fs::metadata(world.path("two", "bin")).unwrap();
    assert_eq!(bin.mtime(), 1_000_000_000);
    assert!(world.path("two", "tmp").is_dir());
    assert_eq!(report.bytes, (1 << 20) + 3 * 4, "by every name, with holes");
    assert!(
        report.changed.is_empty() && report.conflicts.is_empty(),
        "{report:?}"
    );
}

#[test]
fn the_first_environment_gets_the_image_and_nothing_else() {
    let world = World::new();
    let one = image(&[("etc/a", "1"), ("bin/x", "x")]);
    let report = world.install("one", None, &one, &lists("etc\nbin", "bin/x"));
    assert_eq!(world.names("one"), ["bin/x", "etc/a"]);
    assert_eq!((report.kept, report.changed.len()), (0, 0));
}

#[test]
fn what_is_skipped_is_as_it_was_and_where_it_was_not_it_is_not() {
    let world = World::new();
    let one = image(&[
        ("boot/conf", "1"),
        ("lib/a", "1"),
        ("lib/b", "1"),
        ("opt/d/x", "1"),
    ]);
    world.install("one", None, &one, &Lists::default());
    world.write("one", "boot/conf", "mine");
    fs::remove_file(world.path("one", "lib/b")).unwrap();
    world.write("one", "opt/d/mine", "m");
    fs::remove_file(world.path("one", "opt/d/x")).unwrap();
    let two = image(&[
        ("boot/conf", "2"),
        ("lib/a", "2"),
        ("lib/b", "2"),
        ("opt/d/x", "2"),
        ("opt/d/y/z", "2"),
    ]);
    let report = world.install(
        "two",
        Some("one"),
        &two,
        &lists("boot/*\nlib/b\n./opt/d", ""),
    );
    assert_eq!(world.names("two"), ["boot/conf", "lib/a", "opt/d/mine"]);
    assert_eq!(world.read("two", "boot/conf"), "mine");
    let changed: Vec<_> = report
        .changed
        .iter()
        .map(|(path, digest)| (path.to_text(), digest.is_some()))
        .collect();
    assert_eq!(
        changed,
        [
            ("boot/conf".to_owned(), true),
            ("lib/b".to_owned(), false),
            ("opt/d/x".to_owned(), false),
            ("opt/d/y".to_owned(), false),
            ("opt/d/y/z".to_owned(), false),
        ]
    );
}

#[test]
fn a_hard_link_to_a_skipped_file_is_a_copy() {
    let world = World::new();
    let one = image(&[
        ("etc/keys", "1"),
        ("usr/keys", "=etc/keys"),
        ("lib/a", "1"),
        ("lib/b", "=lib/a"),
    ]);
    world.install("one", None, &one, &Lists::default());
    fs::remove_file(world.path("one", "lib/a")).unwrap();
    world.write("one", "etc/keys", "mine");
    assert_eq!(world.read("one", "usr/keys"), "mine");
    let two = image(&[
        ("etc/keys", "2"),
        ("usr/keys", "=etc/keys"),
        ("lib/a", "2"),
        ("lib/b", "=lib/a"),
    ]);
    world.install("two", Some("one"), &two, &lists("etc/keys\nlib/a", ""));
    assert_eq!(world.read("two", "etc/keys"), "mine");
    assert_eq!(world.read("two", "usr/keys"), "2");
    assert_eq!(world.read("two", "lib/b"), "2");
    assert!(!world.path("two", "lib/a").exists());
}

#[test]
fn names_of_one_file_stay_names_of_one_file() {
    let world = World::new();
    let one = image(&[("bin/x", "x")]);
    world.install("one", None, &one, &Lists::default());
    world.write("one", "srv/a", "data");
    world.write("one", "srv/b", "=srv/a");
    world.install("two", Some("one"), &one, &Lists::default());
    let inode = |path: &str| fs::metadata(world.path("two", path)).unwrap().ino();
    assert_eq!(inode("srv/a"), inode("srv/b"));
    assert_ne!(
        inode("srv/a"),
        fs::metadata(world.path("one", "srv/a")).unwrap().ino()
    );
}

#[test]
fn what_is_obsolete_stays_behind_but_no_directory_with_something_unknown() {
    let world = World::new();
    let one = image(&[
        ("opt/old/a", "1"),
        ("opt/old/b", "1"),
        ("opt/gone/x", "1"),
        ("lib/dead", "1"),
    ]);
    world.install("one", None, &one, &Lists::default());
    world.write("one", "opt/old/mine", "m");
    let two = image(&[("lib/live", "2"), ("opt/", "")]);
    let obsolete = "opt/old/a\nopt/old/b\nopt/gone/x\nlib/dead\nopt/old/\nopt/gone/\nnever/was\n";
    let report = world.install("two", Some("one"), &two, &lists("", obsolete));
    assert_eq!(world.names("two"), ["lib/live", "opt/old/mine"]);
    assert!(!world.path("two", "opt/gone").exists());
    let left: Vec<_> = report.obsolete.iter().map(EntryPath::to_text).collect();
    assert_eq!(
        left,
        [
            "lib/dead",
            "opt/gone",
            "opt/gone/x",
            "opt/old/a",
            "opt/old/b"
        ]
    );
    // A line without a slash is no directory, and one with it is no file.
    let three = image(&[("opt/", "")]);
    world.install(
        "three",
        Some("two"),
        &three,
        &lists("", "opt/old\nopt/old/mine/\n"),
    );
    assert_eq!(world.names("three"), ["lib/live", "opt/old/mine"]);
}

#[test]
fn what_is_skipped_is_not_obsolete() {
    let world = World::new();
    let one = image(&[("opt/a", "1")]);
    world.install("one", None, &one, &Lists::default());
    world.install(
        "two",
        Some("one"),
        &image(&[("bin/", "")]),
        &lists("opt", "opt/a\nopt/\n"),
    );
    assert_eq!(world.names("two"), ["opt/a"]);
}

#[test]
fn what_the_last_image_brought_and_nobody_changed_is_not_carried_on() {
    let world = World::new();
    let one = image(&[
        ("lib/old", "1"),
        ("lib/edited", "1"),
        ("lib/hidden", "1 hidden"),
        ("lib/link", "->old"),
        ("lib/more", "=lib/hidden"),
        ("share/doc/x", "1"),
    ]);
    world.install("one", None, &one, &Lists::default());
    world.write("one", "lib/edited", "edited here");
    // As long and as old as before: only its contents tell.
    let hidden = fs::File::open(world.path("one", "lib/hidden")).unwrap();
    let before = hidden.metadata().unwrap().modified().unwrap();
    world.write("one", "lib/hidden", "2 hidden");
    hidden.set_modified(before).unwrap();
    world.write("one", "share/mine", "m");
    let two = image(&[("bin/x", "2")]);
    world.install_over("two", Some("one"), &two, Some(&one), &Lists::default());
    assert_eq!(
        world.names("two"),
        [
            "bin/x",
            "lib/edited",
            "lib/hidden",
            "lib/more",
            "share/mine"
        ]
    );
    assert_eq!(world.read("two", "lib/more"), "2 hidden");
    assert!(!world.path("two", "share/doc").exists());
}

#[test]
fn what_has_no_directory_any_more_is_told() {
    let world = World::new();
    let one = image(&[("lib/a", "1"), ("usr/lib/", "")]);
    world.install("one", None, &one, &Lists::default());
    world.write("one", "lib/mine/x", "m");
    let two = image(&[("usr/lib/a", "2"), ("lib", "->usr/lib")]);
    let report = world.install_over("two", Some("one"), &two, Some(&one), &Lists::default());
    assert_eq!(world.names("two"), ["lib", "usr/lib/a"]);
    let told: Vec<_> = report
        .conflicts
        .iter()
        .map(|c| (c.path.to_text(), c.kind.name()))
        .collect();
    assert_eq!(
        told,
        [
            ("lib/mine".to_owned(), "no-place"),
            ("lib/mine/x".to_owned(), "no-place")
        ]
    );
}
