//! `isi upgrade start` that is stopped: by a signal, its reader, a pause, a full disk.

use std::fs;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use serde_json::Value;

use crate::support::Place;
use crate::upgrade::{SYSTEM, imported, machine, start, view};

/// An image that tells often how far it is unpacked: 32 MiB that no compression makes shorter.
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

/// Room for what is told until an image is being unpacked, and not for all that is told of that.
const UNTIL_UNPACKING: usize = 2048;

/// A start in the system at `root` that tells its steps to a reader who has room for so many bytes of them,
/// and then makes it stand still until somebody reads on.
fn started(place: &Place, id: &str, root: &str, spare: usize) -> (Child, PipeReader) {
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
    let (reader, writer) = with_spare(spare);
    let child = place
        .command("isi", &arguments)
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (child, reader)
}

/// A pipe that takes so many bytes more, at most a page of them.
fn with_spare(spare: usize) -> (PipeReader, PipeWriter) {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let mut page = [b'\n'; 4096];
    rustix::fs::fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    while writer.write(&page).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, OFlags::empty()).unwrap();
    if spare > 0 {
        // It becomes free page by page.
        reader.read_exact(&mut page).unwrap();
        writer.write_all(&page[spare..]).unwrap();
    }
    (reader, writer)
}

/// Lets who stands still go on, to the end.
fn read_on(mut reader: PipeReader) {
    std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
}

/// Goes on with what was interrupted in the system at `root`; what comes of it is the whole image.
#[track_caller]
fn expect_resumed(place: &Place, root: &str) {
    place.upgrade(&["resume", "--root", root]).succeeded();
    let tree = |below: &str| -> Vec<String> { place.digests(below).into_values().collect() };
    let environment = format!("{root}/environments/OS-1.0");
    assert_eq!(tree(&environment), tree("image"));
}

/// Waits until a step is begun in the system at `root`.
fn wait_until_begun(place: &Place, root: &str, step: &str) {
    let journal = place.path(&format!("{root}/upgrade/journal.jsonl"));
    let begun = format!("\"record\":\"begin\",\"action\":\"upgrade\",\"step\":\"{step}\"");
    wait_until(step, || {
        fs::read_to_string(&journal).is_ok_and(|text| text.contains(&begun))
    });
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
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
        let (child, reader) = started(&place, &id, &root, UNTIL_UNPACKING);
        wait_until_begun(&place, &root, "unpack");
        signal(&child, name);
        read_on(reader);
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
    let (child, reader) = started(&place, &id, SYSTEM, UNTIL_UNPACKING);
    wait_until_begun(&place, SYSTEM, "unpack");
    let paused = place.upgrade(&["pause", "--format", "json"]).succeeded();
    let status = paused.json();
    assert_eq!(status["upgrade_process_state"], "Pausing");
    // It is told what is being done, not where an interruption would lead back to.
    assert_eq!(status["step"], "unpack");
    let refused_start = start(&place, &id, &[]);
    refused_start.refused(1, "E_UPGRADE_RUNNING");
    read_on(reader);
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
    // With no room it stands still where it tells of its first step.
    let deaths = [
        ("hold", 0, "upgrade/journal.jsonl"),
        ("unpack", UNTIL_UNPACKING, "upgrade/journal.jsonl"),
        ("unpack", UNTIL_UNPACKING, "environments/.OS-1.0.new/large"),
    ];
    for (number, (step, room, made)) in deaths.into_iter().enumerate() {
        let root = format!("system{number}");
        let (mut child, _reader) = started(&place, &id, &root, room);
        wait_until_begun(&place, &root, step);
        wait_until(made, || place.path(&format!("{root}/{made}")).exists());
        child.kill().unwrap();
        child.wait().unwrap();
        let found = view(&place, &root);
        assert_eq!(found["interrupted"], true, "{step} {made}");
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
