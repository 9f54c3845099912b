//! `isi upgrade bootenv check`, `commit` and `rollback`, as processes.

use serde_json::Value;

use crate::support::Place;

/// A machine that runs image 1.0, committed.
fn machine() -> Place {
    let place = Place::with_pki();
    place.write("image/etc/release", "some\n");
    install(&place, "1.0", "1", &[]);
    place.bootenv(&["check"]).succeeded();
    place.upgrade(&["commit", "--force"]).succeeded();
    place
}

/// Builds an image, installs it, and starts it as far as that can be done here.
fn install(place: &Place, version: &str, counter: &str, more: &[&str]) {
    let file = place.image(version, counter, more);
    place
        .upgrade(&["start", "--install-image-path", &file])
        .succeeded();
    place.bootenv(&["select"]).succeeded();
}

fn view(place: &Place) -> Value {
    place
        .upgrade(&["view", "--format", "json"])
        .succeeded()
        .json()
}

#[test]
fn a_commit_says_beforehand_what_cannot_be_undone_and_asks() {
    let place = machine();
    install(&place, "2.0", "5", &[]);
    place
        .upgrade(&["commit", "--force"])
        .refused(1, "E_NOT_NOW");
    let check = place.bootenv(&["check"]).succeeded();
    assert!(
        check.stdout.starts_with("pass environment: OS-2.0 runs\n"),
        "{}",
        check.stdout
    );
    assert!(
        check.stderr.contains("OS-2.0 is good now"),
        "{}",
        check.stderr
    );
    assert_eq!(view(&place)["cluster_state"], "upgraded");

    let state = "home/system/system.json";
    let before = place.read(state);
    let dry = place.upgrade(&["commit", "--dry-run"]).succeeded();
    for said in [
        "W_NO_WAY_BACK",
        "W_REMOVED",
        "from 1 to 5",
        "W_RELEASED",
        "OS-1.0",
    ] {
        assert!(dry.stdout.contains(said), "{said}: {}", dry.stdout);
    }
    let run = place.upgrade(&["commit"]);
    run.refused(1, "E_CONFIRM");
    assert!(
        run.stderr.contains("environment OS-1.0 is removed"),
        "{}",
        run.stderr
    );
    assert_eq!(place.read(state), before, "nothing was done");

    let run = place
        .upgrade(&["commit", "--force", "--format", "json"])
        .succeeded();
    assert!(
        run.stderr.contains("\n- environment OS-1.0 is removed"),
        "what is done is said without a question, too: {}",
        run.stderr
    );
    let events = run.lines();
    let done = events.iter().filter(|event| event["state"] == "done");
    let done: Vec<_> = done.map(|event| event["step"].as_str().unwrap()).collect();
    assert_eq!(done, ["pin", "settle", "release", "clean"]);
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event"], &last["cluster_state"]),
        (&"status".into(), &"committed".into())
    );
    assert_eq!(last["floors"]["os"], 5);
    assert_eq!(place.names("home/system/environments"), ["OS-2.0"]);
    // Nothing is left to be said or asked.
    let again = place.upgrade(&["commit"]).succeeded();
    assert!(
        again.stderr.contains("OS 2.0 in OS-2.0 is permanent"),
        "{}",
        again.stderr
    );
}

#[test]
fn an_older_image_needs_a_recorded_reason_from_then_on() {
    let place = machine();
    install(&place, "2.0", "5", &[]);
    place.bootenv(&["check"]).succeeded();
    place.upgrade(&["commit", "--force"]).succeeded();
    let old = ["start", "--install-image-path", "1.0.isi"];
    place.upgrade(&old).refused(1, "E_DOWNGRADE");
    place
        .upgrade(&[&old[..], &["--allow-downgrade", "2.0 eats data"]].concat())
        .succeeded();
    place.bootenv(&["select"]).succeeded();
    place.bootenv(&["check"]).succeeded();
    place.upgrade(&["commit", "--force"]).succeeded();
    assert_eq!(view(&place)["floors"]["os"], 5, "the floor stays");
    let history = place.catalog(&["history", "--format", "json"]).succeeded();
    assert!(
        history.stdout.contains("2.0 eats data"),
        "{}",
        history.stdout
    );
}

