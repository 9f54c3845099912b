//! `isi upgrade start` and what goes with it, as processes: exit codes, event stream, refusals.

use std::fs;

use serde_json::Value;

use crate::support::{Place, Run, compare};

/// The directory of the machine's own system.
pub(crate) const SYSTEM: &str = "home/system";

/// A machine with a development PKI; flags of `start` that name its catalog and its system.
pub(crate) fn machine() -> Place {
    let place = Place::with_pki();
    place.write("image/etc/release", "old\n");
    place.write("image/bin/tool", "tool\n");
    place
}

/// Builds an image and imports it; gives its ID.
pub(crate) fn imported(place: &Place, version: &str, counter: &str, more: &[&str]) -> String {
    let file = place.image(version, counter, more);
    place.catalog(&["import", &file]).succeeded();
    place.id_of(&file)
}

pub(crate) fn start(place: &Place, id: &str, more: &[&str]) -> Run {
    let arguments = ["start", "--install-image-id", id];
    place.upgrade(&[&arguments[..], more].concat())
}

pub(crate) fn view(place: &Place, root: &str) -> Value {
    let view = ["view", "--root", root, "--format", "json"];
    place.upgrade(&view).succeeded().json()
}

#[test]
fn an_image_given_by_path_is_imported_and_becomes_the_default_environment() {
    let place = machine();
    place.image("1.0", "1", &[]);
    let plan = place.upgrade(&["start", "--install-image-path", "1.0.isi", "--dry-run"]);
    assert!(
        !place.path("home/system").exists(),
        "a plan makes no system"
    );
    assert!(!place.path("home/catalog").exists(), "and imports nothing");
    assert!(plan.succeeded().stdout.contains(" 9. activate: "));
    let run = place
        .upgrade(&["start", "--install-image-path", "1.0.isi"])
        .succeeded();
    compare!(run, "upgrade_start");
    assert_eq!(
        place.read("home/system/environments/OS-1.0/etc/release"),
        b"old\n"
    );
    let selected = place.bootenv(&["select"]).succeeded();
    assert!(
        selected
            .stdout
            .trim_end()
            .ends_with("home/system/environments/OS-1.0")
    );
    let found = view(&place, SYSTEM);
    for (member, value) in [
        ("cluster_state", "upgrading"),
        ("upgrade_process_state", "Running"),
        ("last_action", "upgrade"),
        ("onefs_version_upgrade", "1.0"),
    ] {
        assert_eq!(found[member], value, "{member}");
    }
    assert_eq!(
        (&found["progress"], &found["interrupted"]),
        (&100.into(), &false.into())
    );
    compare!(place.upgrade(&["view"]), "upgrade_view");
    let history = place.upgrade(&["history"]).succeeded().stdout;
    assert!(history.contains(" upgrading OS 1.0 "), "{history}");
    let log = place.catalog(&["history", "--format", "csv"]).succeeded();
    for kind in ["import", "upgrade-start", "reference", "upgrade-activate"] {
        assert!(
            log.stdout.contains(&format!(",{kind},")),
            "{kind}: {}",
            log.stdout
        );
    }
    // What is needed stays.
    let id = place.id_of("1.0.isi");
    let removed = place.catalog(&["remove", "--id", &id, "--force"]);
    removed.refused(1, "E_REFERENCED");
}

#[test]
fn the_three_modes_are_the_same_work_and_exclude_each_other() {
    let place = machine();
    let id = imported(&place, "1.0", "1", &[]);
    let mut plans = Vec::new();
    for mode in ["simultaneous", "rolling", "parallel"] {
        let flag = format!("--{mode}");
        let run = start(&place, &id, &[&flag, "--dry-run", "--format", "json"]).succeeded();
        let mut reply = run.json();
        assert_eq!(reply["plan"]["mode"].take(), mode);
        reply["plan"]["free"].take();
        plans.push(reply);
    }
    plans.dedup();
    assert_eq!(plans.len(), 1);
    let both = start(&place, &id, &["--rolling", "--parallel"]);
    assert_eq!(both.code, Some(2));
}

