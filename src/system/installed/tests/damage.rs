use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::{fs, num::NonZeroUsize};

use super::super::{
    Action, Aspect, Class, Comparison, Depth, FixOptions, LeftReason, Scope, compare,
};
use super::world::{World, found, steps, write};
use crate::progress::{Progress, Silent};

#[test]
fn what_was_just_unpacked_is_as_it_was_signed() {
    let world = World::new();
    for depth in [Depth::Quick, Depth::Full] {
        for threads in [1, 2, 7] {
            let comparison = Comparison {
                depth,
                threads: NonZeroUsize::new(threads),
                ..world.whole()
            };
            let report = world.compare(&comparison);
            assert_eq!(report.findings, []);
            assert_eq!(report.compared, world.built.table.entries().len() as u64);
            let read = report.bytes > 3 << 20;
            assert_eq!(read, depth == Depth::Full);
        }
    }
    assert_eq!(steps(&world.fix()), []);
}

/// What was done to a system, what is found, and what the repair does.
type Case = (
    &'static str,
    fn(&World),
    &'static [(&'static str, Aspect)],
    &'static [(Action, &'static str)],
);

const CASES: &[Case] = &[
    (
        "contents of the same length and time",
        |world| {
            let path = world.path("usr/lib/a");
            let time = fs::metadata(&path).unwrap().modified().unwrap();
            fs::write(&path, b"SMALL").unwrap();
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(time)
                .unwrap();
        },
        &[("usr/lib/a", Aspect::Contents)],
        &[(Action::WriteFile, "usr/lib/a")],
    ),
    (
        "a file cut off",
        |world| fs::write(world.path("usr/lib/b"), b"").unwrap(),
        &[("usr/lib/b", Aspect::Size), ("usr/lib/b", Aspect::Time)],
        &[(Action::WriteFile, "usr/lib/b")],
    ),
    (
        "a file removed",
        |world| fs::remove_file(world.path("usr/lib/nothing")).unwrap(),
        &[("usr/lib/nothing", Aspect::Missing)],
        &[(Action::WriteFile, "usr/lib/nothing")],
    ),
    (
        "permissions",
        |world| {
            let all = fs::Permissions::from_mode(0o4777);
            fs::set_permissions(world.path("usr/lib/a"), all).unwrap();
        },
        &[("usr/lib/a", Aspect::Mode)],
        &[(Action::SetAttributes, "usr/lib/a")],
    ),
    (
        "permissions of a directory",
        |world| {
            let all = fs::Permissions::from_mode(0o777);
            fs::set_permissions(world.path("usr/lib"), all).unwrap();
        },
        &[("usr/lib", Aspect::Mode)],
        &[(Action::SetAttributes, "usr/lib")],
    ),
    (
        "a right lost",
        |world| {
            let plain = fs::Permissions::from_mode(0o755);
            fs::set_permissions(world.path("usr/bin/su"), plain).unwrap();
        },
        &[("usr/bin/su", Aspect::Mode)],
        &[(Action::SetAttributes, "usr/bin/su")],
    ),
    (
        "an attribute changed and one added",
        |world| {
            let attributes = crate::fsio::Attributes {
                xattrs: &[
                    ("user.note".as_ref(), b"changed"),
                    ("user.more".as_ref(), b"added"),
                ],
                ..crate::fsio::Attributes::default()
            };
            world.root.set_attributes("usr/lib/b", &attributes).unwrap();
        },
        &[("usr/lib/b", Aspect::Xattr), ("usr/lib/b", Aspect::Xattr)],
        &[(Action::SetAttributes, "usr/lib/b")],
    ),
    (
        "a link that leads elsewhere",
        |world| {
            fs::remove_file(world.path("usr/lib64")).unwrap();
            symlink("/tmp", world.path("usr/lib64")).unwrap();
        },
        &[("usr/lib64", Aspect::Link)],
        &[(Action::MakeLink, "usr/lib64")],
    ),
    (
        "a file that became a link",
        |world| {
            fs::remove_file(world.path("usr/lib/a")).unwrap();
            symlink("/etc/passwd", world.path("usr/lib/a")).unwrap();
        },
        &[("usr/lib/a", Aspect::Type)],
        &[(Action::WriteFile, "usr/lib/a")],
    ),
    (
        "a file that became an empty directory",
        |world| {
            fs::remove_file(world.path("usr/lib/a")).unwrap();
            fs::create_dir(world.path("usr/lib/a")).unwrap();
        },
        &[("usr/lib/a", Aspect::Type)],
        &[(Action::WriteFile, "usr/lib/a")],
    ),
    (
        "a FIFO that became a file",
        |world| {
            fs::remove_file(world.path("usr/lib/fifo")).unwrap();
            fs::write(world.path("usr/lib/fifo"), b"x").unwrap();
        },
        &[("usr/lib/fifo", Aspect::Type)],
        &[(Action::MakeNode, "usr/lib/fifo")],
    ),
    (
        "a name that became a file of its own",
        |world| {
            fs::copy(world.path("usr/bin/sh"), world.path("usr/bin/copy")).unwrap();
            fs::rename(world.path("usr/bin/copy"), world.path("usr/bin/sh")).unwrap();
        },
        &[("usr/bin/sh", Aspect::Link)],
        &[(Action::LinkFile, "usr/bin/sh")],
    ),
    (
        "a file with several names, through one of them",
        |world| {
            use std::os::unix::fs::FileExt as _;
            let file = fs::File::options()
                .write(true)
                .open(world.path("usr/bin/bash"));
            file.unwrap().write_all_at(b"x", 2 << 20).unwrap();
        },
        &[("usr/bin/ash", Aspect::Contents)],
        &[
            (Action::WriteFile, "usr/bin/ash"),
            (Action::LinkFile, "usr/bin/bash"),
            (Action::LinkFile, "usr/bin/sh"),
        ],
    ),
    (
        "a directory removed with all that was in it",
        |world| fs::remove_dir_all(world.path("usr/lib")).unwrap(),
        &[
            ("usr/lib", Aspect::Missing),
            ("usr/lib/a", Aspect::Missing),
            ("usr/lib/b", Aspect::Missing),
            ("usr/lib/empty", Aspect::Missing),
            ("usr/lib/fifo", Aspect::Missing),
            ("usr/lib/nothing", Aspect::Missing),
        ],
        &[
            (Action::MakeDirectory, "usr/lib"),
            (Action::WriteFile, "usr/lib/a"),
            (Action::WriteFile, "usr/lib/b"),
            (Action::MakeDirectory, "usr/lib/empty"),
            (Action::MakeNode, "usr/lib/fifo"),
            (Action::WriteFile, "usr/lib/nothing"),
            (Action::SetAttributes, "usr/lib/empty"),
            (Action::SetAttributes, "usr/lib"),
        ],
    ),
    (
        "a directory that became a link to another place",
        |world| {
            let away = world.path("elsewhere");
            fs::rename(world.path("usr/lib/empty"), &away).unwrap();
            symlink(&away, world.path("usr/lib/empty")).unwrap();
        },
        &[("usr/lib/empty", Aspect::Type)],
        &[
            (Action::MakeDirectory, "usr/lib/empty"),
            (Action::SetAttributes, "usr/lib/empty"),
        ],
    ),
];

