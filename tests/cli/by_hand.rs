//! A machine that was installed by hand, and comes under this tool with `bootenv create --from-root`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use crate::support::{Place, Run};

const SYSTEM: &str = "by-hand/var/lib/isi/system";

fn isi(place: &Place, arguments: &[&str]) -> Run {
    let target = ["--root", SYSTEM, "--home", "home"];
    place.isi(&[&["upgrade"], arguments, &target].concat())
}

/// The root of such a machine; its system is to be below it.
fn by_hand() -> Place {
    let place = Place::with_pki();
    place.write("by-hand/etc/os-release", "ID=hand\nVERSION_ID=12.5\n");
    place.write("by-hand/bin/tool", "tool\n");
    place.write("by-hand/var/lib/isi/catalog/artifact", "not the system's\n");
    let root = place.path("by-hand");
    fs::set_permissions(root.join("bin/tool"), fs::Permissions::from_mode(0o4750)).unwrap();
    fs::hard_link(root.join("bin/tool"), root.join("bin/again")).unwrap();
    symlink("tool", root.join("bin/link")).unwrap();
    place
}

#[test]
fn it_is_copied_started_and_committed_as_an_image_of_its_own() {
    let place = by_hand();
    let create = ["bootenv", "create", "first", "--from-root", "by-hand"];
    isi(&place, &create).succeeded();
    let copy = format!("{SYSTEM}/environments/first");
    assert_eq!(
        place.names(&format!("{copy}/bin")),
        ["again", "link", "tool"]
    );
    let status = |name: &str| fs::symlink_metadata(place.path(&format!("{copy}/bin/{name}")));
    let tool = status("tool").unwrap();
    assert_eq!(tool.mode() & 0o7777, 0o4750);
    assert_eq!(
        (tool.ino(), tool.nlink()),
        (status("again").unwrap().ino(), 2)
    );
    // What is the system's own is left out; what is beside it is not.
    assert_eq!(
        place.names(&format!("{copy}/var/lib/isi")),
        ["catalog", "system"]
    );
    assert_eq!(place.names(&format!("{copy}/var/lib/isi/system")), [""; 0]);

    let listed = isi(&place, &["bootenv", "list", "--no-header", "--no-footer"]);
    assert!(
        listed.stdout.starts_with("first trial, 3 left"),
        "{}",
        listed.stdout
    );
    for command in [
        &["bootenv", "activate", "first"][..],
        &["bootenv", "select"],
        &["bootenv", "check"],
    ] {
        isi(&place, command).succeeded();
    }
    let dry = isi(&place, &["commit", "--dry-run"]).succeeded();
    assert!(dry.stdout.contains("W_OWN_IMAGE"), "{}", dry.stdout);
    isi(&place, &["commit", "--force"]).succeeded();
    let view = isi(&place, &["view"]).succeeded();
    assert!(view.stdout.contains("12.5"), "{}", view.stdout);
    // The image is the system: nothing differs, not even by a fraction of a second.
    isi(&place, &["verify-installed"]).succeeded();
    let list = ["catalog", "list", "--format", "csv", "--no-header"];
    let list = place.upgrade(&list);
    assert!(list.stdout.contains("OneFS"), "{}", list.text());
}

