//! Full and read-only file systems; needs root for the mounts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use isi_catalog::catalog::repair::Repair;
use isi_catalog::catalog::{
    Access, Catalog, CatalogError, Context, ImportRequest, ListRequest, Source,
};
use isi_catalog::fsio::{open_regular, with_causes};
use isi_catalog::progress::Progress;

use crate::world::{
    Bench, Kit, context, expect_sound, import, make_old, open, rows, tree, tree_of_files, world,
};

/// A mounted file system, unmounted when dropped.
pub(crate) struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    /// `None` where this process may not mount anything.
    pub(crate) fn tmpfs(at: &'a Path, size: &str) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let mounted = mount(
            &[
                "-t",
                "tmpfs",
                "-o",
                &format!("size={size},mode=0700"),
                "isi-test",
            ],
            at,
        );
        if !mounted {
            eprintln!("skipped: cannot mount a tmpfs here");
        }
        mounted.then_some(Self(at))
    }

    /// Mounts it with another option, as soon as nobody has a file of it open for writing any more.
    ///
    /// What this process had open, a process that another test is just starting has open for a moment.
    pub(crate) fn remount(&self, option: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !mount(&["-o", &format!("remount,{option}")], self.0) {
            assert!(Instant::now() < deadline, "it stays busy");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("--lazy").arg(self.0).status();
        assert!(done.is_ok_and(|status| status.success()));
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let status = Command::new("mount")
        .args(arguments)
        .arg(at)
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn a_disk_without_room_is_told_before_the_first_byte_is_copied() {
    let bench = Bench::new();
    let root = bench.path("small");
    let Some(_mounted) = Mounted::tmpfs(&root, "4m") else {
        return;
    };
    let small = bench.package(Kit::default());
    import(&mut open(&root, Access::Write).unwrap(), &small).unwrap();
    let large = bench.package(Kit {
        payload: vec![1; 3_500_000],
        ..Kit::named("large")
    });
    let before = tree(&root);
    let mut catalog = open(&root, Access::Write).unwrap();
    let error = import(&mut catalog, &large).unwrap_err();
    assert_eq!(error.code(), "E_NO_SPACE", "{error}");
    assert!(error.to_string().contains("bytes free"), "{error}");
    drop(catalog);
    assert_eq!(tree(&root), before);
}

#[test]
fn a_disk_that_fills_up_at_any_moment_leaves_the_catalog_as_it_was() {
    let bench = Bench::new();
    let mount = bench.path("small");
    let Some(_mounted) = Mounted::tmpfs(&mount, "16m") else {
        return;
    };
    let root = mount.join("catalog");
    let small = bench.package(Kit::default());
    import(&mut open(&root, Access::Write).unwrap(), &small).unwrap();
    let large = bench.package(Kit {
        payload: vec![1; 500_000],
        ..Kit::named("large")
    });
    let (files, table) = (tree_of_files(&root), rows(&root));
    let (mut failures, mut successes) = (0, 0);
    // From room for everything down to room for nothing. The check before the copy asks for spare room,
    // so the room is taken away while the copy is under way.
    for room in (0..180).rev() {
        let fill = Fill {
            ballast: mount.join("ballast"),
            leave: 4096 * room,
            once: std::sync::Once::new(),
        };
        let imported = fill.import(&mut open(&root, Access::Write).unwrap(), &large);
        std::fs::remove_file(&fill.ballast).unwrap();
        if let Err(error) = imported {
            assert_eq!(error.code(), "E_NO_SPACE", "{room}: {error}");
            assert_eq!(tree_of_files(&root), files, "{room}");
            assert_eq!(rows(&root), table, "{room}");
            failures += 1;
        } else {
            expect_sound(&root);
            remove_artifact(&root, &large);
            successes += 1;
        }
        expect_sound(&root);
    }
    assert!(
        failures >= 30 && successes > 0,
        "{failures} failures, {successes} successes"
    );
    eprintln!("{failures} full disks, {successes} with just enough room");
}

/// Fills the disk when the import begins to copy, and leaves some bytes.
struct Fill {
    ballast: PathBuf,
    leave: u64,
    once: std::sync::Once,
}

impl Progress for Fill {
    fn begin(&self, _name: &str, _total: u64) {
        self.once.call_once(|| {
            let size = free(&self.ballast).saturating_sub(self.leave);
            occupy(&self.ballast, size);
        });
    }

    fn advance(&self, _bytes: u64) {}
}

impl Fill {
    fn import(&self, catalog: &mut Catalog, path: &Path) -> Result<(), CatalogError> {
        let source = open_regular(path)?;
        let request = ImportRequest {
            label: path,
            trust: &world().trust,
            unsigned: None,
        };
        let context = Context {
            progress: self,
            ..context()
        };
        catalog
            .import(Source::File(&source), &request, &context)
            .map(drop)
    }
}

/// Makes a file; where the last block is one too many there is just no room at all.
///
/// Another process writes it: what this one has open, each process that another test is just starting has
/// open for a moment, too, and a removed file takes room as long.
pub(crate) fn occupy(path: &Path, size: u64) {
    Command::new("dd")
        .args(["if=/dev/zero", "bs=4096", "status=none"])
        .arg(format!("of={}", path.display()))
        .arg(format!("count={}", size / 4096))
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

fn free(beside: &Path) -> u64 {
    isi_catalog::fsio::Dir::open(beside.parent().unwrap())
        .unwrap()
        .free_space()
        .unwrap()
}

fn remove_artifact(root: &Path, package: &Path) {
    let id = crate::world::digest_of(package);
    let database = rusqlite::Connection::open(root.join("catalog.db")).unwrap();
    database.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    let removed = database.execute("DELETE FROM artifact WHERE id = ?1", [id.as_bytes()]);
    assert_eq!(removed.unwrap(), 1);
    let text = id.to_string();
    std::fs::remove_dir_all(root.join("artifacts").join(&text[..2])).unwrap();
}

#[test]
fn a_catalog_of_an_older_version_is_brought_up_to_date_where_it_can_be() {
    let bench = Bench::new();
    let root = bench.path("old");
    let Some(mounted) = Mounted::tmpfs(&root, "8m") else {
        return;
    };
    import(
        &mut open(&root, Access::Write).unwrap(),
        &bench.package(Kit::default()),
    )
    .unwrap();
    let current = rows(&root);
    make_old(&root);
    mounted.remount("ro");
    let before = tree(&root);
    let error = open(&root, Access::Read).unwrap_err();
    assert_eq!(error.code(), "E_DATABASE_OLD", "{error}");
    let told = with_causes(&error);
    assert!(told.contains("Read-only file system"), "{told}");
    assert!(error.hint().unwrap().contains("where it can be written"));
    let planned = Repair::plan(&root, &world().trust, Duration::ZERO, &context());
    assert_eq!(planned.unwrap_err().code(), "E_DATABASE_OLD");
    assert_eq!(tree(&root), before);
    mounted.remount("rw");
    let mut catalog = open(&root, Access::Read).unwrap();
    assert_eq!(catalog.list(&ListRequest::default()).unwrap().total, 1);
    drop(catalog);
    assert_eq!(rows(&root), current);
    expect_sound(&root);
    mounted.remount("ro");
    assert!(open(&root, Access::Read).is_ok());
}

#[test]
fn a_catalog_on_a_read_only_file_system_can_be_read_and_not_changed() {
    let bench = Bench::new();
    let root = bench.path("frozen");
    let Some(mounted) = Mounted::tmpfs(&root, "8m") else {
        return;
    };
    let small = bench.package(Kit::default());
    let id = import(&mut open(&root, Access::Write).unwrap(), &small)
        .unwrap()
        .artifact
        .id;
    mounted.remount("ro");
    let before = tree(&root);
    let mut catalog = open(&root, Access::Read).unwrap();
    assert_eq!(catalog.list(&ListRequest::default()).unwrap().total, 1);
    let readme = catalog.readme(&id, &isi_catalog::progress::Silent).unwrap();
    assert!(readme.is_some());
    expect_sound(&root);
    let other = bench.package(Kit::named("other"));
    let error = match open(&root, Access::Write) {
        Ok(mut catalog) => import(&mut catalog, &other).unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.code(), "E_IO", "{error}");
    let told = with_causes(&error);
    assert!(told.contains("Read-only file system"), "{told}");
    assert_eq!(tree(&root), before);
}
