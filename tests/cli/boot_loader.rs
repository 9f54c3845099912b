//! What another reader of the Boot Loader Specification makes of our entries: `bootctl`, where it is installed.

use std::fs::{self, File};
use std::process::Command;

use crate::support::Place;

/// An ext4 in a file; `bootctl` wants the root of a file system.
struct Disk(std::path::PathBuf);

impl Disk {
    fn new(place: &Place) -> Result<Self, String> {
        let (image, at) = (place.path("image"), place.path("boot"));
        File::create(&image).unwrap().set_len(16 << 20).unwrap();
        fs::create_dir(&at).unwrap();
        let [file, directory] = [&image, &at].map(|path| path.to_str().unwrap());
        let run = |program: &str, arguments: &[&str]| match Command::new(program)
            .args(arguments)
            .output()
        {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(format!("{program}: {}", output.status)),
            Err(error) => Err(format!("{program}: {error}")),
        };
        run("bootctl", &["--version"])?;
        run("mkfs.ext4", &["-q", "-F", file])?;
        run("mount", &["-o", "loop", file, directory])?;
        Ok(Self(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(unmounted.unwrap().success());
    }
}

#[test]
fn bootctl_reads_the_same_entries_counters_and_default() {
    let place = Place::with_pki();
    let _disk = match Disk::new(&place) {
        Ok(disk) => disk,
        Err(reason) => return eprintln!("skipped: entries as bootctl reads them: {reason}"),
    };
    let bootenv = |arguments: &[&str]| {
        let target = ["--home", "home", "--root", "boot"];
        let all = [&["upgrade", "bootenv"], arguments, &target].concat();
        place.isi(&all).succeeded()
    };
    for name in ["one", "two", "three"] {
        bootenv(&["create", name, "--empty", "--storage", "dir"]);
        for file in ["vmlinuz", "vmlinuz.old"] {
            place.write(&format!("boot/kernels/{name}/{file}"), "kernel");
        }
        let path = format!("boot/records/{name}.json");
        let text = String::from_utf8(place.read(&path)).unwrap();
        let old = if name == "two" {
            ", \"old\": {\"kernel\": \"vmlinuz.old\"}"
        } else {
            ""
        };
        let boot = "\"kernel\": \"vmlinuz\", \"options\": \"quiet root=/dev/vda\"";
        let boot = format!("\"boot\": {{{boot}{old}}}");
        place.write(&path, text.replace("\"boot\": null", &boot));
        // The entry is made of the record when there is none.
        fs::remove_file(place.path(&format!("boot/loader/entries/isi-{name}+3.conf"))).unwrap();
        bootenv(&["activate", name]);
    }
    bootenv(&["mark-good", "one"]);
    bootenv(&["activate", "two", "--tries", "5"]);
    bootenv(&["select"]);
    bootenv(&["select"]);
    let output = Command::new("bootctl")
        .arg(format!("--esp-path={}", place.path("boot").display()))
        .args(["--json=short", "list"])
        .env("SYSTEMD_RELAX_ESP_CHECKS", "1")
        .output()
        .unwrap();
    let run = place.finished(&output).succeeded();
    let text = run.stdout.replace("}\n{", "},{");
    let text = if text.starts_with('[') {
        text
    } else {
        format!("[{text}]")
    };
    let entries: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    for (name, left, done) in [
        ("one", None, None),
        ("two", Some(3), Some(2)),
        ("three", Some(3), Some(0)),
    ] {
        let id = format!("isi-{name}.conf");
        let entry = entries.iter().find(|entry| entry["id"] == id.as_str());
        let entry = entry.unwrap_or_else(|| panic!("{id} is not in {text}"));
        assert_eq!(entry["linux"], format!("/kernels/{name}/vmlinuz"));
        assert_eq!(
            entry["options"],
            format!("isi.env={name} quiet root=/dev/vda")
        );
        assert_eq!(entry["triesLeft"].as_u64(), left, "{name}");
        assert_eq!(
            entry["triesDone"].as_u64().or(left.and(Some(0))),
            done,
            "{name}"
        );
    }
    // The kernel that was kept is one more, which comes after all others and counts nothing.
    let old = entries.last().unwrap();
    assert_eq!(old["id"], "isi.old-two.conf", "{text}");
    assert_eq!(old["linux"], "/kernels/two/vmlinuz.old");
    assert_eq!(
        old["options"],
        "isi.env=two isi.kernel=old quiet root=/dev/vda"
    );
    assert_eq!(old["triesLeft"].as_u64(), None);
    assert_eq!(entries.len(), 4, "{text}");
    let output = Command::new("bootctl")
        .arg(format!("--esp-path={}", place.path("boot").display()))
        .args(["--no-pager", "list"])
        .env("SYSTEMD_RELAX_ESP_CHECKS", "1")
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let default = shown.lines().find(|line| line.contains("(default)"));
    assert!(
        default.is_some_and(|line| line.contains("title: two")),
        "{shown}"
    );
}