#[test]
fn its_kernel_is_copied_and_booted_and_comes_with_its_image() {
    let place = by_hand();
    place.write("by-hand/boot/vmlinuz-6.1", "kernel");
    place.write("by-hand/boot/initrd.img-6.1", "disk");
    symlink("vmlinuz-6.1", place.path("by-hand/boot/vmlinuz")).unwrap();
    let create = ["bootenv", "create", "first", "--from-root", "by-hand"];
    let files = |kernel: &'static str| {
        let initrd = ["--initrd", "by-hand/boot/initrd.img-6.1"];
        [&create[..], &["--kernel", kernel], &initrd].concat()
    };
    for (kernel, code) in [
        ("by-hand/boot/gone", "E_IO"),
        ("by-hand/boot", "E_NOT_REGULAR"),
        ("by-hand/boot/initrd.initrd", "E_KERNEL_NAME"),
    ] {
        place.write("by-hand/boot/initrd.initrd", "disk");
        let refused = isi(&place, &files(kernel));
        assert_eq!(refused.code, Some(1), "{}", refused.text());
        let code = format!("code: {code}\n");
        assert!(refused.stderr.contains(&code), "{}", refused.text());
        assert!(!place.path(SYSTEM).exists(), "{kernel}");
    }
    isi(&place, &files("by-hand/boot/vmlinuz")).succeeded();
    let read = |file: &str| place.read(&format!("{SYSTEM}/kernels/first/{file}"));
    assert_eq!(read("vmlinuz"), b"kernel");
    assert_eq!(read("vmlinuz.initrd"), b"disk");
    isi(&place, &["bootenv", "activate", "first"]).succeeded();
    let selected = isi(&place, &["bootenv", "select", "--format", "json"]).succeeded();
    let selected: serde_json::Value = serde_json::from_str(&selected.stdout).unwrap();
    let at = |file: &str| format!("{SYSTEM}/kernels/first/{file}");
    assert_eq!(selected["kernel"], at("vmlinuz"));
    assert_eq!(selected["initrd"][0], at("vmlinuz.initrd"));
    isi(&place, &["bootenv", "check"]).succeeded();
    isi(&place, &["commit", "--force"]).succeeded();
    let list = ["catalog", "list", "--format", "json"];
    let list = place.isi(&[&["upgrade"], &list[..], &["--home", "home"]].concat());
    let list: serde_json::Value = serde_json::from_str(&list.succeeded().stdout).unwrap();
    let id = list["items"][0]["id"].as_str().unwrap();
    let view = ["upgrade", "catalog", "view", "--id", id, "--format=json"];
    let view = place.isi(&[&view[..], &["--home", "home"]].concat());
    let view: serde_json::Value = serde_json::from_str(&view.succeeded().stdout).unwrap();
    let regions = view["regions"].as_array().unwrap().iter();
    let kernels = regions.filter(|region| region["kind"] == "kernel");
    let names: Vec<_> = kernels
        .map(|region| region["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["vmlinuz", "vmlinuz.initrd"]);
}

#[test]
fn a_kernel_goes_with_what_brings_none_and_a_ram_disk_with_a_kernel() {
    let place = by_hand();
    place.write("linux", "kernel");
    for flags in [
        &["--kernel", "linux"][..],
        &["--kernel", "linux", "--from", "first"],
        &["--empty", "--initrd", "linux"],
    ] {
        let run = isi(&place, &[&["bootenv", "create", "second"], flags].concat());
        assert_eq!(run.code, Some(2), "{}", run.text());
    }
    let create = ["bootenv", "create", "first", "--empty", "--kernel", "linux"];
    isi(&place, &create).succeeded();
    assert_eq!(place.names(&format!("{SYSTEM}/kernels/first")), ["linux"]);
}

#[test]
fn nothing_is_made_of_what_is_not_there_and_nothing_is_copied_over_what_is() {
    let place = by_hand();
    let create = ["bootenv", "create", "first", "--from-root"];
    let nowhere = isi(&place, &[&create[..], &["nowhere"]].concat());
    assert_eq!(nowhere.code, Some(1), "{}", nowhere.text());
    assert!(!place.path(SYSTEM).exists());
    isi(&place, &[&create[..], &["by-hand"]].concat()).succeeded();
    let before = place.digests(SYSTEM);
    let again = isi(&place, &[&create[..], &["by-hand"]].concat());
    assert!(
        again.stderr.contains("code: E_ENVIRONMENT_EXISTS"),
        "{}",
        again.text()
    );
    for other in ["--empty", "--from=first"] {
        let both = isi(&place, &[&create[..], &["by-hand", other]].concat());
        assert_eq!(both.code, Some(2), "{}", both.text());
    }
    assert_eq!(place.digests(SYSTEM), before);
}

/// The copy would hold itself if it were not left out.
#[test]
fn a_directory_that_holds_the_environments_is_copied_without_end_of_its_own() {
    let place = by_hand();
    let create = ["bootenv", "create", "first", "--from-root", "by-hand"];
    isi(&place, &create).succeeded();
    let inside = format!("{SYSTEM}/environments");
    let create = ["bootenv", "create", "second", "--from-root", &inside];
    isi(&place, &create).succeeded();
    assert_eq!(
        place.names(&format!("{inside}/second")),
        [".second.new", "first"]
    );
}

/// Something mounted for the length of a test.
struct Mounted<'a>(&'a Place, &'static str);

impl<'a> Mounted<'a> {
    fn new(place: &'a Place, at: &'static str) -> Option<Self> {
        fs::create_dir_all(place.path(at)).unwrap();
        let run = place.run("mount", &["-t", "tmpfs", "tmpfs", at]);
        (run.code == Some(0)).then_some(Self(place, at))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // Another test may be starting a process, which has for a moment open what this one has.
        self.0.run("umount", &["--lazy", self.1]).succeeded();
    }
}

#[test]
fn what_is_mounted_is_not_copied_and_that_is_told() {
    let place = by_hand();
    let places = ["by-hand/home", "by-hand/tmp"];
    let mounted: Vec<_> = places.map(|at| Mounted::new(&place, at)).into();
    if mounted.iter().any(Option::is_none) {
        eprintln!("skipped: a tree with mount points: nothing can be mounted here");
        return;
    }
    for at in places {
        place.write(&format!("{at}/file"), "of another file system");
    }
    let create = ["bootenv", "create", "first", "--from-root", "by-hand"];
    let run = isi(&place, &create).succeeded();
    let copy = format!("{SYSTEM}/environments/first");
    for directory in ["home", "tmp"] {
        assert_eq!(place.names(&format!("{copy}/{directory}")), [""; 0]);
    }
    assert!(
        run.stderr
            .contains("by-hand/home was copied: it is mounted (W_MOUNTED)"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.matches("W_MOUNTED").count(), 1, "{}", run.stderr);
}