#[test]
fn every_damage_is_found_and_repaired() {
    for (name, damage, findings, actions) in CASES {
        let world = World::new();
        damage(&world);
        let report = world.report();
        let flat: Vec<_> = found(&report)
            .into_iter()
            .flat_map(|(path, class, aspects)| {
                assert_eq!(class, Class::Damaged, "{name}");
                aspects
                    .into_iter()
                    .map(move |aspect| (path.clone(), aspect))
            })
            .filter(|(_, aspect)| *aspect != Aspect::Time || name.contains("cut"))
            .collect();
        let wanted = findings
            .iter()
            .map(|(path, aspect)| ((*path).to_owned(), *aspect));
        let wanted: Vec<_> = wanted.collect();
        assert_eq!(flat, wanted, "{name}");
        let plan = world.fix();
        let wanted = actions
            .iter()
            .map(|(action, path)| (*action, (*path).to_owned()));
        assert_eq!(steps(&plan), wanted.collect::<Vec<_>>(), "{name}");
        assert!(
            fs::symlink_metadata(world.path("usr/lib/fifo"))
                .unwrap()
                .file_type()
                .is_fifo()
        );
        let inode = |path: &str| fs::metadata(world.path(path)).unwrap().ino();
        assert_eq!(inode("usr/bin/sh"), inode("usr/bin/bash"), "{name}");
        assert_eq!(inode("usr/bin/sh"), inode("usr/bin/ash"), "{name}");
    }
}