#[test]
fn each_step_is_a_line_of_json_and_the_last_line_says_where_it_stands() {
    let place = machine();
    let id = imported(&place, "1.0", "1", &[]);
    let run = start(&place, &id, &["--format", "json"]).succeeded();
    let lines = run.lines();
    let (last, steps) = lines.split_last().unwrap();
    assert_eq!(
        (&last["event"], &last["cluster_state"]),
        (&"status".into(), &"upgrading".into())
    );
    let mut percent = 0;
    for step in steps {
        assert_eq!(step["event"], "step");
        let now = step["percent"].as_u64().unwrap();
        assert!(now >= percent && now <= 100);
        percent = now;
    }
    assert_eq!(percent, 100);
    let begun = steps.iter().filter(|step| step["state"] == "begun");
    let names: Vec<_> = begun.map(|step| step["step"].as_str().unwrap()).collect();
    let expected = [
        "hold",
        "create",
        "unpack",
        "pre-install",
        "carry",
        "kernels",
        "post-install",
        "finish",
        "activate",
    ];
    assert_eq!(names, expected);
}

#[test]
fn what_is_not_for_this_system_is_refused_with_its_own_code_and_changes_nothing() {
    let place = machine();
    let id = imported(&place, "1.0", "1", &[]);
    for (number, (more, code)) in [
        (&["--type", "patch"][..], "E_NOT_IMAGE"),
        (&["--architecture", "pdp11"], "E_WRONG_ARCHITECTURE"),
        (&["--requires", "Other >=1"], "E_REQUIRES"),
        (&["--free-space", "4611686018427387904"], "E_NO_SPACE"),
    ]
    .into_iter()
    .enumerate()
    {
        let version = format!("2.{number}");
        let bad = imported(&place, &version, "2", more);
        start(&place, &bad, &[]).refused(1, code);
        assert!(!place.path("home/system").exists(), "{code}");
    }
    start(&place, &id, &[]).succeeded();
    place.bootenv(&["mark-good", "OS-1.0"]);
    place.bootenv(&["select"]).succeeded();
    let before = place.digests("home/system/environments");
    for (number, (more, code)) in [
        (&["--product", "other"][..], "E_WRONG_PRODUCT"),
        (&["--source-versions", ">=1.1"], "E_SOURCE_VERSION"),
        (&["--conflicts", "OS <2"], "E_CONFLICTS"),
    ]
    .into_iter()
    .enumerate()
    {
        let version = format!("3.{number}");
        let bad = imported(&place, &version, "2", more);
        let assessed = place.upgrade(&["assess", "--install-image-id", &bad]);
        assert_eq!(assessed.code, Some(3), "{}", assessed.text());
        assert!(
            assessed.stdout.contains(&format!("({code})")),
            "{}",
            assessed.text()
        );
        start(&place, &bad, &[]).refused(1, "E_UPGRADE_RUNNING");
        start(&place, &bad, &["--dry-run"]).refused(1, code);
    }
    place.write("generic", "kernel");
    let kernel = imported(&place, "4.0", "2", &["--kernel", "generic"]);
    let plan = start(&place, &kernel, &["--dry-run", "--keep-old-kernel"]);
    plan.refused(1, "E_KERNEL_NOT_KEPT");
    start(&place, &kernel, &["--dry-run"]).succeeded();
    assert_eq!(place.digests("home/system/environments"), before);
    let assessed = place.upgrade(&["assess", "--install-image-id", &id]);
    let assessed = assessed.succeeded();
    assert_eq!(assessed.stdout.matches("pass ").count(), 13);
    assert!(
        assessed.stderr.contains("(W_SAME_IMAGE)"),
        "{}",
        assessed.stderr
    );
}

