//! A small real root: busybox, our own program with the libraries it needs, and a few lines of shell.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::uml::{self, End};

/// What of busybox the scripts in the machine use.
const APPLETS: &[&str] = &[
    "sh",
    "cat",
    "cp",
    "date",
    "echo",
    "grep",
    "ls",
    "mkdir",
    "mount",
    "mv",
    "poweroff",
    "reboot",
    "rm",
    "sed",
    "sleep",
    "switch_root",
    "sync",
    "test",
    "touch",
    "umount",
];

/// The first process of the machine. `/etc/rc` is what a good and a bad image differ in.
const INIT: &str = r#"#!/bin/sh
export PATH=/bin:/sbin:/usr/bin
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
for word in $(cat /proc/cmdline); do
    case "$word" in
    test.top=/dev/*) mount -t btrfs -o subvolid=5 "${word#*=}" /var/lib/isi ;;
    test.top=*) mount -t hostfs -o "${word#*=}" none /var/lib/isi ;;
    esac
done
echo "test: booted $(cat /etc/release)"
echo "test: kernel $(cat /proc/version)"
. /etc/rc
isi upgrade bootenv check
echo "test: check ended with $?"
if test -e /var/lib/isi/todo; then
    mv /var/lib/isi/todo /run/todo
    . /run/todo
    echo "test: did what was to do"
fi
sync
echo "test: turns off"
poweroff -f
"#;

/// How an image behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should: it comes up and is looked at.
    Good,
    /// It comes up, and nobody looks whether it is well.
    Unseen,
    /// Its first process ends.
    Panics,
    /// It never gets anywhere.
    Hangs,
    /// It comes up and starts anew.
    Restarts,
    /// Its first process ends, and none of its scripts says so: a machine whose emulator fails.
    Fails,
}

impl Manner {
    fn rc(self) -> String {
        match self {
            Self::Good => ":\n".to_owned(),
            Self::Unseen => announced(End::Off, "poweroff -f\nsleep 60"),
            Self::Panics => announced(End::Panic, "exit 1"),
            Self::Restarts => announced(End::Restart, "reboot -f\nsleep 60"),
            Self::Hangs => announced(End::Hung, "while :; do sleep 1; done"),
            Self::Fails => "exit 1\n".to_owned(),
        }
    }
}

/// Lines of shell that say how the machine will end before they let it.
pub(crate) fn announced(end: End, lines: &str) -> String {
    format!("echo '{}'\n{lines}\n", end.announcement())
}

/// Makes the root of a system that calls itself `release` at `root`, which may be there already.
pub(crate) fn make(root: &Path, release: &str, manner: Manner) {
    fs::create_dir_all(root).unwrap();
    let from = base().join(".");
    run("cp", &["-a", text(&from), text(root)]);
    fs::write(root.join("etc/release"), format!("{release}\n")).unwrap();
    fs::write(root.join("etc/rc"), manner.rc()).unwrap();
}

/// What all images have in common, made once.
fn base() -> &'static Path {
    static BASE: OnceLock<TempDir> = OnceLock::new();
    let directory = BASE.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        fill(directory.path());
        directory
    });
    directory.path()
}

fn fill(root: &Path) {
    for name in [
        "bin",
        "dev",
        "etc/isi",
        "proc",
        "run",
        "sbin",
        "sys",
        "tmp",
        "usr/bin",
        "var/lib/isi",
    ] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    program(root, &uml::find("busybox").unwrap(), "bin/busybox");
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    let isi = PathBuf::from(env!("CARGO_BIN_EXE_isi"));
    program(root, &isi, "usr/bin/isi");
    // Half of a program built for development is there for debuggers; without strip it is only larger.
    let stripped = Command::new("strip").arg(root.join("usr/bin/isi")).status();
    drop(stripped);
    symlink("/var/lib/isi/trust", root.join("etc/isi/trust")).unwrap();
    let init = root.join("sbin/init");
    fs::write(&init, INIT).unwrap();
    fs::set_permissions(&init, Permissions::from_mode(0o755)).unwrap();
}

/// Copies a program and every library it needs to where it expects them.
fn program(root: &Path, from: &Path, to: &str) {
    fs::copy(from, root.join(to)).unwrap();
    for library in libraries(from) {
        let target = root.join(library.strip_prefix("/").unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&library, target).unwrap();
    }
}

/// What `ldd` says a program needs; nothing for a static one.
fn libraries(program: &Path) -> BTreeSet<PathBuf> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .filter(|word| word.starts_with('/') && !word.ends_with(':'))
        .map(PathBuf::from)
        .collect()
}

/// Runs a program that has to succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}

/// A path as text; the tests choose none that is not.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
