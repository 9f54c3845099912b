//! Import where files can share blocks: the copy costs no room; needs root for the mount.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use isi_catalog::catalog::Access;
use isi_catalog::fsio::Dir;

use crate::world::{Kit, digest_of, expect_sound, import, open, world};

/// Bytes of payload.
const PAYLOAD: usize = 24 << 20;
/// What database, log and directories may take.
const SPARE: u64 = 2 << 20;

/// An xfs in a file, unmounted when dropped.
struct Xfs {
    at: PathBuf,
    /// Holds the image.
    home: tempfile::TempDir,
}

impl Xfs {
    fn new() -> Result<Self, String> {
        let home = tempfile::tempdir().unwrap();
        let (image, at) = (home.path().join("image"), home.path().join("xfs"));
        // The smallest that mkfs.xfs makes; a file with holes.
        File::create(&image).unwrap().set_len(320 << 20).unwrap();
        std::fs::create_dir(&at).unwrap();
        let [image, mount] = [&image, &at].map(|path| path.to_str().unwrap());
        run("mkfs.xfs", &["-q", "-m", "reflink=1", image])?;
        run("mount", &["-t", "xfs", "-o", "loop", image, mount])?;
        Ok(Self { at, home })
    }

    /// Free bytes once everything is on disk.
    fn free(&self) -> u64 {
        run("sync", &["-f", self.at.to_str().unwrap()]).unwrap();
        Dir::open(&self.at).unwrap().free_space().unwrap()
    }
}

impl Drop for Xfs {
    fn drop(&mut self) {
        run("umount", &["--lazy", self.at.to_str().unwrap()]).unwrap();
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    let status = command.args(arguments).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

#[test]
fn an_import_on_xfs_costs_no_second_copy() {
    let disk = match Xfs::new() {
        Ok(disk) => disk,
        Err(reason) => {
            return eprintln!("skipped: import with shared blocks: no xfs here: {reason}");
        }
    };
    let kit = Kit {
        payload: noise(PAYLOAD),
        ..Kit::default()
    };
    let made = world().make(&disk.home.path().join("package.isi"), kit, Some("signer"));
    // Another process writes it: what this one has open, each process that another test is just starting has
    // open for a moment, too, and xfs keeps spare blocks at the end of an open file.
    let package = disk.at.join("package.isi");
    let [from, to] = [&made, &package].map(|path| path.to_str().unwrap());
    run("cp", &[from, to]).unwrap();
    let root = disk.at.join("catalog");
    let before = disk.free();
    let id = import(&mut open(&root, Access::Write).unwrap(), &package)
        .unwrap()
        .artifact
        .id;
    let taken = before - disk.free();
    assert!(taken < SPARE, "{taken} bytes for a package of {PAYLOAD}");
    expect_sound(&root);
    // The copy stands on its own when the original goes.
    std::fs::write(&package, "gone").unwrap();
    let text = id.to_string();
    let artifact = Path::new("artifacts").join(&text[..2]).join(&text);
    assert_eq!(
        digest_of(&root.join(artifact).join("package.isi")),
        id.digest()
    );
    eprintln!("{taken} bytes taken by the import of {PAYLOAD}");
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}
