//! Other people's tools read our payloads.
//!
//! They are part of what is promised, so a missing tool is a failure: `cargo xtask` installs them.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::build::{build, plain};
use super::trees::{facts, make, set_times};
use crate::fsio::{Attributes, Dir, set_file_attributes};
use crate::payload::{Compression, TreeOptions};

fn run(command: &mut Command) -> String {
    let output = command
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask setup` installs it"));
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {talk}");
    talk
}

fn equal_trees(home: &Path, archive: &Path, unpack: impl Fn(&Path, &Path)) {
    let target = home.join("out");
    std::fs::create_dir(&target).unwrap();
    unpack(archive, &target);
    let (one, other) = (home.join("tree"), target.clone());
    let (one, other) = [one, other]
        .map(|path| facts(&Dir::open(&path).unwrap()))
        .into();
    for (path, fact) in &one {
        assert_eq!(other.get(path), Some(fact), "{path:?}");
    }
    assert_eq!(one.len(), other.len());
    std::fs::remove_dir_all(&target).unwrap();
}

#[test]
fn gnu_tar_and_bsdtar_and_zstd_read_what_is_built() {
    let home = tempfile::tempdir().unwrap();
    let tree = make(&home.path().join("tree"));
    let archive = home.path().join("payload");
    let zstd = TreeOptions {
        compression: Compression::Zstd(3),
        ..TreeOptions::default()
    };
    let precise = TreeOptions {
        nanoseconds: true,
        ..plain()
    };
    for options in [plain(), zstd, precise] {
        let (payload, _) = build(&tree, &options);
        std::fs::write(&archive, payload).unwrap();
        let compressed = options.compression != Compression::None;
        if compressed {
            run(Command::new("zstd").arg("-tq").arg(&archive));
        }
        equal_trees(home.path(), &archive, |archive, target| {
            let mut tar = Command::new("tar");
            if compressed {
                tar.arg("--zstd");
            }
            tar.args(["--xattrs", "--xattrs-include=*", "--same-permissions"]);
            let talk = run(tar.arg("-xf").arg(archive).arg("-C").arg(target));
            assert_eq!(talk, "");
        });
        equal_trees(home.path(), &archive, |archive, target| {
            let mut bsdtar = Command::new("bsdtar");
            let talk = run(bsdtar.arg("-xpf").arg(archive).arg("-C").arg(target));
            assert_eq!(talk, "");
        });
    }
}

#[test]
fn gnu_tar_reads_attributes_with_odd_names() {
    let home = tempfile::tempdir().unwrap();
    let tree = Dir::open_or_create(&home.path().join("tree"), 0o755).unwrap();
    let file = tree.create_file("file", 0o644).unwrap();
    let attributes = Attributes {
        xattrs: &[(OsStr::new("user.odd=%"), b"x=y\n")],
        ..Attributes::default()
    };
    set_file_attributes(&file, Path::new("file"), &attributes).unwrap();
    set_times(&tree);
    let archive = home.path().join("payload");
    std::fs::write(&archive, build(&tree, &plain()).0).unwrap();
    equal_trees(home.path(), &archive, |archive, target| {
        let mut tar = Command::new("tar");
        tar.args(["--xattrs", "--xattrs-include=*", "-xf"]);
        run(tar.arg(archive).arg("-C").arg(target));
    });
}