#[test]
fn nothing_of_what_is_not_trusted_reaches_the_system() {
    let place = machine();
    place.image("1.0", "1", &[]);
    let stranger = Place::with_pki();
    fs::copy(place.path("1.0.isi"), stranger.path("1.0.isi")).unwrap();
    let path = ["start", "--install-image-path", "1.0.isi"];
    let run = stranger.upgrade(&path);
    assert_eq!(run.code, Some(4), "{}", run.text());
    assert!(!stranger.path("home/system").exists());
    let assessed = stranger.upgrade(&["assess", "--install-image-path", "1.0.isi"]);
    assert_eq!(assessed.code, Some(4), "{}", assessed.text());
    // A byte of the payload, in the catalog, after it was imported: it is refused where it is met.
    let id = imported(&place, "1.0", "1", &[]);
    let artifact = format!("home/catalog/artifacts/{}/{id}/package.isi", &id[..2]);
    place.make_writable(&artifact);
    place.flip(&artifact, 100);
    start(&place, &id, &[]).refused(1, "E_HASH_MISMATCH");
    let found = view(&place, SYSTEM);
    assert_eq!(found["cluster_state"], "error");
    assert_eq!(found["error"]["failed_upgrade_action"], "unpack");
    assert_eq!(
        fs::read_dir(place.path("home/system/environments"))
            .unwrap()
            .count(),
        1
    );
    assert_eq!(place.names("home/system/environments/.OS-1.0.new"), [""; 0]);
    place.upgrade(&["resume"]).refused(1, "E_NOT_NOW");
    // The file that was imported puts it back.
    place.catalog(&["import", "1.0.isi"]).succeeded();
    place.upgrade(&["retry-last-action"]).succeeded();
    assert_eq!(
        place.read("home/system/environments/OS-1.0/bin/tool"),
        b"tool\n"
    );
}

#[test]
fn commands_that_come_at_the_wrong_time_say_so() {
    let place = machine();
    for command in [
        "view",
        "history",
        "pause",
        "resume",
        "retry-last-action",
        "archive",
    ] {
        place.upgrade(&[command]).refused(1, "E_NO_SYSTEM");
    }
    let id = imported(&place, "1.0", "1", &[]);
    start(&place, "0123456789", &[]).refused(1, "E_UNKNOWN_ID");
    start(&place, &id, &[]).succeeded();
    for (command, code) in [
        ("pause", "E_NOT_NOW"),
        ("resume", "E_NOT_NOW"),
        ("retry-last-action", "E_NOT_NOW"),
        ("archive", "E_UPGRADE_RUNNING"),
    ] {
        place.upgrade(&[command]).refused(1, code);
    }
    let usage = place.upgrade(&["start"]);
    assert_eq!(usage.code, Some(2), "{}", usage.text());
    for tries in ["0", "100", "x"] {
        assert_eq!(
            start(&place, &id, &["--tries", tries]).code,
            Some(2),
            "{tries}"
        );
    }
    let bad = start(&place, &id, &["--name", "../x"]);
    assert_eq!(bad.code, Some(2), "{}", bad.text());
}

#[test]
fn another_root_becomes_a_system_of_its_own_with_what_it_trusts() {
    let place = machine();
    let id = imported(&place, "1.0", "1", &[]);
    fs::create_dir(place.path("full")).unwrap();
    place.write("full/file", "mine");
    let full = start(&place, &id, &["--root", "full"]);
    full.refused(1, "E_NOT_EMPTY");
    assert_eq!(place.names("full"), ["file"]);
    start(&place, &id, &["--root", "new", "--name", "first"]).succeeded();
    assert!(!place.path("home/system").exists());
    assert_eq!(place.read("new/environments/first/etc/release"), b"old\n");
    assert!(place.path("new/trust/certs").is_dir());
    let found = place.upgrade(&["view", "--root", "new"]).succeeded();
    assert!(
        found.stdout.contains("State:           upgrading\n"),
        "{}",
        found.stdout
    );
}