#[test]
fn a_rollback_asks_and_takes_back() {
    let place = machine();
    place
        .upgrade(&["rollback", "--force"])
        .refused(1, "E_NO_UPGRADE");
    install(&place, "2.0", "5", &[]);
    let dry = place.upgrade(&["rollback", "--dry-run"]).succeeded();
    assert!(
        dry.stdout
            .contains("OS-1.0 boots when the machine starts anew"),
        "{}",
        dry.stdout
    );
    place.upgrade(&["rollback"]).refused(1, "E_CONFIRM");
    let arguments = [
        "rollback", "--force", "--reason", "too slow", "--format", "json",
    ];
    let run = place.upgrade(&arguments).succeeded();
    let last = run.lines().pop().unwrap();
    assert_eq!(last["last_action"], "rollback");
    assert_eq!(last["last_action_result"], "pass");
    assert_eq!(last["rollback"]["reason"], "too slow");
    assert_eq!(last["rollback"]["automatic"], false);
    let selected = place.bootenv(&["select"]).succeeded();
    assert!(selected.stdout.contains("OS-1.0"), "{}", selected.stdout);
    place.upgrade(&["archive"]).succeeded();
    assert_eq!(place.names("home/system/environments"), ["OS-1.0"]);
}

#[test]
fn what_never_comes_up_is_rolled_back_and_view_says_so() {
    let place = machine();
    install(&place, "2.0", "5", &[]);
    for _ in 0..3 {
        place.bootenv(&["select"]).succeeded();
    }
    let found = view(&place);
    assert_eq!(found["cluster_state"], "committed");
    assert_eq!(found["last_action"], "rollback");
    assert_eq!(found["last_action_result"], "pass");
    assert_eq!(found["rollback"]["automatic"], true);
    assert_eq!(found["error"]["code"], "E_UNHEALTHY");
    assert_eq!(found["running"], "OS-1.0");
}

#[test]
fn a_failing_health_check_ends_with_3_and_restarts_where_that_is_asked_for() {
    if !isi_catalog::fsio::is_root() {
        return eprintln!("skipped: health checks below a root of their own need root");
    }
    let place = machine();
    place.write("sick.sh", "#!/bin/sh\necho the disk is gone\nexit 1\n");
    install(&place, "2.0", "5", &["--health-check", "disk=sick.sh"]);
    let reboot = place.write("reboot.sh", "#!/bin/sh\ntouch restarted\n");
    place.program(&reboot, "bin/reboot");
    let check = |more: &[&str]| {
        let arguments = [&["--home", "home", "upgrade", "bootenv", "check"], more].concat();
        let mut command = place.command("isi", &arguments);
        let path = format!("{}:/usr/bin:/bin", place.path("bin").display());
        command.env("PATH", path).env("ISI_BOOTED", "OS-2.0");
        place.finished(&command.output().unwrap())
    };
    let run = check(&[]);
    assert_eq!(run.code, Some(3), "{}", run.text());
    let said = "FAIL disk: it ended with status 1 (E_HEALTH_FAILED)\n     the disk is gone\n";
    assert!(run.stdout.contains(said), "{}", run.stdout);
    assert!(
        run.stderr.contains("it will not be started again"),
        "{}",
        run.stderr
    );
    assert!(!place.path("restarted").exists());
    let run = check(&["--reboot", "--format", "json"]);
    assert_eq!(run.code, Some(3), "{}", run.text());
    assert_eq!(run.json()["settled"], "bad");
    assert!(place.path("restarted").exists());
    assert_eq!(view(&place)["cluster_state"], "error");
}

