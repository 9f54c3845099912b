//! `isi upgrade resolve`: what an upgrade could not merge, and who decides about it.

use std::fs;

use crate::support::{Place, Run, compare};

/// A system that was never installed from a package, and an image with configuration of its own.
fn before() -> Place {
    let place = Place::with_pki();
    let bootenv = |arguments: &[&str]| {
        place
            .upgrade(&[&["bootenv"], arguments].concat())
            .succeeded();
    };
    bootenv(&["create", "one", "--empty", "--storage", "dir"]);
    for (name, text) in [("motd", "mine\n"), ("gone", "mine\n"), ("hosts", "mine\n")] {
        place.write(&format!("home/system/environments/one/etc/{name}"), text);
    }
    bootenv(&["activate", "one"]);
    bootenv(&["mark-good", "one"]);
    bootenv(&["select"]);
    for (name, text) in [
        ("motd", "theirs\n"),
        ("hosts", "theirs\n"),
        ("new", "new\n"),
    ] {
        place.write(&format!("tree/etc/{name}"), text);
    }
    let image = ["--type", "onefs", "--name", "base", "--version", "2"];
    place.build_with("two.isi", &image, true);
    place
}

const START: [&str; 6] = [
    "start",
    "--install-image-path",
    "two.isi",
    "--name",
    "two",
    "--no-kernel",
];

/// Both together.
fn conflicted() -> Place {
    let place = before();
    left_to_decide(&place.upgrade(&START));
    place
}

#[track_caller]
fn left_to_decide(run: &Run) {
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(
        run.stderr.contains("2 files could not be merged"),
        "{}",
        run.stderr
    );
}

#[test]
fn who_goes_on_after_a_failure_is_told_too_and_who_goes_back_is_not() {
    let place = before();
    let in_the_way = place.path("home/system/.system.json.new");
    fs::create_dir(&in_the_way).unwrap();
    assert_eq!(place.upgrade(&START).code, Some(1));
    fs::remove_dir(&in_the_way).unwrap();
    left_to_decide(&place.upgrade(&["retry-last-action"]));
    place.upgrade(&["rollback", "--force"]).succeeded();
    // What one environment left to decide is nobody's who makes another.
    place.write("tree/etc/motd", "mine\n");
    place.write("tree/etc/hosts", "mine\n");
    let image = ["--type", "onefs", "--name", "base", "--version", "3"];
    place.build_with("three.isi", &image, true);
    let start = ["start", "--install-image-path", "three.isi"];
    place.upgrade(&start).succeeded();
}

fn read(place: &Place, name: &str) -> String {
    fs::read_to_string(place.path(&format!("home/system/environments/two/etc/{name}"))).unwrap()
}

#[test]
fn from_the_list_to_the_last_decision() {
    let place = conflicted();
    assert_eq!(read(&place, "motd"), "mine\n");
    assert_eq!(
        (read(&place, "gone"), read(&place, "new")),
        ("mine\n".into(), "new\n".into())
    );
    compare!(place.upgrade(&["resolve"]), "list");
    compare!(place.upgrade(&["resolve", "--format", "json"]), "list_json");
    compare!(
        place.upgrade(&["resolve", "etc/passwd", "--ours"]),
        "no_conflict"
    );
    place.write("marked", "a\n<<<<<<< ours\n");
    compare!(
        place.upgrade(&["resolve", "etc/motd", "--file", "marked"]),
        "marked"
    );
    place.write("both", "both\n");
    compare!(
        place.upgrade(&["resolve", "/etc/motd", "--file", "both"]),
        "file"
    );
    assert_eq!(read(&place, "motd"), "both\n");
    compare!(
        place.upgrade(&["resolve", "etc/hosts", "--theirs"]),
        "theirs"
    );
    assert_eq!(read(&place, "hosts"), "theirs\n");
    place.upgrade(&["resolve"]).succeeded();
    let history = place.catalog(&["history"]).succeeded();
    assert_eq!(
        history.stdout.matches("upgrade-resolve").count(),
        2,
        "{}",
        history.stdout
    );
    assert_eq!(
        history.stdout.matches("upgrade-carry").count(),
        1,
        "{}",
        history.stdout
    );
}

#[test]
fn a_decision_without_a_path() {
    let resolve = ["upgrade", "resolve", "--ours", "--home", "home"];
    compare!(Place::new().isi(&resolve));
}

#[test]
fn an_image_with_rights_where_none_may_be() {
    let place = Place::with_pki();
    place.write("tree/home/su", "su");
    place.run("chmod", &["4755", "tree/home/su"]).succeeded();
    let image = ["--type", "onefs", "--name", "base", "--version", "2"];
    place.build_with("two.isi", &image, true);
    let start = ["start", "--install-image-path", "two.isi"];
    compare!(place.upgrade(&start), "refused");
    place.write("home/upgrade.toml", "[upgrade]\nprivileged = ['home/*']\n");
    place.upgrade(&start).succeeded();
}
