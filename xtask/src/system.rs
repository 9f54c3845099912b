//! What the machine has to offer besides a Rust toolchain, and how to get it on Debian.

use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

use crate::shell::{self, Outcome, failure};

/// A Debian package, and how to tell that what we want of it is there.
struct Need {
    package: &'static str,
    probe: Probe,
}

enum Probe {
    /// A program on the search path.
    Program(&'static str),
    /// A library that pkg-config knows.
    Library(&'static str),
}

impl Need {
    const fn program(package: &'static str, program: &'static str) -> Self {
        let probe = Probe::Program(program);
        Self { package, probe }
    }

    fn met(&self) -> bool {
        match self.probe {
            Probe::Program(program) => shell::installed(program),
            Probe::Library(name) => {
                shell::succeeds(shell::command("pkg-config").args(["--exists", name]))
            }
        }
    }
}

/// Without these nothing compiles.
const TO_BUILD: &[Need] = &[
    Need::program("gcc", "cc"),
    Need::program("pkg-config", "pkg-config"),
    Need {
        package: "libssl-dev",
        probe: Probe::Library("openssl"),
    },
];

/// The outside tools that have to agree with us.
const TO_CHECK: &[Need] = &[
    Need::program("openssl", "openssl"),
    Need::program("zstd", "zstd"),
    Need::program("tar", "tar"),
    Need::program("libarchive-tools", "bsdtar"),
    Need::program("diffutils", "diff"),
    Need::program("strace", "strace"),
    Need::program("sqlite3", "sqlite3"),
    Need::program("e2fsprogs", "mkfs.ext4"),
    Need::program("xfsprogs", "mkfs.xfs"),
    Need::program("btrfs-progs", "mkfs.btrfs"),
    Need::program("user-mode-linux", "linux"),
    Need::program("busybox-static", "busybox"),
    // The program only: see `apt`.
    Need::program("systemd-boot", "bootctl"),
];

/// Makes sure that the sources can be built.
pub fn ready_to_build() -> Outcome {
    ready(&TO_BUILD.iter().collect::<Vec<_>>())
}

/// Makes sure that the sources can be built, and that the tools the tests compare us with are there.
pub fn ready_to_check() -> Outcome {
    ready(&TO_BUILD.iter().chain(TO_CHECK).collect::<Vec<_>>())
}

/// Installs what is missing when that is allowed, else names it with the command to type.
fn ready(needs: &[&Need]) -> Outcome {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !(is_root() && shell::installed("apt-get")) {
        return failure(format!(
            "this machine lacks {list}\nhint: on Debian: sudo apt-get update && sudo apt-get install -y {list}"
        ));
    }
    println!("== installing {list}");
    apt(&["update", "-qq"])?;
    apt(&["install", "-y", "-qq", "--no-install-recommends"]
        .into_iter()
        .chain(missing)
        .collect::<Vec<_>>())?;
    let still = self::missing(needs);
    if still.is_empty() {
        Ok(())
    } else {
        failure(format!("installed, and still missing: {}", still.join(" ")))
    }
}

fn missing(needs: &[&Need]) -> Vec<&'static str> {
    needs
        .iter()
        .filter(|need| !need.met())
        .map(|need| need.package)
        .collect()
}

fn apt(arguments: &[&str]) -> Outcome {
    let mut apt = shell::command("apt-get");
    apt.args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Where systemd-boot finds an EFI system partition, it makes itself the boot loader as it is installed.
        .env("SYSTEMD_ESP_PATH", "/nonexistent")
        .stdout(Stdio::null());
    shell::run(&mut apt)
}

/// Whether this process may install software.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_by_its_package() {
        let there = Need::program("dash", "sh");
        let gone = Need::program("some-package", "no-such-program");
        let library = Need {
            package: "libnothing-dev",
            probe: Probe::Library("no-such-library"),
        };
        assert_eq!(
            missing(&[&there, &gone, &library]),
            ["some-package", "libnothing-dev"]
        );
    }
}
