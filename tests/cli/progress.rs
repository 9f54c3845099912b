//! How far another process is, as `isi upgrade view` finds it.

use std::fs;

use serde_json::Value;

use crate::lock::Holder;
use crate::support::Place;

/// Bytes that take their room on every file system.
fn content(length: u32) -> Vec<u8> {
    let scattered = (0..length).map(|number| number.wrapping_mul(2_654_435_761));
    scattered.map(|number| number.to_be_bytes()[0]).collect()
}

/// A system whose first upgrade has just begun to unpack two files of one length, and has both.
fn unpacking() -> Place {
    let place = Place::with_pki();
    for name in ["one", "two"] {
        place.write(&format!("tree/{name}"), content(1 << 20));
    }
    place.build_with("image.isi", &["--type", "onefs"], true);
    let start = ["upgrade", "start", "--home", "home"];
    let image = ["--install-image-path", "image.isi"];
    place.isi(&[&start[..], &image].concat()).succeeded();
    // As it was in that step: what it wrote down before, and a root without its name.
    let journal = "home/system/upgrade/journal.jsonl";
    let text = String::from_utf8(place.read(journal)).unwrap();
    let is_begin = |line: &&str| line.contains("\"begin\"") && line.contains("\"unpack\"");
    let begun = text.lines().position(|line| is_begin(&line)).unwrap();
    let lines = text.split_inclusive('\n').take(begun + 1);
    place.write(journal, lines.collect::<String>());
    let environments = place.path("home/system/environments");
    let hidden = environments.join(".fix-1.2.3.new");
    fs::rename(environments.join("fix-1.2.3"), hidden).unwrap();
    place
}

#[test]
fn a_view_tells_how_much_is_unpacked_by_another_process() {
    let place = unpacking();
    let Some(_holder) = Holder::of(&place, "home/system/lock", "--exclusive") else {
        return;
    };
    let view = || -> (Value, Value) {
        let arguments = ["upgrade", "view", "--home", "home", "--format", "json"];
        let run = place.isi(&arguments).succeeded();
        let mut status: Value = serde_json::from_str(&run.stdout).unwrap();
        (status["step"].take(), status["progress"].take())
    };
    assert_eq!(view(), ("unpack".into(), 74.into()));
    let root = "home/system/environments/.fix-1.2.3.new";
    fs::remove_file(place.path(root).join("two")).unwrap();
    assert_eq!(view(), ("unpack".into(), 39.into()));
    fs::remove_dir_all(place.path(root)).unwrap();
    assert_eq!(view(), ("unpack".into(), 4.into()));
}

#[test]
fn what_nobody_works_on_is_as_far_as_its_journal_says() {
    let place = unpacking();
    let arguments = ["upgrade", "view", "--home", "home", "--format", "json"];
    let run = place.isi(&arguments).succeeded();
    let status: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(status["interrupted"], true);
    assert_eq!(status["progress"], 4);
}
