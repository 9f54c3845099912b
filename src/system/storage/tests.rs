//! The behaviour that every kind of storage has.

#![allow(clippy::print_stderr, reason = "what is skipped is said")]

use std::path::Path;

use super::*;
use crate::progress::Silent;

fn name(text: &str) -> EnvName {
    text.parse().unwrap()
}

fn texts(names: Vec<EnvName>) -> Vec<String> {
    names.into_iter().map(String::from).collect()
}

/// Everything that is promised of a storage, tried on an empty one that is kept in `place`.
pub(super) fn suite(storage: &dyn Storage, place: &Path) {
    makes_and_finishes(storage, place);
    refuses_names_that_are_taken(storage, place);
    copies(storage, place);
    discards_and_destroys(storage, place);
}

fn makes_and_finishes(storage: &dyn Storage, place: &Path) {
    assert_eq!(storage.names().unwrap(), []);
    assert!(storage.begun(&name("a")).unwrap().is_none());
    assert_eq!(
        storage.finish(&name("a")).unwrap_err().code(),
        "E_ENVIRONMENT_UNKNOWN"
    );
    let root = storage.begin(&name("a"), None, &Silent).unwrap();
    drop(root.create_file("file", 0o640).unwrap());
    assert_eq!(root.own_status().unwrap().mode, 0o755);
    assert_eq!(storage.names().unwrap(), []);
    assert_eq!(texts(storage.unfinished().unwrap()), ["a"]);
    assert_eq!(
        storage.open(&name("a")).unwrap_err().code(),
        "E_ENVIRONMENT_UNKNOWN"
    );
    let begun = storage.begun(&name("a")).unwrap().unwrap();
    assert_eq!(begun.entries().unwrap().len(), 1);
    storage.finish(&name("a")).unwrap();
    storage.finish(&name("a")).unwrap();
    assert_eq!(texts(storage.names().unwrap()), ["a"]);
    assert_eq!(storage.unfinished().unwrap(), []);
    assert_eq!(
        storage.open(&name("a")).unwrap().entries().unwrap().len(),
        1
    );
    // What is not an environment is not one.
    std::fs::create_dir(place.join("not a name")).unwrap();
    std::fs::write(place.join("file"), "x").unwrap();
    std::os::unix::fs::symlink("a", place.join("link")).unwrap();
    assert_eq!(texts(storage.names().unwrap()), ["a"]);
}

fn refuses_names_that_are_taken(storage: &dyn Storage, place: &Path) {
    std::fs::write(place.join("a/precious"), "x").unwrap();
    for from in [None, Some(name("a"))] {
        for taken in ["a", "file", "link"] {
            let refused = storage.begin(&name(taken), from.as_ref(), &Silent);
            assert_eq!(
                refused.unwrap_err().code(),
                "E_ENVIRONMENT_EXISTS",
                "{taken}"
            );
        }
    }
    assert_eq!(std::fs::read(place.join("a/precious")).unwrap(), b"x");
    assert_eq!(storage.unfinished().unwrap(), []);
    // A name that is taken while the environment is made.
    drop(storage.begin(&name("late"), None, &Silent).unwrap());
    let twice = storage.begin(&name("late"), None, &Silent).unwrap_err();
    assert_eq!(twice.code(), "E_ENVIRONMENT_UNFINISHED");
    std::fs::create_dir(place.join("late")).unwrap();
    std::fs::write(place.join("late/precious"), "x").unwrap();
    assert_eq!(
        storage.finish(&name("late")).unwrap_err().code(),
        "E_ENVIRONMENT_EXISTS"
    );
    assert_eq!(std::fs::read(place.join("late/precious")).unwrap(), b"x");
    std::fs::remove_dir_all(place.join("late")).unwrap();
    storage.finish(&name("late")).unwrap();
    let unknown = storage
        .begin(&name("b"), Some(&name("nowhere")), &Silent)
        .unwrap_err();
    assert_eq!(unknown.code(), "E_ENVIRONMENT_UNKNOWN");
    assert_eq!(texts(storage.names().unwrap()), ["a", "late"]);
    assert_eq!(storage.unfinished().unwrap(), []);
}

fn copies(storage: &dyn Storage, place: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let root = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(place.join("a"), root).unwrap();
    std::fs::create_dir(place.join("a/sub")).unwrap();
    std::fs::hard_link(place.join("a/precious"), place.join("a/sub/again")).unwrap();
    let copy = storage
        .begin(&name("b"), Some(&name("a")), &Silent)
        .unwrap();
    assert_eq!(copy.own_status().unwrap().mode, 0o711);
    assert_eq!(copy.status_of("sub/again").unwrap().links, 2);
    storage.finish(&name("b")).unwrap();
    std::fs::write(place.join("b/precious"), "changed").unwrap();
    assert_eq!(std::fs::read(place.join("a/precious")).unwrap(), b"x");
    assert_eq!(
        std::fs::read(place.join("b/sub/again")).unwrap(),
        b"changed"
    );
}

