//! A machine whose firmware knows nothing: an initial RAM disk asks our selector, and goes on from there.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::image::{self, Manner};
use crate::machine::{self, Machine};
use crate::uml::{self, Boot, End};

/// What the machine runs first. It passes on in a variable what `isi.env` would say.
const INIT: &str = r#"#!/bin/sh
export PATH=/bin:/usr/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
exec >/dev/console 2>&1
for word in $(cat /proc/cmdline); do
    case "$word" in
    test.top=/dev/*) device=${word#*=} ; mount -t btrfs -o subvolid=5 "$device" /var/lib/isi ;;
    test.top=*) device= ; mount -t hostfs -o "${word#*=}" none /var/lib/isi ;;
    esac
done
root=$(isi upgrade bootenv select) || { echo "test: nothing to boot"; echo "test: turns off"; poweroff -f; }
name=${root##*/}
echo "test: chose $name"
if test -n "$device"; then
    mount -t btrfs -o "subvol=${root#/var/lib/isi/}" "$device" /newroot
else
    mount --bind "$root" /newroot
fi
mount --move /dev /newroot/dev
umount /var/lib/isi
umount /proc
ISI_BOOTED=$name exec switch_root /newroot /sbin/init
"#;

/// Packs the initial RAM disk into a file below `directory`.
fn pack(directory: &Path) -> PathBuf {
    let tree = tempfile::tempdir_in(directory).unwrap();
    image::make(tree.path(), "initial RAM disk", Manner::Good);
    fs::create_dir(tree.path().join("newroot")).unwrap();
    let init = tree.path().join("init");
    fs::write(&init, INIT).unwrap();
    fs::set_permissions(init, Permissions::from_mode(0o755)).unwrap();
    let archive = directory.join("initrd.cpio");
    let mut find = Command::new("find")
        .arg(".")
        .current_dir(tree.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let names = find.stdout.take().unwrap();
    let packed = Command::new("busybox")
        .args(["cpio", "-o", "-H", "newc"])
        .current_dir(tree.path())
        .stdin(names)
        .stdout(File::create(&archive).unwrap())
        .stderr(Stdio::null())
        .status();
    assert!(packed.unwrap().success() && find.wait().unwrap().success());
    archive
}

/// Presses the button: the machine starts from its initial RAM disk, and as often anew as it wants to.
fn press(machine: &mut Machine) -> Boot {
    let archive = pack(machine.medium.beside());
    machine.medium.lend(|medium| {
        let root = medium.top();
        let mut words: Vec<String> = (medium.boot_words(&root).into_iter())
            .filter(|word| word.starts_with("ubd0=") || word.starts_with("test.top="))
            .collect();
        words.push(format!("initrd={}", archive.display()));
        uml::boot_as_often_as_it_wants(medium.beside(), &words)
    })
}

#[test]
fn a_machine_finds_its_way_back_alone() {
    machine::on_each_kind(|mut machine| {
        let old = machine.environment("old", "Test OS 1", Manner::Good);
        machine.good(&old);
        // It comes up and finds nothing better to do than to start anew, and nobody marks it good.
        let new = machine.environment("new", "Test OS 2", Manner::Restarts);
        machine.activate(&new, 2, false);
        let boot = press(&mut machine);
        assert_eq!(boot.end, End::Off, "{}", boot.console);
        let told: Vec<&str> = (boot.console.lines())
            .filter_map(|line| line.strip_prefix("test: "))
            .filter(|line| line.starts_with("chose") || line.starts_with("booted"))
            .collect();
        let [new, old] = [
            ["chose new", "booted Test OS 2"],
            ["chose old", "booted Test OS 1"],
        ];
        assert_eq!(told, [new, new, old].concat(), "{}", boot.console);
    });
}
