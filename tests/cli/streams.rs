//! Pipes that close, disks that are full.

use std::fs::File;
use std::process::Stdio;

use crate::support::Place;

#[test]
fn a_reader_that_goes_away_is_quiet_success() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["generate", "--completion", "bash"]] {
        let mut command = place.command("isi_packager", arguments);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let run = place.finished(&output);
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let place = Place::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = place.command("isi_packager", &["generate", "--completion", "bash"]);
    let output = command
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let run = place.finished(&output);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("cannot write to standard output"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("code: E_IO"), "{}", run.stderr);
}