fn discards_and_destroys(storage: &dyn Storage, place: &Path) {
    storage.discard(&name("c")).unwrap();
    let root = storage
        .begin(&name("c"), Some(&name("a")), &Silent)
        .unwrap();
    drop(root.create_file("more", 0o600).unwrap());
    storage.discard(&name("c")).unwrap();
    assert!(storage.begun(&name("c")).unwrap().is_none());
    assert_eq!(
        storage.destroy(&name("c")).unwrap_err().code(),
        "E_ENVIRONMENT_UNKNOWN"
    );
    storage.destroy(&name("b")).unwrap();
    storage.destroy(&name("late")).unwrap();
    assert_eq!(texts(storage.names().unwrap()), ["a"]);
    assert_eq!(std::fs::read(place.join("a/precious")).unwrap(), b"x");
    // A removal that was interrupted after the rename is finished by the next one.
    std::fs::rename(place.join("a"), place.join(".a.gone")).unwrap();
    assert_eq!(storage.names().unwrap(), []);
    assert_eq!(storage.unfinished().unwrap(), []);
    assert_eq!(texts(storage.removed().unwrap()), ["a"]);
    drop(storage.begin(&name("a"), None, &Silent).unwrap());
    storage.finish(&name("a")).unwrap();
    storage.destroy(&name("a")).unwrap();
    let mut left: Vec<_> = std::fs::read_dir(place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["file", "link", "not a name"]);
}

#[test]
fn directories_behave() {
    let home = tempfile::tempdir().unwrap();
    let storage = open(StorageKind::Dir, Dir::open(home.path()).unwrap());
    assert_eq!(storage.kind(), StorageKind::Dir);
    suite(storage.as_ref(), home.path());
}

#[test]
fn a_copy_that_is_stopped_leaves_nothing() {
    struct Stop;
    impl Progress for Stop {
        fn begin(&self, _: &str, _: u64) {}
        fn advance(&self, _: u64) {}
        fn cancelled(&self) -> bool {
            true
        }
    }
    let home = tempfile::tempdir().unwrap();
    let storage = open(StorageKind::Dir, Dir::open(home.path()).unwrap());
    drop(storage.begin(&name("a"), None, &Silent).unwrap());
    storage.finish(&name("a")).unwrap();
    let stopped = storage
        .begin(&name("b"), Some(&name("a")), &Stop)
        .unwrap_err();
    assert_eq!(stopped.code(), "E_CANCELLED");
    assert_eq!(storage.unfinished().unwrap(), []);
}

/// A file system in a file, unmounted when dropped.
struct Mounted {
    at: std::path::PathBuf,
    /// Holds the image.
    _home: tempfile::TempDir,
}

impl Mounted {
    fn new(kind: &str, size: u64) -> Result<Self, String> {
        let home = tempfile::tempdir().unwrap();
        let (image, at) = (home.path().join("image"), home.path().join("mounted"));
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(size).unwrap();
        std::fs::create_dir(&at).unwrap();
        let [image, place] = [&image, &at].map(|path| path.to_str().unwrap());
        run(&format!("mkfs.{kind}"), &["-q", image])?;
        run("mount", &["-t", kind, "-o", "loop", image, place])?;
        Ok(Self { at, _home: home })
    }

    fn storage(&self, kind: StorageKind) -> Box<dyn Storage> {
        open(kind, Dir::open(&self.at).unwrap())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        unmount(&self.at);
    }
}

