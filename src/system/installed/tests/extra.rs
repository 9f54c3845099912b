use std::fs;
use std::path::PathBuf;

use super::super::{Action, Class, Comparison, Extra, FixOptions, plan};
use super::world::{World, found, steps};

const ALL: FixOptions = FixOptions {
    local: false,
    remove_extra: true,
};

fn add(world: &World, name: &str) {
    fs::write(world.path(name), b"mine").unwrap();
}

fn extra(world: &World, comparison: &Comparison) -> Vec<String> {
    let report = world.compare(comparison);
    assert_eq!(report.problems(), 0);
    let extra = found(&report).into_iter();
    extra
        .filter(|(_, class, _)| *class == Class::Extra)
        .map(|(path, _, _)| path)
        .collect()
}

#[test]
fn extra_files_are_listed_where_the_image_is_at_home_and_nowhere_else() {
    let world = World::new();
    fs::create_dir_all(world.path("usr/lib/mine/deep")).unwrap();
    fs::create_dir_all(world.path("usr/local/bin")).unwrap();
    fs::create_dir(world.path("data")).unwrap();
    for name in [
        "usr/lib/mine/file",
        "usr/local/bin/x",
        "etc/x",
        "var/lib/x",
        "data/x",
    ] {
        add(&world, name);
    }
    let all = ["usr/lib/mine", "usr/lib/mine/deep", "usr/lib/mine/file"];
    let whole = world.whole();
    // A directory of the machine that no image has is not the image's to list.
    assert_eq!(
        extra(&world, &whole),
        [&all[..], &["usr/local", "usr/local/bin", "usr/local/bin/x"]].concat()
    );
    let below = |paths: &[&str]| Comparison {
        extra: Extra::below(&paths.iter().map(PathBuf::from).collect::<Vec<_>>()).unwrap(),
        ..world.whole()
    };
    assert_eq!(extra(&world, &below(&["/etc"])), ["etc/x"]);
    assert_eq!(
        extra(&world, &below(&["/var/lib", "etc"])),
        ["etc/x", "var/lib/x"]
    );
    assert_eq!(extra(&world, &below(&["/"])).len(), 2 + 1 + 3 + 3 + 1);
    let nowhere = Comparison {
        extra: Extra::Nowhere,
        ..world.whole()
    };
    assert_eq!(extra(&world, &nowhere), [""; 0]);
}

#[test]
fn extra_files_stay_unless_it_was_asked_for() {
    let world = World::new();
    add(&world, "usr/lib/mine");
    fs::remove_file(world.path("usr/lib/a")).unwrap();
    let repaired = world.plan(&world.report(), FixOptions::default());
    assert_eq!(
        steps(&repaired),
        [(Action::WriteFile, "usr/lib/a".to_owned())]
    );
    world.apply(&repaired).unwrap();
    assert!(world.path("usr/lib/mine").exists());
}

#[test]
fn extra_files_go_children_first_when_it_was_asked_for() {
    let world = World::new();
    fs::create_dir_all(world.path("usr/lib/mine/deep")).unwrap();
    add(&world, "usr/lib/mine/file");
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("kept"), b"x").unwrap();
    std::os::unix::fs::symlink(outside.path(), world.path("usr/lib/mine/deep/link")).unwrap();
    let plan = world.plan(&world.report(), ALL);
    let names = ["/file", "/deep/link", "/deep", ""].map(|name| format!("usr/lib/mine{name}"));
    assert_eq!(steps(&plan), names.map(|name| (Action::Remove, name)));
    world.apply(&plan).unwrap();
    assert!(!world.path("usr/lib/mine").exists());
    assert!(outside.path().join("kept").exists());
    assert_eq!(world.report().findings, []);
}

/// `swupd repair --picky --file /usr/...` took everything that was not named for extra, and removed the system.
#[test]
fn swupd_981_a_path_filter_never_removes_anything() {
    let world = World::new();
    add(&world, "usr/lib/mine");
    let before = world.report();
    for paths in [
        &["usr/bin"][..],
        &["/usr/lib"],
        &["/"],
        &["/usr/lib/a", "etc"],
    ] {
        let report = world.compare(&world.only(paths));
        let refused = plan(&report, &world.expected(), ALL).unwrap_err();
        assert_eq!(refused.code(), "E_EXTRA_WITH_PATHS", "{paths:?}");
        assert!(refused.hint().is_some());
        // What was not asked for is not extra either, and nothing is planned against it.
        let image: Vec<_> = report.findings.iter().map(|f| f.path.to_string()).collect();
        assert!(image.iter().all(|path| path == "usr/lib/mine"), "{image:?}");
        assert_eq!(steps(&world.plan(&report, FixOptions::default())), []);
    }
    assert_eq!(world.report(), before);
    // Of the whole, only what is extra goes.
    let plan = world.plan(&before, ALL);
    assert_eq!(steps(&plan), [(Action::Remove, "usr/lib/mine".to_owned())]);
}

#[test]
fn a_directory_that_was_filled_meanwhile_is_not_removed() {
    let world = World::new();
    fs::create_dir(world.path("usr/lib/mine")).unwrap();
    let plan = world.plan(&world.report(), ALL);
    add(&world, "usr/lib/mine/late");
    assert_eq!(world.apply(&plan).unwrap_err().code(), "E_IO");
    assert!(world.path("usr/lib/mine/late").exists());
}
