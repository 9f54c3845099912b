#![allow(clippy::print_stderr, reason = "a test that cannot run says so")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::progress::Silent;

const LIMIT: Duration = Duration::from_mins(2);

fn script(content: &str) -> Program<'_> {
    Program {
        name: "hook",
        content: content.as_bytes(),
        variables: &[],
        root: None,
        time_limit: LIMIT,
        output_limit: 4096,
    }
}

fn run(content: &str) -> Ran {
    script(content).run(&Silent).unwrap()
}

/// A root with a shell and nothing else; `None` where this machine cannot have one.
fn root() -> Option<tempfile::TempDir> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: programs in a root of their own need root");
        return None;
    }
    let home = tempfile::tempdir().unwrap();
    for name in ["bin", "dev", "proc", "tmp"] {
        std::fs::create_dir(home.path().join(name)).unwrap();
    }
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from);
    let Some(busybox) = busybox.iter().find(|path| path.exists()) else {
        eprintln!("skipped: there is no busybox for a root of its own");
        return None;
    };
    std::fs::copy(busybox, home.path().join("bin/busybox")).unwrap();
    for name in ["sh", "ls", "cat", "readlink", "mount", "sleep", "id"] {
        std::os::unix::fs::symlink("busybox", home.path().join("bin").join(name)).unwrap();
    }
    Some(home)
}

/// A place in the file system that tells whether a process has it open.
fn fifo() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("fifo");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    (home, path)
}