/// Takes a mount away at once, whoever has it open at this moment: another test that looks where its own
/// directories are mounted, or starts a program.
fn unmount(at: &Path) {
    run("umount", &["--lazy", at.to_str().unwrap()]).unwrap();
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = std::process::Command::new(program);
    let status = command
        .args(arguments)
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

/// A btrfs or an xfs, or a line that says why there is none.
fn mounted(kind: &str, size: u64) -> Option<Mounted> {
    let mounted = Mounted::new(kind, size);
    if let Err(reason) = &mounted {
        eprintln!("skipped: boot environments on {kind}: {reason}");
    }
    mounted.ok()
}

#[test]
fn subvolumes_behave() {
    let Some(disk) = mounted("btrfs", 128 << 20) else {
        return;
    };
    let directory = Dir::open(&disk.at).unwrap();
    let kind = StorageKind::best_for(&directory).unwrap();
    assert_eq!((kind, kind.name()), (StorageKind::Btrfs, "btrfs"));
    assert_eq!(directory.entries().unwrap(), []);
    suite(disk.storage(kind).as_ref(), &disk.at);
    run("btrfs", &["filesystem", "sync", disk.at.to_str().unwrap()]).unwrap();
}

#[test]
fn directories_behave_where_blocks_are_shared() {
    for (kind, size) in [("btrfs", 128 << 20), ("xfs", 320 << 20)] {
        if let Some(disk) = mounted(kind, size) {
            suite(disk.storage(StorageKind::Dir).as_ref(), &disk.at);
        }
    }
}

#[test]
fn a_copy_shares_its_blocks_with_the_original() {
    const CONTENT: usize = 48 << 20;
    let Some(disk) = mounted("btrfs", 256 << 20) else {
        return;
    };
    let directory = Dir::open(&disk.at).unwrap();
    assert!(directory.shares_blocks().unwrap());
    assert_eq!(
        directory.entries().unwrap(),
        [],
        "nothing is left of trying"
    );
    for kind in StorageKind::ALL {
        let storage = disk.storage(kind);
        let one = name(&format!("one-{kind}"));
        let root = storage.begin(&one, None, &Silent).unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, vec![7; CONTENT]).unwrap();
        storage.finish(&one).unwrap();
        let free = || {
            directory.sync_file_system().unwrap();
            directory.free_space().unwrap()
        };
        let before = free();
        let two = name(&format!("two-{kind}"));
        drop(storage.begin(&two, Some(&one), &Silent).unwrap());
        storage.finish(&two).unwrap();
        let taken = before.saturating_sub(free());
        assert!(
            taken < 8 << 20,
            "{kind}: {taken} bytes for a copy of {CONTENT}"
        );
        assert_eq!(
            std::fs::read(disk.at.join(two.as_str()).join("file"))
                .unwrap()
                .len(),
            CONTENT
        );
    }
}

#[test]
fn subvolumes_within_an_environment_go_with_it() {
    let Some(disk) = mounted("btrfs", 128 << 20) else {
        return;
    };
    let storage = disk.storage(StorageKind::Btrfs);
    for text in ["begun", "finished"] {
        let root = storage.begin(&name(text), None, &Silent).unwrap();
        assert!(root.create_subvolume("inner").unwrap());
        let inner = root.open_dir("inner").unwrap();
        assert!(inner.is_subvolume().unwrap());
        drop(inner.create_file("file", 0o600).unwrap());
    }
    storage.finish(&name("finished")).unwrap();
    let copy = storage
        .begin(&name("copy"), Some(&name("finished")), &Silent)
        .unwrap();
    assert_eq!(copy.open_dir("inner").unwrap().entries().unwrap(), []);
    for text in ["begun", "copy"] {
        storage.discard(&name(text)).unwrap();
    }
    storage.destroy(&name("finished")).unwrap();
    assert_eq!(Dir::open(&disk.at).unwrap().entries().unwrap(), []);
}

#[test]
fn what_is_mounted_in_an_environment_is_neither_copied_nor_removed() {
    for kind in StorageKind::ALL {
        let Some(disk) = mounted("btrfs", 128 << 20) else {
            return;
        };
        let storage = disk.storage(kind);
        let root = storage.begin(&name("a"), None, &Silent).unwrap();
        root.create_dir("mnt", 0o700).unwrap();
        storage.finish(&name("a")).unwrap();
        let outside = disk.at.join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("precious"), "x").unwrap();
        let at = disk.at.join("a/mnt");
        let [from, to] = [&outside, &at].map(|path| path.to_str().unwrap());
        run("mount", &["--bind", from, to]).unwrap();
        let refused = storage.destroy(&name("a")).unwrap_err();
        assert_eq!(refused.code(), "E_ENVIRONMENT_MOUNTED");
        assert_eq!(refused.hint().unwrap(), format!("`umount {to}`"));
        // Should the check not see it, as from another namespace, removal stops at the mount point.
        let directory = Dir::open(&disk.at).unwrap();
        assert!(directory.remove_tree("a").is_err());
        assert_eq!(storage.names().unwrap().len(), 2);
        let copy = storage
            .begin(&name("b"), Some(&name("a")), &Silent)
            .unwrap();
        assert_eq!(copy.open_dir("mnt").unwrap().entries().unwrap(), []);
        unmount(&at);
        assert!(outside.join("precious").exists());
        storage.discard(&name("b")).unwrap();
        // What is shown elsewhere is in use there.
        let elsewhere = disk.at.join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        storage
            .open(&name("a"))
            .unwrap()
            .bind_to(&elsewhere)
            .unwrap();
        assert!(elsewhere.join("mnt").is_dir());
        let refused = storage.destroy(&name("a")).unwrap_err();
        assert_eq!(refused.code(), "E_ENVIRONMENT_MOUNTED");
        unmount(&elsewhere);
        let full = storage.open(&name("a")).unwrap().bind_to(&outside);
        assert_eq!(full.unwrap_err().code(), "E_NOT_EMPTY");
        storage.destroy(&name("a")).unwrap();
    }
}
