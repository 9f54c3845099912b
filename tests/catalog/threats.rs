//! Sources that change under the reader, and links planted in the catalog.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use isi_catalog::catalog::repair::Repair;
use isi_catalog::catalog::{Access, CatalogError, Import};
use isi_catalog::digest::PackageId;
use isi_catalog::fsio::open_regular;

use crate::world::{
    Bench, Kit, context, digest_of, expect_sound, import, import_file, open, rows, tree_of_files,
    world,
};

/// What was kept is what was verified, whatever the source did.
fn expect_kept(bench: &Bench, imported: &Result<Import, CatalogError>) {
    if let Ok(import) = imported {
        let id = import.artifact.id;
        assert_eq!(digest_of(&bench.artifact(&id)), id.digest());
        assert!(import.verdict.verified);
    }
}

#[test]
fn c01_a_source_that_is_swapped_by_name_is_the_one_that_was_opened() {
    let bench = Bench::new();
    let good = bench.package(Kit::named("good"));
    let other = world().make(&bench.path("other.isi"), Kit::named("o"), Some("sibling"));
    let source = open_regular(&good).unwrap();
    let expected = digest_of(&good);
    fs::rename(&other, &good).unwrap();
    let import = import_file(&mut bench.open(), &source, &world().trust, None).unwrap();
    assert_eq!(import.artifact.id, PackageId::new(expected));
    expect_sound(&bench.root());
}

#[test]
fn c01_a_source_that_is_written_to_during_the_import_is_kept_only_as_it_was_verified() {
    const RACES: u64 = 100;
    let bench = Bench::new();
    let (mut kept, mut refused, mut changes) = (0, 0, 0);
    for race in 0..RACES {
        let kit = Kit {
            payload: vec![1; 3 << 20],
            ..Kit::named(&format!("race-{race}"))
        };
        let path = bench.package(kit);
        let mut writer = File::options().write(true).open(&path).unwrap();
        let source = open_regular(&path).unwrap();
        let (done, written) = (AtomicBool::new(false), AtomicU64::new(0));
        let imported = std::thread::scope(|scope| {
            scope.spawn(|| {
                // From before the first byte is copied until after the last is hashed.
                std::thread::sleep(Duration::from_micros(race * 20));
                let mut offset = 0;
                while !done.load(Ordering::Relaxed) {
                    offset = (offset + 700_001) % (3 << 20);
                    writer.seek(SeekFrom::Start(offset)).unwrap();
                    writer.write_all(&[2]).unwrap();
                    written.fetch_add(1, Ordering::Relaxed);
                }
            });
            // Every other race is certainly lost.
            while race % 2 == 0 && written.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            let imported = import_file(&mut bench.open(), &source, &world().trust, None);
            done.store(true, Ordering::Relaxed);
            imported
        });
        changes += written.load(Ordering::Relaxed);
        expect_kept(&bench, &imported);
        match imported {
            Ok(_) => kept += 1,
            Err(error) => {
                assert_eq!(error.code(), "E_HASH_MISMATCH", "{error}");
                refused += 1;
            }
        }
        fs::remove_file(path).unwrap();
    }
    expect_sound(&bench.root());
    assert_eq!(kept + refused, RACES);
    assert!(
        refused > 0 && changes > 0,
        "no race was ever lost: {kept} kept"
    );
    eprintln!("{RACES} races: {kept} kept as verified, {refused} refused, {changes} writes");
}

#[test]
fn c01_a_source_that_is_truncated_during_the_import_is_refused() {
    let bench = Bench::new();
    for race in 0..20_u64 {
        let kit = Kit {
            payload: vec![1; 3 << 20],
            ..Kit::named(&format!("cut-{race}"))
        };
        let path = bench.package(kit);
        let writer = File::options().write(true).open(&path).unwrap();
        let source = open_regular(&path).unwrap();
        let imported = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_micros(race * 200));
                writer.set_len(1000).unwrap();
            });
            import_file(&mut bench.open(), &source, &world().trust, None)
        });
        expect_kept(&bench, &imported);
    }
    expect_sound(&bench.root());
}

