//! `isi upgrade bootenv`.

use std::fs;

use crate::support::{Place, compare};

/// A system in `home` with environments `one`, which is good and boots, and `two`, on trial.
fn place() -> Place {
    let place = Place::new();
    place
        .bootenv(&["create", "one", "--empty", "--storage", "dir"])
        .succeeded();
    place.write("home/system/environments/one/etc/motd", "one\n");
    place.bootenv(&["activate", "one"]).succeeded();
    place.bootenv(&["mark-good", "one"]).succeeded();
    place.bootenv(&["select"]).succeeded();
    place.bootenv(&["create", "two"]).succeeded();
    place
}

/// State and role of an environment, as programs read them.
fn state(place: &Place, name: &str) -> String {
    let run = place
        .bootenv(&["list", "--format", "csv", "--no-header", "-z"])
        .succeeded();
    let mut lines = run.stdout.lines();
    let line = lines.find(|line| line.starts_with(&format!("{name},")));
    let fields: Vec<_> = line.unwrap_or_default().split(',').collect();
    fields[1..3].join(" ")
}

#[test]
fn from_the_first_to_the_last() {
    let place = place();
    compare!(place.bootenv(&["list"]), "list");
    compare!(place.bootenv(&["list", "--format", "list"]), "list_list");
    compare!(
        place.bootenv(&["create", "three", "--from", "two"]),
        "create"
    );
    compare!(place.bootenv(&["mount", "three"]), "mount");
    compare!(place.bootenv(&["activate", "three"]), "activate");
    compare!(place.bootenv(&["select"]), "select");
    compare!(
        place.bootenv(&["select", "--format", "json"]),
        "select_json"
    );
    compare!(place.bootenv(&["mark-good"]), "mark_good");
    compare!(
        place.bootenv(&["destroy", "three", "--force"]),
        "destroy_needed"
    );
    compare!(
        place.bootenv(&["destroy", "two"]),
        "destroy_without_a_terminal"
    );
    compare!(
        place.bootenv(&["destroy", "two", "--dry-run"]),
        "destroy_dry_run"
    );
    compare!(place.bootenv(&["destroy", "two", "-f"]), "destroy");
    compare!(place.bootenv(&["mount", "two"]), "unknown");
    let motd = place.read("home/system/current/etc/motd");
    assert_eq!(motd, b"one\n");
    let history = [
        "upgrade",
        "catalog",
        "history",
        "--format",
        "csv",
        "--no-header",
    ];
    let history = place
        .isi(&[&history[..], &["--home", "home"]].concat())
        .succeeded();
    for kind in ["create", "activate", "good", "destroy"] {
        let kind = format!("bootenv-{kind}");
        assert!(history.stdout.contains(&kind), "{kind}: {}", history.stdout);
    }
}

#[test]
fn a_name_that_is_taken_is_refused_and_what_has_it_stays() {
    let place = place();
    let before = place.digests("home/system/environments");
    for arguments in [
        &["create", "one"][..],
        &["create", "one", "--empty"],
        &["create", "one", "--from", "two"],
        &["create", "two", "--from", "one"],
    ] {
        place.bootenv(arguments).refused(1, "E_ENVIRONMENT_EXISTS");
    }
    assert_eq!(place.digests("home/system/environments"), before);
    assert_eq!(state(&place, "one"), "good \"running");
    assert_eq!(state(&place, "two"), "trial ");
}

#[test]
fn an_environment_is_booted_once_and_tried_as_often_as_it_may() {
    let place = place();
    let selected = || {
        let run = place.bootenv(&["select"]).succeeded();
        run.stdout.trim().rsplit('/').next().unwrap().to_owned()
    };
    place.bootenv(&["activate", "two", "-t"]).succeeded();
    assert_eq!([selected(), selected()], ["two", "one"]);
    place
        .bootenv(&["activate", "two", "--tries", "2"])
        .succeeded();
    assert_eq!([selected(), selected(), selected()], ["two", "two", "one"]);
    assert_eq!(state(&place, "two"), "bad default");
    assert_eq!(state(&place, "one"), "good running");
    for tries in ["0", "100"] {
        let run = place.bootenv(&["activate", "two", "--tries", tries]);
        assert_eq!(run.code, Some(2), "{}", run.text());
        assert!(run.stderr.contains("1..=99"), "{}", run.text());
    }
    // Good again by new tries and a mark.
    place.bootenv(&["activate", "two"]).succeeded();
    assert_eq!(state(&place, "two"), "trial default");
    place.bootenv(&["mark-good", "two"]).succeeded();
    assert_eq!(selected(), "two");
}