/// Fails if one keeps it open for long: those that tests start sleep for ten minutes.
fn wait_until_nobody_has(fifo: &Path) {
    let begun = Instant::now();
    let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::NONBLOCK;
    let open = || rustix::fs::open(fifo, flags, rustix::fs::Mode::empty());
    while open().map(drop) != Err(Errno::NXIO) {
        assert!(begun.elapsed() < Duration::from_mins(5), "a child lives on");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn both_streams_and_the_status_are_told() {
    let ran = run("#!/bin/sh\necho one; echo two >&2; echo three; exit 7\n");
    assert_eq!(ran.end, End::Exited(7));
    assert_eq!(ran.output.text(), "one\ntwo\nthree\n");
    assert_eq!(run("#!/bin/sh\nkill -KILL $$\n").end, End::Signal(9));
}

#[test]
fn a_binary_runs_as_well() {
    let bytes = std::fs::read("/bin/true").unwrap();
    let program = Program {
        content: &bytes,
        ..script("")
    };
    assert_eq!(program.run(&Silent).unwrap().end, End::Exited(0));
}

#[test]
fn what_cannot_be_run_is_an_error_that_names_it() {
    for content in ["", "echo no interpreter\n", "#!/nonexistent/sh\n"] {
        let error = script(content).run(&Silent).unwrap_err();
        assert_eq!(error.to_string(), "cannot run hook", "{content:?}");
    }
}

#[test]
fn nothing_is_inherited_but_what_is_given() {
    let program = Program {
        variables: &[("ISI_HOOK", "a b")],
        ..script("#!/bin/sh\n/usr/bin/env; pwd; cat; readlink /proc/self/fd/*\n")
    };
    let open = tempfile::NamedTempFile::new().unwrap();
    let text = program.run(&Silent).unwrap().output.text();
    let open = open.path().to_str().unwrap();
    assert!(!text.contains(open), "{text}");
    let mut lines: Vec<&str> = text.lines().collect();
    while lines.pop_if(|line| *line != "/").is_some() {}
    assert_eq!(lines.pop(), Some("/"));
    lines.retain(|line| !line.starts_with("_=") && !line.starts_with("SHLVL="));
    lines.sort_unstable();
    let path = format!("PATH={PATH}");
    let expected = ["HOME=/", "ISI_HOOK=a b", "LANG=C", &path, "PWD=/", "TZ=UTC"];
    assert_eq!(lines, expected);
}

#[test]
fn a_program_that_hangs_is_ended_with_its_children() {
    let (_home, fifo) = fifo();
    let content = format!(
        "#!/bin/sh\nsleep 600 <>{fifo} &\necho begun\nsleep 600\n",
        fifo = fifo.display()
    );
    // A busy machine may not come to begin in a short time; then it gets more.
    let said = [1, 5, 60].map(Duration::from_secs).iter().any(|limit| {
        let program = Program {
            time_limit: *limit,
            ..script(&content)
        };
        let ran = program.run(&Silent).unwrap();
        assert_eq!(ran.end, End::TimeLimit);
        ran.output.text() == "begun\n"
    });
    assert!(said, "what it said is lost");
    wait_until_nobody_has(&fifo);
}

#[test]
fn what_a_program_leaves_running_ends_with_it() {
    let (_home, fifo) = fifo();
    let fifo_name = fifo.display();
    // It ends when the other one has begun.
    let content = format!(
        "#!/bin/sh\n(exec <>{fifo_name}; touch {fifo_name}.open; sleep 600) &\n\
         until test -e {fifo_name}.open; do :; done\n"
    );
    let ran = run(&content);
    assert_eq!(ran.end, End::Exited(0));
    wait_until_nobody_has(&fifo);
}

#[test]
fn who_keeps_the_output_open_is_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let begun = home.path().join("begun");
    let begun = begun.display();
    let content = format!(
        "#!/bin/sh\nsetsid sh -c 'touch {begun}; exec sleep 50' &\n\
         until test -e {begun}; do :; done\necho done\n"
    );
    let ran = run(&content);
    assert_eq!(ran.end, End::Exited(0));
    assert_eq!(ran.output.text(), "done\n");
    assert!(ran.took < Duration::from_secs(50), "{:?}", ran.took);
}

#[test]
fn a_closed_output_is_no_end() {
    let ran = run("#!/bin/sh\nexec >&- 2>&-\nsleep 0.3\nexit 4\n");
    assert_eq!(ran.end, End::Exited(4));
}

#[test]
fn a_flood_is_cut_in_the_middle() {
    let content = "#!/bin/sh\necho first; head -c 3000000 /dev/zero; echo last\n";
    let ran = run(content);
    assert_eq!(ran.end, End::Exited(0));
    assert_eq!(ran.output.left_out(), 3_000_011 - 4096);
    let text = ran.output.text();
    assert!(text.starts_with("first\n") && text.ends_with("last\n"));
    assert!(text.contains("[2995915 bytes left out]"), "{}", text.len());
    assert!(text.len() < 4200);
    for (length, cut) in [(4096, 0), (4097, 1)] {
        let content = format!("#!/bin/sh\nhead -c {length} /dev/zero\n");
        assert_eq!(run(&content).output.left_out(), cut, "{length}");
    }
}

#[test]
fn the_caller_can_stop_it() {
    struct Stop(AtomicBool);
    impl Progress for Stop {
        fn begin(&self, _: &str, _: u64) {}
        fn advance(&self, _: u64) {}
        fn cancelled(&self) -> bool {
            self.0.swap(true, Ordering::Relaxed)
        }
    }
    let ran = script("#!/bin/sh\nsleep 60\n").run(&Stop(AtomicBool::new(false)));
    assert_eq!(ran.unwrap().end, End::Cancelled);
}

#[test]
fn its_root_is_the_given_one_with_devices_that_go_away_again() {
    let Some(home) = root() else { return };
    let dir = Dir::open(home.path()).unwrap();
    let content = "#!/bin/sh\n\
        ls /\necho lost >/dev/null\nls /dev\necho kept >/tmp/mark\ncd ..; pwd\n\
        ls /proc/self/root/\ncat /../../etc/passwd\n";
    let program = Program {
        root: Some(&dir),
        ..script(content)
    };
    let ran = program.run(&Silent).unwrap();
    let text = ran.output.text();
    let tree = "bin\ndev\nproc\ntmp\n";
    let expected = format!("{tree}full\nnull\nrandom\nurandom\nzero\n/\n{tree}cat: ");
    assert!(text.starts_with(&expected), "{text}");
    assert!(text.contains("No such file"), "{text}");
    assert_eq!(
        std::fs::read(home.path().join("tmp/mark")).unwrap(),
        b"kept\n"
    );
    for name in ["dev", "proc"] {
        let left = std::fs::read_dir(home.path().join(name)).unwrap().count();
        assert_eq!(left, 0, "{name}");
    }
    // This process still has its own root.
    assert!(Path::new("/etc/passwd").exists());
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(home.path().to_str().unwrap()), "{mounts}");
}

#[test]
fn links_in_the_root_do_not_lead_out_of_it() {
    let Some(home) = root() else { return };
    let outside = tempfile::tempdir().unwrap();
    for name in ["proc", "dev"] {
        std::fs::remove_dir(home.path().join(name)).unwrap();
    }
    std::os::unix::fs::symlink(outside.path(), home.path().join("dev")).unwrap();
    std::os::unix::fs::symlink(outside.path(), home.path().join("proc")).unwrap();
    let dir = Dir::open(home.path()).unwrap();
    let program = Program {
        root: Some(&dir),
        ..script("#!/bin/sh\n")
    };
    assert_eq!(program.run(&Silent).unwrap_err().code(), "E_NO_PROC");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_root_without_a_place_for_proc_is_refused() {
    let Some(home) = root() else { return };
    let dir = Dir::open(home.path()).unwrap();
    std::fs::remove_dir(home.path().join("proc")).unwrap();
    let program = Program {
        root: Some(&dir),
        ..script("#!/bin/sh\n")
    };
    assert_eq!(program.run(&Silent).unwrap_err().code(), "E_NO_PROC");
}
