//! `isi upgrade verify-installed`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Place, Run, compare};

/// A system in `home` whose environment `one` is an image as it was unpacked.
fn place() -> Place {
    let place = Place::with_pki();
    place.write("tree/etc/motd", "welcome\n");
    place.write("tree/usr/bin/tool", "#!/bin/sh\n");
    place.write("tree/usr/lib/library", "a library\n");
    for name in ["tree/etc/motd", "tree/usr/bin/tool", "tree/usr/lib/library"] {
        place.run("touch", &["-d", "@1000000000", name]).succeeded();
    }
    place.build_with("image.isi", &["--type", "onefs"], true);
    place.catalog(&["import", "image.isi"]).succeeded();
    for arguments in [
        &["create", "one", "--empty", "--storage", "dir"][..],
        &["activate", "one"],
        &["select"],
    ] {
        place.bootenv(arguments).succeeded();
    }
    let environment = "home/system/environments/one";
    let extract = [
        "extract",
        "--package",
        "image.isi",
        "--home",
        "home",
        "--files",
    ];
    place
        .packager(&[&extract[..], &[environment, "--preserve"]].concat())
        .succeeded();
    let record = "home/system/records/one.json";
    let mut text: serde_json::Value = serde_json::from_slice(&place.read(record)).unwrap();
    text["origin"] = serde_json::json!({
        "package": place.id_of("image.isi"),
        "name": "fix",
        "version": "1.2.3",
        "release_counter": 0,
    });
    fs::write(place.path(record), text.to_string()).unwrap();
    place
}

fn verify(place: &Place, arguments: &[&str]) -> Run {
    place.upgrade(&[&["verify-installed"], arguments].concat())
}

fn installed(name: &str) -> String {
    format!("home/system/environments/one/{name}")
}

/// Damages one file, removes another, changes configuration and adds a file.
fn damage(place: &Place) {
    fs::write(place.path(&installed("usr/lib/library")), "a LIBRARY\n").unwrap();
    fs::remove_file(place.path(&installed("usr/bin/tool"))).unwrap();
    fs::write(place.path(&installed("etc/motd")), "hello\n").unwrap();
    fs::write(place.path(&installed("usr/bin/extra")), "mine\n").unwrap();
}

#[test]
fn what_is_as_it_was_signed() {
    let place = place();
    compare!(verify(&place, &[]), "sound");
    compare!(verify(&place, &["--quick", "/usr/bin"]), "sound_quick");
}

#[test]
fn where_nothing_runs_it_is_what_will_boot() {
    let place = place();
    fs::remove_file(place.path("home/system/current")).unwrap();
    let run = verify(&place, &[]).succeeded();
    assert!(run.stderr.contains("one: "), "{}", run.stderr);
    fs::remove_file(place.path("home/system/loader/loader.conf")).unwrap();
    let run = verify(&place, &[]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("E_NOTHING_RUNS"), "{}", run.stderr);
}

#[test]
fn what_differs_is_found_planned_and_repaired_and_then_nothing_is_left() {
    let place = place();
    damage(&place);
    compare!(verify(&place, &[]), "found");
    let before = place.digests("home/system/environments");
    compare!(verify(&place, &["--fix", "--dry-run"]), "planned");
    assert_eq!(place.digests("home/system/environments"), before);
    compare!(verify(&place, &["--fix"]), "repaired");
    assert_eq!(place.read(&installed("usr/lib/library")), b"a library\n");
    // The machine's own is as it was.
    assert_eq!(place.read(&installed("etc/motd")), b"hello\n");
    assert!(place.path(&installed("usr/bin/extra")).exists());
    compare!(verify(&place, &["--fix"]), "nothing_to_repair");
    let history = place.catalog(&["history"]).succeeded();
    assert!(
        history.stdout.contains("installed-repair"),
        "{}",
        history.stdout
    );
}

