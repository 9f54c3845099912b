//! `isi upgrade start` that is stopped: by a signal, its reader, a pause, a full disk.

use std::fs;
use std::io::BufReader;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::Place;
use crate::upgrade::{SYSTEM, imported, machine, start, view};

/// An image that takes a moment to unpack: 32 MiB that no compression makes shorter.
fn large(place: &Place) -> String {
    let mut word = 1_u64;
    let mut bytes = Vec::with_capacity(32 << 20);
    while bytes.len() < 32 << 20 {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        bytes.extend(word.to_le_bytes());
    }
    place.write("image/large", bytes);
    imported(place, "1.0", "1", &[])
}

/// A start in the system at `root` that tells its steps, stopped by whoever reads them.
fn started(place: &Place, id: &str, root: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let arguments = [
        "--home",
        "home",
        "upgrade",
        "start",
        "--install-image-id",
        id,
        "--root",
        root,
        "--format",
        "json",
    ];
    let mut child = place
        .command("isi", &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    (child, BufReader::new(stdout))
}

/// Goes on with what was interrupted in the system at `root`; what comes of it is the whole image.
#[track_caller]
fn expect_resumed(place: &Place, root: &str) {
    place.upgrade(&["resume", "--root", root]).succeeded();
    let tree = |below: &str| -> Vec<String> { place.digests(below).into_values().collect() };
    let environment = format!("{root}/environments/OS-1.0");
    assert_eq!(tree(&environment), tree("image"));
}

/// Reads until a step stands there.
fn read_until(lines: &mut impl std::io::BufRead, step: &str, state: &str) {
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(
            lines.read_line(&mut line).unwrap(),
            0,
            "{step} was never {state}"
        );
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["step"] == step && event["state"] == state {
            return;
        }
    }
}

fn signal(child: &Child, name: &str) {
    let process = child.id().to_string();
    let sent = Command::new("kill")
        .args([name, &process])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn hbsd_sigint_ends_with_130_and_the_upgrade_can_go_on() {
    let place = machine();
    let id = large(&place);
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let root = format!("system{name}");
        let (child, mut lines) = started(&place, &id, &root);
        read_until(&mut lines, "unpack", "begun");
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let found = view(&place, &root);
        assert_eq!(found["upgrade_process_state"], "Paused");
        assert_eq!(found["cluster_state"], "upgrading");
        let begun = format!("{root}/environments/.OS-1.0.new");
        assert_eq!(place.names(&begun), [""; 0]);
        assert!(!place.path(&format!("{root}/environments/OS-1.0")).exists());
        expect_resumed(&place, &root);
    }
}

/// `start --format json | head -1`: who stops reading does not stop the upgrade.
#[test]
fn a_reader_who_goes_away_stops_no_upgrade() {
    let place = machine();
    let id = imported(&place, "1.0", "1", &[]);
    let arguments = ["--home", "home", "upgrade", "start", "--root", "r"];
    let image = ["--install-image-id", &id, "--format", "json"];
    let mut command = place.command("isi", &[&arguments[..], &image].concat());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    // Nobody ever reads.
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let status = view(&place, "r");
    assert_eq!(status["upgrade_process_state"], "Running", "{status}");
    assert_eq!(status["progress"], 100);
}

#[test]
fn a_pause_from_elsewhere_stops_before_the_next_step() {
    let place = machine();
    let id = large(&place);
    let (child, mut lines) = started(&place, &id, "home/system");
    read_until(&mut lines, "unpack", "begun");
    let paused = place.upgrade(&["pause", "--format", "json"]).succeeded();
    let status = paused.json();
    assert_eq!(status["upgrade_process_state"], "Pausing");
    // It is told what is being done, not where an interruption would lead back to.
    assert_eq!(status["step"], "unpack");
    let refused_start = start(&place, &id, &[]);
    refused_start.refused(1, "E_UPGRADE_RUNNING");
    let run = place.finished(&child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(1), "{}", run.text());
    assert!(run.stderr.contains("code: E_PAUSED"), "{}", run.text());
    assert_eq!(view(&place, SYSTEM)["upgrade_process_state"], "Paused");
    let resumed = place.upgrade(&["resume", "--format", "json"]).succeeded();
    // What was unpacked is not unpacked again.
    assert!(
        !resumed.stdout.contains("\"step\":\"unpack\""),
        "{}",
        resumed.stdout
    );
    assert_eq!(view(&place, SYSTEM)["step"], Value::Null);
}

#[test]
fn a_killed_start_is_seen_and_gone_on_with() {
    let place = machine();
    let id = large(&place);
    let deaths = [
        ("hold", "begun"),
        ("unpack", "begun"),
        ("unpack", "running"),
    ];
    for (number, (step, state)) in deaths.into_iter().enumerate() {
        let root = format!("system{number}");
        let (mut child, mut lines) = started(&place, &id, &root);
        read_until(&mut lines, step, state);
        child.kill().unwrap();
        child.wait().unwrap();
        let found = view(&place, &root);
        assert_eq!(found["interrupted"], true, "{step} {state}");
        start(&place, &id, &["--root", &root]).refused(1, "E_UPGRADE_RUNNING");
        expect_resumed(&place, &root);
    }
}

/// A small file system in memory at this place, if one can be mounted; says so if not.
struct Small<'a>(&'a Place, &'static str);

impl<'a> Small<'a> {
    fn mount(place: &'a Place, at: &'static str, options: &str) -> Option<Self> {
        fs::create_dir_all(place.path(at)).unwrap();
        let run = place.run("mount", &["-t", "tmpfs", "-o", options, "isi-test", at]);
        if run.code != Some(0) {
            eprintln!(
                "skipped: a full disk needs a file system of its own: {}",
                run.stderr
            );
            return None;
        }
        Some(Self(place, at))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        // Another test may be starting a process, which has for a moment open what this one has.
        self.0.run("umount", &["--lazy", self.1]).succeeded();
    }
}

#[test]
fn a_disk_that_is_full_is_told_and_the_upgrade_goes_on_when_there_is_room() {
    let place = machine();
    for number in 0..100 {
        place.write(&format!("image/many/{number}"), "x");
    }
    let id = imported(&place, "1.0", "1", &[]);
    let Some(small) = Small::mount(&place, "small", "size=64m,nr_inodes=80,mode=755") else {
        return;
    };
    let root = ["--root", "small/system"];
    start(&place, &id, &root).refused(1, "E_NO_SPACE");
    let shown = place
        .upgrade(&["view", "--root", "small/system"])
        .succeeded();
    assert!(
        shown.stdout.contains("Code:            E_NO_SPACE\n"),
        "{}",
        shown.stdout
    );
    assert_eq!(
        place.names("small/system/environments/.OS-1.0.new"),
        [""; 0]
    );
    let again = place.upgrade(&["retry-last-action", "--root", "small/system"]);
    again.refused(1, "E_NO_SPACE");
    let grown = place.run("mount", &["-o", "remount,nr_inodes=1000", "small"]);
    grown.succeeded();
    place
        .upgrade(&["retry-last-action", "--root", "small/system"])
        .succeeded();
    assert_eq!(
        place.names("small/system/environments/OS-1.0/many").len(),
        100
    );
    drop(small);
    // Too small from the beginning: nothing is begun.
    let Some(small) = Small::mount(&place, "tiny", "size=1m,mode=755") else {
        return;
    };
    start(&place, &id, &["--root", "tiny/system"]).refused(1, "E_NO_SPACE");
    assert_eq!(place.names("tiny"), [""; 0]);
    drop(small);
}
