//! Ctrl-C: the work ends, nothing is left behind, and nobody believes it succeeded.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::Place;

/// Starts a build that takes long, and waits until it is at it.
fn long_build_after(place: &Place, before_it: &str) -> Child {
    // Sparse, so that it costs no space; hashing it takes minutes.
    let payload = std::fs::File::create(place.path("payload")).unwrap();
    payload.set_len(200 << 30).unwrap();
    let build = [
        "create",
        "payload",
        "-o",
        "out/x.isi",
        "--type=generic",
        "--name=n",
    ];
    let build = [&build[..], &["--version=1"]].concat();
    let tool = place.command("isi_packager", &build);
    // Whoever runs the tests may ignore it themselves.
    let shell = ["--default-signal=HUP", "sh", "-c", before_it, "sh"];
    let mut command = place.command("env", &shell);
    command.arg(tool.get_program()).args(build);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let processor_time = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let started = Instant::now();
    while processor_time() < 20 {
        assert!(
            started.elapsed() < Duration::from_mins(5),
            "the build does not begin"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn long_build(place: &Place) -> Child {
    long_build_after(place, "exec \"$@\"")
}

fn signal(place: &Place, child: &Child, signal: &str) {
    place
        .run("kill", &[signal, &child.id().to_string()])
        .succeeded();
}

#[test]
fn a_signal_ends_the_build_and_leaves_nothing() {
    for (name, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let place = Place::new();
        std::fs::create_dir(place.path("out")).unwrap();
        let child = long_build(&place);
        let started = Instant::now();
        signal(&place, &child, name);
        let output = child.wait_with_output().unwrap();
        assert!(
            started.elapsed() < Duration::from_mins(1),
            "it took too long"
        );
        let run = place.finished(&output);
        assert_eq!(run.code, Some(code), "{}", run.text());
        assert_eq!(
            (run.stdout.as_str(), run.stderr.as_str()),
            ("", "interrupted\n")
        );
        assert_eq!(place.names("out"), [""; 0]);
    }
}

#[test]
fn a_killed_build_leaves_nothing_either() {
    let place = Place::new();
    std::fs::create_dir(place.path("out")).unwrap();
    let child = long_build(&place);
    signal(&place, &child, "-KILL");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(9));
    assert_eq!(place.names("out"), [""; 0]);
}

#[test]
fn a_build_that_was_told_to_ignore_its_terminal_goes_on_without_it() {
    let place = Place::new();
    std::fs::create_dir(place.path("out")).unwrap();
    let child = long_build_after(&place, "trap '' HUP; exec \"$@\"");
    signal(&place, &child, "-HUP");
    signal(&place, &child, "-INT");
    let run = place.finished(&child.wait_with_output().unwrap());
    // A second signal would have ended it without a word, the first one with another code.
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(130), "interrupted\n")
    );
}