#[test]
fn the_old_kernel_is_booted_once_if_one_was_kept() {
    let place = place();
    let run = place.bootenv(&["activate", "two", "--old-kernel"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    let once = ["activate", "two", "--next-boot-only", "--old-kernel"];
    let before = place.names("home/system/loader");
    place.bootenv(&once).refused(1, "E_NO_OLD_KERNEL");
    assert_eq!(place.names("home/system/loader"), before);
    let path = "home/system/records/two.json";
    let text = String::from_utf8(place.read(path)).unwrap();
    let boot = "\"boot\": {\"kernel\": \"vmlinuz\", \"options\": \"quiet\", \
                \"old\": {\"kernel\": \"vmlinuz.old\"}}";
    place.write(path, text.replace("\"boot\": null", boot));
    fs::remove_file(place.path("home/system/loader/entries/isi-two+3.conf")).unwrap();
    let run = place.bootenv(&once).succeeded();
    let told = "two boots next with its old kernel, once (trial, 3 left)\n";
    assert!(run.stderr.ends_with(told), "{}", run.stderr);
    assert_eq!(state(&place, "two"), "trial next-old-kernel");
    let json = |arguments: &[&str]| -> serde_json::Value {
        let run = place
            .bootenv(&[arguments, &["--format", "json"]].concat())
            .succeeded();
        run.json()
    };
    let kernels = std::path::Path::new("home/system/kernels/two");
    let [own, old] = ["vmlinuz", "vmlinuz.old"].map(|name| kernels.join(name));
    let list = json(&["list"]);
    let of_two = |list: &serde_json::Value| {
        let all = list["items"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["name"] == "two").unwrap()
    };
    assert_eq!(of_two(&list)["old_kernel"], old.to_str().unwrap());
    let chosen = json(&["select"]);
    assert_eq!(chosen["kernel"], old.to_str().unwrap());
    assert_eq!(chosen["options"], "isi.env=two isi.kernel=old quiet");
    assert_eq!(chosen["tries_left"], 2);
    assert_eq!(json(&["select"])["name"], "one");
    // It is for once: the environment itself boots with its own.
    place.bootenv(&["activate", "two"]).succeeded();
    assert_eq!(json(&["select"])["kernel"], own.to_str().unwrap());
    place.bootenv(&["activate", "one"]).succeeded();
    place.bootenv(&["select"]).succeeded();
    place.bootenv(&["destroy", "two", "-f"]).succeeded();
    let left = place.names("home/system/loader/entries");
    assert!(left.iter().all(|name| !name.contains("two")), "{left:?}");
}

#[test]
fn where_nothing_may_be_booted_nothing_is_changed() {
    let place = Place::new();
    place.bootenv(&["select"]).refused(1, "E_NO_SYSTEM");
    place.bootenv(&["list"]).refused(1, "E_NO_SYSTEM");
    place.bootenv(&["create", "copy"]).refused(1, "E_NO_SYSTEM");
    place
        .bootenv(&["create", "a", "--empty", "--storage", "dir"])
        .succeeded();
    place
        .bootenv(&["create", "copy"])
        .refused(1, "E_NOTHING_RUNS");
    fs::write(place.path("home/system/loader/next"), "isi-gone.conf\n").unwrap();
    let before = place.names("home/system/loader");
    place.bootenv(&["select"]).refused(1, "E_NOTHING_TO_BOOT");
    assert_eq!(place.names("home/system/loader"), before);
    assert!(!place.path("home/system/current").exists());
}

#[test]
fn another_root_and_a_jail_are_systems_of_their_own() {
    let place = place();
    let at = |target: &[&str], arguments: &[&str]| place.bootenv(&[arguments, target].concat());
    let root = ["--root", "disk"];
    let create = ["create", "other", "--empty", "--storage", "dir"];
    // What is trusted is brought along, so that it has to be there.
    at(&root, &create).refused(1, "E_IO");
    assert!(!place.path("disk/system.json").exists());
    place.packager(&["dev-pki", "--dir", "home"]).succeeded();
    at(&root, &create).succeeded();
    assert_eq!(place.names("disk/trust"), place.names("home/trust"));
    at(&root, &["activate", "other"]).succeeded();
    let path = at(&root, &["select"]).succeeded().stdout;
    assert_eq!(path, "disk/environments/other\n");
    place.write("home/upgrade.toml", "[jails]\nweb = \"../disk\"\n");
    let jail = ["--jail", "web"];
    let listed = at(&jail, &["list", "--format", "csv", "--no-header"]).succeeded();
    assert!(listed.stdout.starts_with("other,"), "{}", listed.stdout);
    at(&["--jail", "../../x"], &["list"]).refused(1, "E_JAIL");
    at(&["--jail", "isi-test-gone"], &["list"]).refused(1, "E_NO_SYSTEM");
    let both = at(&["--jail", "web", "--root", "disk"], &["list"]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);
    assert_eq!(state(&place, "one"), "good \"running");
}

#[test]
fn root_jail_and_bootenv_exclude_each_other() {
    let place = Place::new();
    let targets = [["--root", "r"], ["--jail", "j"], ["--bootenv", "b"]];
    let commands = [
        &["start", "--install-image-id", "abc"][..],
        &["assess", "--install-image-id", "abc"],
    ];
    for command in commands {
        for (index, one) in targets.iter().enumerate() {
            for other in targets.iter().skip(index + 1) {
                let all = [&["upgrade"], command, one, other, &["--home", "home"]].concat();
                let run = place.isi(&all);
                assert_eq!(run.code, Some(2), "{all:?}: {}", run.stderr);
                assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
            }
        }
    }
    assert!(!place.path("home").exists());
}

#[test]
fn a_directory_with_something_else_in_it_is_no_system() {
    let place = Place::with_pki();
    place.write("disk/precious", "x");
    let run = place.bootenv(&["create", "a", "--empty", "--root", "disk"]);
    run.refused(1, "E_NOT_EMPTY");
    assert_eq!(place.names("disk"), ["precious"]);
}

#[test]
fn the_booted_environment_is_the_one_that_runs() {
    let place = place();
    let with = |booted: &str, arguments: &[&str]| {
        let all = [&["upgrade", "bootenv"], arguments, &["--home", "home"]].concat();
        let mut command = place.command("isi", &all);
        let output = command.env("ISI_BOOTED", booted).output().unwrap();
        place.finished(&output)
    };
    with("two", &["destroy", "two", "-f"]).refused(1, "E_ENVIRONMENT_NEEDED");
    with("two", &["mark-good"]).succeeded();
    assert_eq!(state(&place, "two"), "good ");
    for wrong in ["", "../x"] {
        let run = with(wrong, &["mark-good"]);
        assert_eq!(run.code, Some(2), "{wrong}: {}", run.stderr);
    }
}

#[test]
fn names_that_lead_elsewhere_are_wrong_usage() {
    let place = place();
    for name in ["../x", ".hidden", "a+3", "a b", ""] {
        for command in ["create", "activate", "destroy", "mount", "mark-good"] {
            let run = place.bootenv(&[command, name]);
            assert_eq!(run.code, Some(2), "{command} {name:?}: {}", run.stderr);
        }
    }
}

#[test]
fn a_mark_is_made_without_a_catalog_and_says_so() {
    let place = place();
    fs::remove_dir_all(place.path("home/catalog")).unwrap();
    place.write("home/catalog", "no directory");
    let run = place.bootenv(&["mark-good", "two"]).succeeded();
    assert!(
        run.stderr.contains("not in the event log"),
        "{}",
        run.stderr
    );
    assert_eq!(state(&place, "two"), "good ");
}