#[test]
fn programs_read_findings_and_steps() {
    let place = place();
    damage(&place);
    let json = |arguments: &[&str]| -> serde_json::Value {
        let run = verify(&place, &[arguments, &["--format", "json"]].concat());
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        run.json()
    };
    let found = json(&[]);
    assert_eq!((&found["damaged"], &found["local"]), (&2.into(), &1.into()));
    assert_eq!(found["extra"], 1);
    assert_eq!(found["environment"], "one");
    let library = &found["items"].as_array().unwrap()[3];
    assert_eq!(library["path"], "/usr/lib/library");
    assert_eq!(library["differences"][0]["aspect"], "contents");
    let planned = json(&["--fix", "--dry-run"]);
    assert_eq!(
        (&planned["planned"], &planned["done"]),
        (&2.into(), &0.into())
    );
    assert_eq!(planned["items"][0]["action"], "write-file");
}

#[test]
fn what_belongs_to_the_machine_or_to_nobody_goes_only_when_that_was_agreed_to() {
    let place = place();
    damage(&place);
    for flag in ["--remove-extra", "--local"] {
        let run = verify(&place, &["--fix", flag]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains("code: E_CONFIRM"), "{}", run.stderr);
        assert!(!place.path(&installed("usr/bin/tool")).exists());
    }
    verify(&place, &["--fix", "--remove-extra", "--local", "--force"]).succeeded();
    assert!(!place.path(&installed("usr/bin/extra")).exists());
    assert_eq!(place.read(&installed("etc/motd")), b"welcome\n");
}

/// The tool's first `repair` with a path took everything else for extra, and removed the system.
#[test]
fn swupd_981_extra_files_are_not_removed_where_paths_are_named() {
    let place = place();
    damage(&place);
    let before = place.digests("home/system/environments");
    let run = verify(&place, &["--fix", "--remove-extra", "--force", "/usr/lib"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert_eq!(place.digests("home/system/environments"), before);
    let run = verify(&place, &["--fix", "--force", "/usr/lib"]).succeeded();
    assert!(run.stdout.contains("/usr/lib/library"), "{}", run.stdout);
    assert!(!place.path(&installed("usr/bin/tool")).exists());
    assert!(place.path(&installed("usr/bin/extra")).exists());
}

#[test]
fn refusals_say_what_to_do() {
    let place = place();
    for (arguments, code) in [
        (&["/usr/bin/tol"][..], "E_NOT_FOUND"),
        (&["../etc"], "E_UNSAFE_PATH"),
        (&["--bootenv", "two"], "E_ENVIRONMENT_UNKNOWN"),
        (&["--name", "two"], "E_ENVIRONMENT_UNKNOWN"),
        (&["--root", "nowhere"], "E_NO_SYSTEM"),
    ] {
        let run = verify(&place, arguments);
        assert_eq!(run.code, Some(1), "{arguments:?}: {}", run.stderr);
        assert!(
            run.stderr.contains(&format!("code: {code}\n")),
            "{}",
            run.stderr
        );
    }
    for arguments in [
        &["--quick", "--full"][..],
        &["--remove-extra"],
        &["--local"],
        &["--bootenv", "one", "--root", "home/system"],
    ] {
        assert_eq!(verify(&place, arguments).code, Some(2), "{arguments:?}");
    }
    // An environment that no package is known of.
    place.bootenv(&["create", "own", "--empty"]).succeeded();
    let run = verify(&place, &["--bootenv", "own"]);
    assert!(run.stderr.contains("code: E_NO_ORIGIN\n"), "{}", run.stderr);
    // The artifact is gone: nothing to compare with.
    let id = place.id_of("image.isi");
    let artifact = format!("home/catalog/artifacts/{}/{id}", &id[..2]);
    let artifact = place.path(&artifact);
    fs::set_permissions(&artifact, fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_dir_all(&artifact).unwrap();
    let run = verify(&place, &[]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stderr.contains("hint:"), "{}", run.stderr);
}