#[test]
fn c09_links_planted_where_an_artifact_would_go_are_refused() {
    let bench = Bench::new();
    bench.imported(Kit::default());
    let path = bench.package(Kit::named("other"));
    let id = PackageId::new(digest_of(&path)).to_string();
    let outside = bench.path("outside");
    fs::create_dir(&outside).unwrap();
    let shard = bench.root().join("artifacts").join(&id[..2]);
    let own = shard.join(&id);
    let victim = outside.join("victim");
    let plant: [(&str, &dyn Fn()); 3] = [
        ("shard", &|| symlink(&outside, &shard).unwrap()),
        ("directory", &|| {
            fs::create_dir(&shard).unwrap();
            symlink(&outside, &own).unwrap();
        }),
        ("file", &|| {
            fs::create_dir_all(&own).unwrap();
            fs::write(&victim, b"keep").unwrap();
            symlink(&victim, own.join("package.isi")).unwrap();
        }),
    ];
    for (name, plant) in plant {
        plant();
        let (files, table) = (tree_of_files(&bench.root()), rows(&bench.root()));
        let error = import(&mut bench.open(), &path).unwrap_err();
        assert_eq!(error.code(), "E_UNSAFE_PATH", "{name}: {error}");
        assert_eq!(tree_of_files(&bench.root()), files, "{name}");
        assert_eq!(rows(&bench.root()), table, "{name}");
        if shard.is_symlink() {
            fs::remove_file(&shard).unwrap();
        } else {
            fs::remove_dir_all(&shard).unwrap();
        }
    }
    assert_eq!(fs::read(&victim).unwrap(), b"keep");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    import(&mut bench.open(), &path).unwrap();
    expect_sound(&bench.root());
}

#[test]
fn c09_links_planted_while_the_catalog_is_open_are_refused() {
    for name in ["artifacts", "incoming", "lock"] {
        let bench = Bench::new();
        let path = bench.package(Kit::default());
        let mut catalog = bench.open();
        let outside = bench.path("outside");
        fs::rename(bench.root().join(name), &outside).unwrap();
        symlink(&outside, bench.root().join(name)).unwrap();
        let error = import(&mut catalog, &path).unwrap_err();
        assert_eq!(error.code(), "E_UNSAFE_PATH", "{name}: {error}");
        if outside.is_dir() {
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{name}");
        }
    }
}

#[test]
fn c09_what_is_no_file_in_the_place_of_one_is_refused_untouched_and_moved_away_it_is_all_well() {
    for name in ["events.jsonl", "catalog.db", "lock"] {
        for kind in ["directory", "fifo"] {
            let bench = Bench::new();
            bench.imported(Kit::default());
            let place = bench.root().join(name);
            let aside = bench.path("aside");
            fs::rename(&place, &aside).unwrap();
            if kind == "directory" {
                fs::create_dir(&place).unwrap();
                fs::write(place.join("kept"), b"kept").unwrap();
            } else {
                let made = std::process::Command::new("mkfifo").arg(&place).status();
                assert!(made.unwrap().success());
            }
            let files = tree_of_files(&bench.root());
            let refused = [
                open(&bench.root(), Access::Read).map(drop),
                open(&bench.root(), Access::Write).map(drop),
                Repair::plan(&bench.root(), &world().trust, Duration::ZERO, &context()).map(drop),
            ];
            for error in refused.map(Result::unwrap_err) {
                assert_eq!(error.code(), "E_UNSAFE_PATH", "{name} {kind}: {error}");
                assert!(error.hint().unwrap().contains(" away"), "{name} {kind}");
            }
            assert_eq!(tree_of_files(&bench.root()), files, "{name} {kind}");
            if kind == "directory" {
                fs::remove_dir_all(&place).unwrap();
            } else {
                fs::remove_file(&place).unwrap();
            }
            // The mirror and the lock are made anew; the database is not, so it comes back.
            if name == "catalog.db" {
                fs::rename(&aside, &place).unwrap();
            }
            let more = bench.package(Kit::named("more"));
            import(&mut bench.open(), &more).unwrap();
            expect_sound(&bench.root());
        }
    }
}
