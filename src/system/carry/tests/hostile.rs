use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::world::{World, image, lists, name};
use crate::fsio::Dir;
use crate::payload::EntryPath;
use crate::system::carry::{Put, put_text, remove};
use crate::system::merge::Rights;
use crate::system::{Choice, Lists, resolve};

/// A directory that nothing may be written to or removed from.
struct Outside(tempfile::TempDir);

impl Outside {
    fn new() -> Self {
        let outside = tempfile::tempdir().unwrap();
        for file in ["a", "passwd", "sub/x"] {
            let path = outside.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "precious").unwrap();
        }
        Self(outside)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn link(&self) -> String {
        format!("->{}", self.path().display())
    }

    fn assert_untouched(&self) {
        for file in ["a", "passwd", "sub/x"] {
            assert_eq!(
                fs::read_to_string(self.path().join(file)).unwrap(),
                "precious",
                "{file}"
            );
        }
        assert_eq!(fs::read_dir(self.path()).unwrap().count(), 3);
        assert_eq!(fs::read_dir(self.path().join("sub")).unwrap().count(), 1);
    }
}

#[test]
fn c09_a_link_in_the_image_in_place_of_a_directory_is_not_followed() {
    let (world, outside) = (World::new(), Outside::new());
    let one = image(&[("lib/a", "1"), ("etc/d/a", "1"), ("opt/x/y", "1")]);
    world.install("one", None, &one, &Lists::default());
    world.write("one", "lib/mine", "m");
    world.write("one", "etc/d/a", "mine");
    world.write("one", "etc/d/mine", "m");
    let link = outside.link();
    let two = image(&[("lib", &link), ("etc/d", &link), ("opt/x", &link)]);
    world.install(
        "two",
        Some("one"),
        &two,
        &lists("lib/a\nopt/x/y\netc/d/passwd", "opt/x/y\nlib/a\n"),
    );
    outside.assert_untouched();
    world.install(
        "three",
        Some("two"),
        &one,
        &lists("lib/passwd\nopt/x/a", "lib/passwd\nopt/x/\nlib/\netc/d/a\n"),
    );
    outside.assert_untouched();
    // The link itself may be skipped, too; what it leads to is nobody's business.
    world.install("four", Some("two"), &one, &lists("lib\nopt/x", ""));
    outside.assert_untouched();
    assert_eq!(
        fs::read_link(world.path("four", "lib")).unwrap(),
        outside.path()
    );
}

#[test]
fn c09_configuration_that_is_a_link_is_not_followed() {
    let (world, outside) = (World::new(), Outside::new());
    let link = outside.link();
    let plain = image(&[("etc/a", "1"), ("etc/passwd", "1")]);
    world.install("one", None, &plain, &Lists::default());
    // The old environment's /etc leads elsewhere.
    fs::remove_dir_all(world.path("one", "etc")).unwrap();
    world.write("one", "etc", &link);
    world.install("two", Some("one"), &plain, &Lists::default());
    outside.assert_untouched();
    assert_eq!(
        fs::read_link(world.path("two", "etc")).unwrap(),
        outside.path()
    );
    // So does the new image's.
    let linked = image(&[("etc", &link)]);
    world.install("three", None, &plain, &Lists::default());
    world.write("three", "etc/a", "mine");
    world.install("four", Some("three"), &linked, &Lists::default());
    outside.assert_untouched();
}

#[test]
fn c09_a_decision_writes_nothing_through_a_link() {
    let (world, outside) = (World::new(), Outside::new());
    world.install("one", None, &image(&[("etc/d/a", "1")]), &Lists::default());
    world.write("one", "etc/d/a", "mine");
    world.install(
        "two",
        Some("one"),
        &image(&[("etc/d/a", "2")]),
        &Lists::default(),
    );
    fs::remove_dir_all(world.path("two", "etc/d")).unwrap();
    symlink(outside.path(), world.path("two", "etc/d")).unwrap();
    let path = EntryPath::new(b"etc/d/a").unwrap();
    let (text, from) = (&b"x"[..], Path::new("file"));
    for choice in [Choice::Theirs, Choice::Text { text, from }] {
        let error = resolve(&world.system, &name("two"), &path, choice).unwrap_err();
        assert_eq!(error.code(), "E_NAME", "{choice:?}");
    }
    outside.assert_untouched();
}

#[test]
fn c08_what_is_put_or_removed_stays_below_the_root() {
    let (home, outside) = (tempfile::tempdir().unwrap(), Outside::new());
    let root = Dir::open(home.path()).unwrap();
    symlink(outside.path(), home.path().join("link")).unwrap();
    symlink(outside.path().join("a"), home.path().join("file")).unwrap();
    let (mode, uid, gid) = (
        0o644,
        rustix::process::getuid().as_raw(),
        rustix::process::getgid().as_raw(),
    );
    let rights = Rights {
        mode,
        uid,
        gid,
        xattrs: Vec::new(),
    };
    let put = Put {
        text: b"evil",
        rights: &rights,
        mtime: None,
    };
    let path = |text: &str| EntryPath::new(text.as_bytes()).unwrap();
    for below in ["link/a", "link/new", "link/sub/x"] {
        assert!(put_text(&root, &path(below), put).is_err(), "{below}");
        remove(&root, &path(below)).unwrap();
    }
    put_text(&root, &path("file"), put).unwrap();
    assert_eq!(
        fs::read_to_string(home.path().join("file")).unwrap(),
        "evil"
    );
    remove(&root, &path("link")).unwrap();
    outside.assert_untouched();
}

#[test]
#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn what_is_mounted_in_the_old_environment_is_not_entered() {
    let world = World::new();
    let one = image(&[("bin/x", "1"), ("mnt/", ""), ("etc/a", "1")]);
    world.install("one", None, &one, &Lists::default());
    world.write("one", "etc/mounted/", "");
    let places = [world.path("one", "mnt"), world.path("one", "etc/mounted")];
    let mut mounted = Vec::new();
    for place in &places {
        let status = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "tmpfs"])
            .arg(place)
            .output();
        if !status.is_ok_and(|output| output.status.success()) {
            break;
        }
        mounted.push(Mounted(place.clone()));
        fs::write(place.join("elsewhere"), "x").unwrap();
    }
    if mounted.len() < places.len() {
        return eprintln!("skipped: mount points in an environment: cannot mount a tmpfs here");
    }
    let two = image(&[("bin/x", "2"), ("etc/a", "2")]);
    world.install(
        "two",
        Some("one"),
        &two,
        &lists("mnt", "mnt/elsewhere\nmnt/\n"),
    );
    assert_eq!(world.names("two"), ["bin/x", "etc/a"]);
    assert!(world.path("two", "mnt").is_dir());
    for place in &places {
        assert!(place.join("elsewhere").exists());
    }
}

/// Unmounts at the end, whatever happens.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        // A program that another test starts at this moment may have it open for a while yet.
        let mut umount = std::process::Command::new("umount");
        let status = umount.arg("--lazy").arg(&self.0).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{}",
            self.0.display()
        );
    }
}
