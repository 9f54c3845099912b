//! Two processes that want the catalog at once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, Run};

/// Longer than any test takes.
const PATIENT: &str = "--lock-timeout=10m";

/// A process that holds a lock as a writer or a reader does, until it is killed.
pub(crate) struct Holder(Child);

impl Holder {
    /// `None`, and said, where there is no `flock` to make one.
    fn take(place: &Place, kind: &str) -> Option<Self> {
        Self::of(place, "home/catalog/lock", kind)
    }

    /// The same of another lock.
    pub(crate) fn of(place: &Place, lock: &str, kind: &str) -> Option<Self> {
        // The number in the file is that of the process itself, which `exec` keeps.
        let script =
            "test \"$1\" = --shared || printf 'process %s' $$ >\"$0\"; echo held; exec sleep 900";
        let spawned = Command::new("flock")
            .args([kind, "--no-fork", lock, "sh", "-c", script])
            .args([lock, kind])
            .current_dir(place.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = spawned else {
            eprintln!("skipped: two processes that want one lock: flock is not installed");
            return None;
        };
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Some(Self(child))
    }

    fn process(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Holder {
    /// SIGKILL: the process gets no chance to give the lock back.
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A place with an empty catalog and two packages.
fn place() -> Place {
    let place = Place::with_pki();
    place.signed("a.isi");
    place.build_with("b.isi", &["--name", "other"], true);
    place
        .isi(&["upgrade", "catalog", "import", "a.isi", "--home", "home"])
        .succeeded();
    place
}

/// Starts the catalog command in the background.
fn start(place: &Place, arguments: &[&str]) -> Child {
    let arguments = [&["upgrade", "catalog"], arguments, &["--home", "home"]].concat();
    place
        .command("isi", &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn run(place: &Place, arguments: &[&str]) -> Run {
    let output = start(place, arguments).wait_with_output().unwrap();
    place.finished(&output)
}

/// The first line that the command says, which comes while it is running.
fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let stderr = child.stderr.as_mut().unwrap();
    let mut byte = [0];
    while stderr.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
        line.push(char::from(byte[0]));
    }
    line
}

/// Whether the line says for whom, and how much longer at most: on a busy machine much less is left.
#[track_caller]
fn expect_waiting(line: &str, whom: &str) {
    let seconds = 600;
    let left = line
        .strip_prefix(&format!("waiting for {whom} (at most "))
        .and_then(|rest| rest.strip_suffix(" s more)"))
        .and_then(|left| left.parse().ok());
    assert!(left.is_some_and(|left: u64| left < seconds), "{line}");
}

fn writer(holder: &Holder) -> String {
    let process = holder.process();
    format!("process {process}, which is changing the catalog")
}

#[test]
fn a_lock_does_not_outlive_its_process_and_who_waits_says_for_whom() {
    let place = place();
    let Some(holder) = Holder::take(&place, "--exclusive") else {
        return;
    };
    let start_of_wait = Instant::now();
    let mut import = start(&place, &["import", "b.isi", PATIENT]);
    expect_waiting(&first_line(&mut import), &writer(&holder));
    assert!(start_of_wait.elapsed() >= Duration::from_secs(1));
    assert!(import.try_wait().unwrap().is_none());
    drop(holder);
    // Long before it would have ended by itself.
    let output = import.wait_with_output().unwrap();
    place.finished(&output).succeeded();
    // What the killed process wrote into the lock is not taken for a holder.
    let list = run(&place, &["list", "--lock-timeout", "0", "--no-header"]).succeeded();
    assert!(list.stdout.ends_with("Total: 2\n"), "{}", list.stdout);
}

#[test]
fn two_writers_queue_and_both_get_their_turn() {
    let place = place();
    place.build_with("c.isi", &["--name", "third"], true);
    let Some(holder) = Holder::take(&place, "--exclusive") else {
        return;
    };
    let mut imports = ["b.isi", "c.isi"].map(|name| start(&place, &["import", name, PATIENT]));
    for import in &mut imports {
        expect_waiting(&first_line(import), &writer(&holder));
    }
    drop(holder);
    for import in imports {
        let output = import.wait_with_output().unwrap();
        place.finished(&output).succeeded();
    }
    let list = run(&place, &["list", "--no-header"]).succeeded();
    assert!(list.stdout.ends_with("Total: 3\n"), "{}", list.stdout);
}

#[test]
fn without_patience_it_fails_at_once() {
    let place = place();
    let Some(holder) = Holder::take(&place, "--exclusive") else {
        return;
    };
    let refused = run(&place, &["import", "b.isi", "--lock-timeout", "0"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    let sentence = format!(
        "is in use by process {}; gave up after 0 ms\n",
        holder.process()
    );
    assert!(refused.stderr.contains(&sentence), "{}", refused.stderr);
    assert!(
        !refused.stderr.contains("waiting for"),
        "{}",
        refused.stderr
    );
    let end = "  code: E_LOCKED\nhint: try again when it has finished\n\
               hint: to wait longer: --lock-timeout 5m\n";
    assert!(refused.stderr.ends_with(end), "{}", refused.stderr);
    // The configuration and the environment say it as well.
    place.write("home/upgrade.toml", "catalog.lock_timeout = \"0\"\n");
    place
        .run("chmod", &["go-w", "home/upgrade.toml"])
        .succeeded();
    assert_eq!(run(&place, &["list"]).stderr, refused_list(&holder, "0"));
    let list = ["upgrade", "catalog", "list", "--home", "home"];
    let mut command = place.command("isi", &list);
    let output = command.env("ISI_LOCK_TIMEOUT", "30ms").output().unwrap();
    assert_eq!(place.finished(&output).stderr, refused_list(&holder, "30"));
}

fn refused_list(holder: &Holder, milliseconds: &str) -> String {
    format!(
        "error: home/catalog/lock is in use by process {}; gave up after {milliseconds} ms\n  \
         code: E_LOCKED\nhint: try again when it has finished\n\
         hint: to wait longer: --lock-timeout 5m\n",
        holder.process()
    )
}

#[test]
fn readers_keep_a_writer_waiting_but_no_reader() {
    let place = place();
    let Some(holder) = Holder::take(&place, "--shared") else {
        return;
    };
    run(&place, &["list", "--lock-timeout", "0"]).succeeded();
    let mut import = start(&place, &["import", "b.isi", PATIENT]);
    expect_waiting(&first_line(&mut import), "other readers of the catalog");
    drop(holder);
    let output = import.wait_with_output().unwrap();
    place.finished(&output).succeeded();
}

#[test]
fn quiet_waits_in_silence_and_a_signal_ends_the_wait() {
    let place = place();
    let Some(_holder) = Holder::take(&place, "--exclusive") else {
        return;
    };
    let quiet = run(&place, &["list", "--quiet", "--lock-timeout", "1500ms"]);
    assert_eq!(quiet.code, Some(1));
    assert!(quiet.stderr.starts_with("error: "), "{}", quiet.stderr);
    let mut list = start(&place, &["list", PATIENT]);
    first_line(&mut list);
    let process = list.id().to_string();
    place.run("kill", &["-INT", &process]).succeeded();
    let stopped = place.finished(&list.wait_with_output().unwrap());
    assert_eq!(
        (stopped.code, stopped.stderr.as_str()),
        (Some(130), "interrupted\n")
    );
}
