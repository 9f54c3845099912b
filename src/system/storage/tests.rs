//! The behaviour that every kind of storage has.

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
    let storage = open(StorageKind::Dir, Dir::open(home.path()).unwrap()).unwrap();
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
    let storage = open(StorageKind::Dir, Dir::open(home.path()).unwrap()).unwrap();
    drop(storage.begin(&name("a"), None, &Silent).unwrap());
    storage.finish(&name("a")).unwrap();
    let stopped = storage
        .begin(&name("b"), Some(&name("a")), &Stop)
        .unwrap_err();
    assert_eq!(stopped.code(), "E_CANCELLED");
    assert_eq!(storage.unfinished().unwrap(), []);
}
