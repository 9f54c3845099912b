//! What has to be on disk before the journal says that it is done: the order of the calls that really happen.

use std::path::Path;

use crate::support::Place;

/// Calls that start a program, sync a file system, and write.
const CALLS: &str = "trace=execve,execveat,syncfs,write,pwrite64";

/// Whether programs can be traced and have a root of their own here; says so if not.
fn can_trace(place: &Place) -> bool {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: programs in a root of their own need root");
        return false;
    }
    let mut strace = place.command("strace", &["-o", "/dev/null", "true"]);
    let can = strace.output().is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("skipped: strace cannot be used here");
    }
    can
}

/// An image with a shell for its hook, in a file.
fn image(place: &Place) {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].map(Path::new);
    let busybox = busybox.iter().find(|path| path.exists());
    place.program(busybox.expect("busybox"), "tree/bin/sh");
    std::fs::create_dir_all(place.path("tree/proc")).unwrap();
    place.write("hook", "#!/bin/sh\necho written >/by-hook\n");
    let more = ["--type", "onefs", "--hook", "pre-install=hook"];
    place.build_with("image.isi", &more, true);
}

#[test]
fn what_a_hook_wrote_is_on_disk_before_the_journal_says_that_it_ran() {
    let place = Place::with_pki();
    if !can_trace(&place) {
        return;
    }
    image(&place);
    let isi = env!("CARGO_BIN_EXE_isi");
    let strace = ["-f", "-y", "-s", "400", "-o", "calls", "-e", CALLS, isi];
    let start = ["upgrade", "start", "--home", "home", "--install-image-path"];
    let traced = place.run("strace", &[&strace[..], &start, &["image.isi"]].concat());
    traced.succeeded();
    let calls = String::from_utf8_lossy(&place.read("calls")).into_owned();
    let calls: Vec<_> = calls.lines().collect();
    let find = |what: &str, matches: &dyn Fn(&str) -> bool| {
        let found = calls.iter().position(|line| matches(line));
        found.unwrap_or_else(|| panic!("{what}: {calls:#?}"))
    };
    // The hook is the last program: its process is the one that runs it.
    let has = |line: &str, all: &[&str]| all.iter().all(|part| line.contains(part));
    let wrote = find("write of the hook", &|line| {
        has(line, &["by-hook>", "written"])
    });
    let hook = calls[wrote].split_whitespace().next().unwrap();
    let ended = find("end of the hook", &|line| {
        line.starts_with(&format!("{hook} ")) && line.contains("+++ exited with 0")
    });
    let done = find("record", &|line| {
        has(
            line,
            &["journal.jsonl>", r#"\"done\""#, r#"\"pre-install\""#],
        )
    });
    let synced = |line: &str| has(line, &["syncfs(", "/environments/.fix-1.2.3.new>"]);
    assert!(wrote < ended && ended < done);
    assert!(
        calls[ended..done].iter().any(|line| synced(line)),
        "{:#?}",
        &calls[ended..=done]
    );
}