#[test]
fn a_health_check_has_the_time_that_is_configured() {
    let place = machine();
    place.write("hangs.sh", "#!/bin/sh\nwhile :; do :; done\n");
    install(&place, "2.0", "5", &["--health-check", "disk=hangs.sh"]);
    let arguments = ["--home", "home", "upgrade", "bootenv", "check"];
    let check = |variable: Option<&str>| {
        let mut command = place.command("isi", &arguments);
        // The environment that was booted is seen as it runs, without a root of its own.
        command.env("ISI_BOOTED", "OS-2.0");
        command.envs(variable.map(|value| ("ISI_HEALTH_TIMEOUT", value)));
        place.finished(&command.output().unwrap())
    };
    place.write(
        "home/upgrade.toml",
        "[upgrade]\nhealth_timeout = \"900ms\"\n",
    );
    for variable in [None, Some("1s")] {
        let run = check(variable);
        assert_eq!(run.code, Some(3), "{}", run.text());
        assert!(run.stdout.contains("FAIL disk: "), "{}", run.text());
        assert!(run.stdout.contains("E_HEALTH_TIME_LIMIT"), "{}", run.text());
    }
}

#[test]
fn what_is_good_is_not_restarted_whatever_is_found() {
    let place = machine();
    std::fs::remove_dir_all(place.path("home/trust/certs")).unwrap();
    place.write("bin/reboot", "#!/bin/sh\ntouch restarted\n");
    let run = place.bootenv(&["check", "--reboot"]);
    assert_eq!(run.code, Some(3), "{}", run.text());
    assert!(run.stdout.contains("FAIL trust: "), "{}", run.stdout);
    let selected = place.bootenv(&["select"]).succeeded();
    assert!(selected.stdout.contains("OS-1.0"), "{}", selected.stdout);
}

#[test]
fn a_system_that_never_was_a_package_becomes_one_that_can_be_exported_and_imported() {
    let place = Place::with_pki();
    let bootenv = |arguments: &[&str]| place.upgrade(&[&["bootenv"], arguments].concat());
    bootenv(&["create", "own", "--empty", "--storage", "dir"]).succeeded();
    place.write(
        "home/system/environments/own/etc/os-release",
        "VERSION_ID=7.1\n",
    );
    bootenv(&["activate", "own"]).succeeded();
    bootenv(&["mark-good", "own"]).succeeded();
    bootenv(&["select"]).succeeded();
    let dry = place.upgrade(&["commit", "--dry-run"]).succeeded();
    assert!(dry.stdout.contains("W_OWN_IMAGE"), "{}", dry.stdout);
    assert!(!place.path("home/system/local-key").exists());
    let run = place.upgrade(&["commit", "--force"]).succeeded();
    assert!(
        run.stderr.contains("local-image 7.1 in own is permanent"),
        "{}",
        run.stderr
    );
    let list = place
        .catalog(&["list", "--format", "json"])
        .succeeded()
        .json();
    let item = &list["items"][0];
    assert_eq!(item["state"], "verified");
    assert_eq!(item["references"][0]["kind"], "committed-image");
    let id = item["id"].as_str().unwrap();
    place.catalog(&["verify", "--id", id]).succeeded();
    place.catalog(&["repair", "--force"]).succeeded();
    place
        .catalog(&["export", "--id", id, "--file", "own.isi"])
        .succeeded();

    // Elsewhere it is a stranger's, until somebody trusts the key.
    let import = ["--home", "other", "upgrade", "catalog", "import", "own.isi"];
    place.packager(&["dev-pki", "--dir", "other"]).succeeded();
    assert_eq!(place.isi(&import).code, Some(4));
    for directory in ["certs", "tsa-certs", "crls"] {
        let from = format!("home/system/local-key/trust/{directory}");
        for name in place.names(&from) {
            let to = place.path(&format!("other/trust/{directory}/{name}"));
            std::fs::copy(place.path(&from).join(&name), to).unwrap();
        }
    }
    let own = place.read("home/system/local-key/trust/identities.toml");
    let theirs = place.read("other/trust/identities.toml");
    place.write("other/trust/identities.toml", [own, theirs].concat());
    place.isi(&import).succeeded();
}
