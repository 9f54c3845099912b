//! Command lines that are wrong: exit code 2, the reason on the error stream, nothing on the other.

use crate::support::{Place, compare};

#[test]
fn nothing_at_all() {
    compare!(Place::new().packager(&[]));
}

#[test]
fn unknown_command() {
    compare!(Place::new().isi(&["upgarde"]));
}

#[test]
fn unknown_flag() {
    compare!(Place::new().packager(&["verify", "--pakcage", "x"]));
}

#[test]
fn missing_flag() {
    compare!(Place::new().packager(&["verify"]));
}

#[test]
fn wrong_time() {
    compare!(Place::new().packager(&["verify", "--package", "x", "--at", "yesterday"]));
}

#[test]
fn quiet_and_verbose_at_once() {
    let run = Place::new().packager(&["verify", "--package", "x", "-q", "-v"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
}
