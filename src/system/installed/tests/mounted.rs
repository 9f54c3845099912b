use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::super::{Class, FixOptions};
use super::world::{World, found, steps};

/// A file system in memory, unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(path: PathBuf) -> Option<Self> {
        let mut command = Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", "size=64k", "none"])
            .arg(&path);
        let mounted = command.output().is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("skipped: another file system over an image: cannot mount a tmpfs here");
        }
        mounted.then_some(Self(path))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A program that another test starts at this moment may have it open for a while yet.
        let done = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()), "umount");
    }
}

#[test]
fn nothing_on_another_file_system_is_compared_repaired_or_removed() {
    let world = World::new();
    fs::create_dir(world.path("usr/lib/mine")).unwrap();
    let Some(over) = Mount::new(world.path("usr/bin")) else {
        return;
    };
    let Some(extra) = Mount::new(world.path("usr/lib/mine")) else {
        return;
    };
    for directory in [&over.0, &extra.0] {
        fs::write(directory.join("precious"), b"x").unwrap();
    }
    let report = world.report();
    let hidden: Vec<_> = found(&report)
        .into_iter()
        .map(|(path, class, _)| {
            assert_eq!(class, Class::Hidden);
            path
        })
        .collect();
    assert_eq!(
        hidden,
        [
            "usr/bin",
            "usr/bin/ash",
            "usr/bin/bash",
            "usr/bin/sh",
            "usr/bin/su",
            "usr/lib/mine"
        ]
    );
    assert_eq!(report.problems(), 0);
    let options = FixOptions {
        local: true,
        remove_extra: true,
    };
    assert_eq!(steps(&world.plan(&report, options)), []);
}

#[test]
fn a_full_disk_fails_a_repair_and_leaves_the_old_file() {
    let world = World::new();
    let Some(mount) = Mount::new(world.path("usr/lib/empty")) else {
        return;
    };
    // The image once more, on a file system with too little room for its largest file.
    let root = crate::fsio::Dir::open(&mount.0).unwrap();
    fs::create_dir_all(mount.0.join("usr/bin")).unwrap();
    fs::write(mount.0.join("usr/bin/sh"), b"old").unwrap();
    let expected = world.expected();
    let report = super::super::compare(
        &root,
        &expected,
        &world.only(&["usr/bin/sh"]),
        &crate::progress::Silent,
    );
    let plan = super::super::plan(&report.unwrap(), &expected, FixOptions::default()).unwrap();
    let (index, table) = (&world.built.index, &world.built.table);
    let mut members = crate::payload::Members::new(&world.payload, index, table).unwrap();
    let silent = &crate::progress::Silent;
    let refused = super::super::apply(&root, &expected, &mut members, &plan, silent, &mut |_| {});
    assert_eq!(refused.unwrap_err().code(), "E_NO_SPACE");
    // As if the room had gone after it was asked for.
    let short = super::super::FixPlan { bytes: 0, ..plan };
    let failed = super::super::apply(&root, &expected, &mut members, &short, silent, &mut |_| {});
    assert_eq!(failed.unwrap_err().code(), "E_NO_SPACE");
    assert_eq!(fs::read(mount.0.join("usr/bin/sh")).unwrap(), b"old");
    drop(root);
}
