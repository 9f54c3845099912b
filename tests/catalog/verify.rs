//! Verifying what is kept: findings are values, and nothing that is not its ID passes.

use std::fs;

use isi_catalog::catalog::{Examination, State};
use isi_catalog::digest::PackageId;
use isi_catalog::trust::TrustStore;

use crate::world::{Bench, Kit, World, context, world};

fn examine(bench: &Bench, id: PackageId, trust: &TrustStore) -> Examination {
    let mut catalog = bench.open();
    let artifact = catalog.find(&id).unwrap().unwrap();
    catalog.examine(&artifact, trust, &context()).unwrap()
}

#[test]
fn a_sound_artifact_is_verified_with_all_its_checks() {
    let bench = Bench::new();
    let (_, first) = bench.imported(Kit::default());
    let found = examine(&bench, first.artifact.id, &world().trust);
    assert_eq!((found.state, found.code), (State::Verified, None));
    let verdict = found.verdict.unwrap();
    assert!(verdict.verified);
    assert_eq!(verdict.checks.len(), 9);
}

#[test]
fn c15_an_artifact_whose_content_is_not_its_id_is_corrupt() {
    let bench = Bench::new();
    let (_, first) = bench.imported(Kit::named("first"));
    let (_, second) = bench.imported(Kit::named("second"));
    let ids = [first.artifact.id, second.artifact.id];
    let [left, right] = ids.map(|id| bench.artifact(&id));
    // Both are signed and whole; only their places are exchanged.
    let aside = bench.path("aside");
    fs::rename(&left, &aside).unwrap();
    fs::rename(&right, &left).unwrap();
    fs::rename(&aside, &right).unwrap();
    for id in ids {
        let found = examine(&bench, id, &world().trust);
        assert_eq!(found.state, State::Corrupt);
        assert_eq!(found.code.as_deref(), Some("E_ARTIFACT_CORRUPT"));
        assert!(found.hint.is_some());
    }
}

#[test]
fn c15_a_changed_byte_of_an_artifact_is_found_wherever_it_is() {
    let bench = Bench::new();
    let kit = Kit {
        payload: vec![7; 300],
        ..Kit::default()
    };
    let (_, first) = bench.imported(kit);
    let id = first.artifact.id;
    let path = bench.artifact(&id);
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    // All of the footer, and every seventh byte before it; each bit of a byte in its turn.
    let offsets = (0..good.len())
        .step_by(7)
        .chain(good.len() - 156..good.len());
    for offset in offsets {
        let mut bad = good.clone();
        bad[offset] ^= 1 << (offset % 8);
        fs::write(&path, &bad).unwrap();
        let found = examine(&bench, id, &world().trust);
        assert_eq!(found.state, State::Corrupt, "byte {offset}: {found:?}");
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(examine(&bench, id, &world().trust).state, State::Verified);
}

#[test]
fn missing_truncated_and_replaced_files_are_findings() {
    let bench = Bench::new();
    let (_, first) = bench.imported(Kit::default());
    let id = first.artifact.id;
    let path = bench.artifact(&id);
    let good = fs::read(&path).unwrap();
    let found = |expected: (State, &str)| {
        let found = examine(&bench, id, &world().trust);
        assert_eq!((found.state, found.code.as_deref().unwrap()), expected);
        assert!(found.detail.is_some());
    };
    fs::remove_file(&path).unwrap();
    found((State::Missing, "E_ARTIFACT_MISSING"));
    fs::write(&path, &good[..good.len() / 2]).unwrap();
    found((State::Corrupt, "E_ARTIFACT_CORRUPT"));
    fs::write(&path, b"").unwrap();
    found((State::Corrupt, "E_IO"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    found((State::Corrupt, "E_NOT_REGULAR"));
    fs::remove_dir(&path).unwrap();
    let elsewhere = bench.path("elsewhere");
    fs::write(&elsewhere, &good).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    found((State::Corrupt, "E_UNSAFE_PATH"));
}

#[test]
fn withdrawn_trust_is_told_apart_from_damage() {
    let bench = Bench::new();
    let (_, first) = bench.imported(Kit::default());
    let stranger = World::new();
    let found = examine(&bench, first.artifact.id, &stranger.trust);
    assert_eq!(found.state, State::Untrusted);
    assert!(found.is_whole());
    assert!(found.verdict.unwrap().is_refused());
}

#[test]
fn readmes_are_those_that_were_signed() {
    let bench = Bench::new();
    let long = "Zeile \u{e4}\u{1b}[2J\n".repeat(1000);
    let with = Kit {
        readme: Some(long.clone()),
        ..Kit::named("with")
    };
    let without = Kit {
        readme: None,
        ..Kit::named("without")
    };
    let (_, with) = bench.imported(with);
    let (_, without) = bench.imported(without);
    let mut catalog = bench.open();
    let silent = &isi_catalog::progress::Silent;
    assert!(with.artifact.readme && !without.artifact.readme);
    assert_eq!(
        catalog.readme(&with.artifact.id, silent).unwrap(),
        Some(long)
    );
    assert_eq!(catalog.readme(&without.artifact.id, silent).unwrap(), None);
    // Damage to the README, to the manifest, and to the payload, which nobody reads here.
    let path = bench.artifact(&with.artifact.id);
    let good = fs::read(&path).unwrap();
    let package = isi_catalog::package::Package::open(fs::File::open(&path).unwrap()).unwrap();
    let (_, extents) = package.inspect().unwrap();
    let manifest = package.envelope().regions_end + 20;
    fs::remove_file(&path).unwrap();
    for (offset, refused) in [(extents[1].offset + 5, true), (manifest, true), (5, false)] {
        let mut bad = good.clone();
        bad[offset as usize] ^= 1;
        fs::write(&path, bad).unwrap();
        let read = catalog.readme(&with.artifact.id, silent);
        assert_eq!(read.is_err(), refused, "byte {offset}");
    }
}