#[test]
fn a_quick_look_sees_everything_but_contents_of_the_same_length_and_time() {
    for (name, damage, findings, _) in CASES {
        let world = World::new();
        damage(&world);
        let comparison = Comparison {
            depth: Depth::Quick,
            ..world.whole()
        };
        let report = world.compare(&comparison);
        assert_eq!(report.bytes, 0);
        let unseen = name.contains("same length and time");
        assert_eq!(report.problems() == 0, unseen, "{name}: {findings:?}");
    }
}

#[test]
fn owners_are_compared_and_repaired_where_they_were_restored() {
    let world = World::new();
    let mut expected = world.expected();
    expected.restored.owners = true;
    let theirs = std::os::unix::fs::chown(world.path("usr/lib/a"), Some(12), Some(34));
    if theirs.is_err() {
        return eprintln!("skipped: files of other users: only root can give files away");
    }
    assert_eq!(world.report().findings, []);
    let report = compare(&world.root, &expected, &world.whole(), &Silent).unwrap();
    assert_eq!(
        found(&report),
        [("usr/lib/a".to_owned(), Class::Damaged, vec![Aspect::Owner])]
    );
    assert_eq!(report.findings[0].differences[0].found, "12:34");
    let plan = super::super::plan(&report, &expected, FixOptions::default()).unwrap();
    let mut members =
        crate::payload::Members::new(&world.payload, &world.built.index, &world.built.table)
            .unwrap();
    let (root, tell) = (&world.root, &mut |_: &super::super::Step| {});
    super::super::apply(root, &expected, &mut members, &plan, &Silent, tell).unwrap();
    let report = compare(root, &expected, &world.whole(), &Silent).unwrap();
    assert_eq!(report.findings, []);
}

#[test]
fn a_directory_that_holds_something_is_never_in_the_way_of_a_repair() {
    let world = World::new();
    fs::remove_file(world.path("usr/lib/a")).unwrap();
    fs::create_dir(world.path("usr/lib/a")).unwrap();
    fs::write(world.path("usr/lib/a/theirs"), b"precious").unwrap();
    let plan = world.plan(&world.report(), FixOptions::default());
    assert_eq!(steps(&plan), []);
    let left: Vec<_> = plan
        .left
        .iter()
        .map(|left| (left.path.to_string(), left.reason))
        .collect();
    assert_eq!(left, [("usr/lib/a".to_owned(), LeftReason::Occupied)]);
    world.apply(&plan).unwrap();
    assert!(world.path("usr/lib/a/theirs").exists());
}

#[test]
fn paths_are_compared_with_what_is_below_them_and_all_names_of_their_files() {
    let world = World::new();
    let numbers = |paths: &[&str]| world.only(paths).scope.numbers.len();
    assert_eq!(numbers(&["/usr/lib"]), 6);
    assert_eq!(numbers(&["usr/lib/", "usr/lib/a"]), 6);
    assert_eq!(numbers(&["/usr/bin/ash"]), 3);
    assert_eq!(numbers(&["/"]), world.built.table.entries().len());
    fs::write(world.path("usr/lib/a"), b"SMALL").unwrap();
    assert_eq!(world.compare(&world.only(&["usr/bin"])).findings, []);
    assert_eq!(world.compare(&world.only(&["usr/lib/a"])).problems(), 1);
    for (path, code) in [
        ("/usr/lib/typo", "E_NOT_FOUND"),
        ("usr/../etc", "E_UNSAFE_PATH"),
        ("", "E_UNSAFE_PATH"),
    ] {
        let error = Scope::only(&world.built.table, &[PathBuf::from(path)]).unwrap_err();
        assert_eq!(error.code(), code, "{path:?}");
    }
}

#[test]
fn a_damaged_artifact_repairs_nothing_and_breaks_nothing() {
    let mut world = World::new();
    fs::write(world.path("usr/lib/a"), b"SMALL").unwrap();
    let plan = world.plan(&world.report(), FixOptions::default());
    let middle = world.payload.len() / 2;
    for byte in &mut world.payload[middle..] {
        *byte ^= 1;
    }
    assert_eq!(world.apply(&plan).unwrap_err().code(), "E_HASH_MISMATCH");
    assert_eq!(fs::read(world.path("usr/lib/a")).unwrap(), b"SMALL");
}

#[test]
fn what_an_interrupted_repair_left_is_found_and_goes() {
    let world = World::new();
    fs::create_dir(world.path(".isi-fix")).unwrap();
    fs::write(world.path(".isi-fix/new"), b"half").unwrap();
    let report = world.report();
    assert_eq!(report.count(Class::Leftover), 1);
    // Whatever is looked at: it is in the way of every repair.
    assert_eq!(
        world
            .compare(&world.only(&["usr/lib"]))
            .count(Class::Leftover),
        1
    );
    assert_eq!(
        steps(&world.fix()),
        [(Action::Clear, ".isi-fix".to_owned())]
    );
}

#[test]
fn a_repair_that_is_stopped_goes_on_next_time() {
    struct Stopper(std::sync::atomic::AtomicUsize);
    impl Progress for Stopper {
        fn begin(&self, _name: &str, _total: u64) {}
        fn advance(&self, _bytes: u64) {}
        fn cancelled(&self) -> bool {
            use std::sync::atomic::Ordering;
            self.0.fetch_sub(1, Ordering::Relaxed) == 0
        }
    }
    for after in 0..8 {
        let world = World::new();
        for name in ["usr/lib/a", "usr/lib/b", "usr/lib64", "usr/bin/ash"] {
            fs::remove_file(world.path(name)).unwrap();
        }
        let plan = world.plan(&world.report(), FixOptions::default());
        let (index, table) = (&world.built.index, &world.built.table);
        let mut members = crate::payload::Members::new(&world.payload, index, table).unwrap();
        let observer = Stopper(after.into());
        let (expected, root) = (world.expected(), &world.root);
        let tell = &mut |_: &super::super::Step| {};
        let stopped = super::super::apply(root, &expected, &mut members, &plan, &observer, tell);
        assert!(stopped.unwrap_err().is_cancelled());
        world.fix();
    }
}

#[test]
fn a_link_on_the_way_is_not_followed() {
    let world = World::new();
    let outside = tempfile::tempdir().unwrap();
    let dir = crate::fsio::Dir::open(outside.path()).unwrap();
    write(&dir, "a", b"small", 0o644);
    fs::remove_dir_all(world.path("usr/lib")).unwrap();
    symlink(outside.path(), world.path("usr/lib")).unwrap();
    let report = world.report();
    let aspects: Vec<_> = found(&report)
        .into_iter()
        .map(|(_, _, aspects)| aspects[0])
        .collect();
    assert_eq!(aspects[0], Aspect::Type);
    assert!(
        aspects[1..].iter().all(|aspect| *aspect == Aspect::Missing),
        "{aspects:?}"
    );
    world.fix();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn there_is_room_for_a_repair_or_it_does_not_begin() {
    let world = World::new();
    fs::remove_file(world.path("usr/lib/a")).unwrap();
    let mut plan = world.plan(&world.report(), FixOptions::default());
    plan.bytes = u64::MAX;
    assert_eq!(world.apply(&plan).unwrap_err().code(), "E_NO_SPACE");
    assert!(!world.path(".isi-fix").exists());
    assert!(!world.path("usr/lib/a").exists());
}
