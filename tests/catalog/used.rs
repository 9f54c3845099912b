//! Opening an artifact for use: trusted as of now, and no byte of it taken on faith.

use std::fs;

use isi_catalog::catalog::{CatalogError, Depth, State};
use isi_catalog::digest::PackageId;
use isi_catalog::fsio::ReadAt as _;
use isi_catalog::manifest::RegionKind;
use isi_catalog::package::{Package, Verified};
use isi_catalog::trust::TrustStore;

use crate::world::{Bench, Kit, World, context, world};

fn open(
    bench: &Bench,
    id: &PackageId,
    trust: &TrustStore,
) -> Result<Package<Verified>, CatalogError> {
    bench.open().package(id, trust, &context())
}

fn code(bench: &Bench, id: &PackageId) -> String {
    let refused = open(bench, id, &world().trust).unwrap_err();
    refused.code().to_owned()
}

#[test]
fn it_says_what_it_is_and_gives_out_what_has_its_digest() {
    let bench = Bench::new();
    let (_, import) = bench.imported(Kit::default());
    let package = open(&bench, &import.artifact.id, &world().trust).unwrap();
    assert_eq!(package.manifest().name, "OneFS_Install");
    assert_eq!(package.readme().unwrap().as_deref(), Some("Read me.\n"));
    let payload = package.payload();
    let mut bytes = vec![0; payload.length().unwrap() as usize];
    payload.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(bytes, Kit::default().payload);
    assert!(payload.read_exact_at(&mut bytes, 1).is_err());
    let codes = package
        .verdict()
        .checks
        .iter()
        .filter_map(|check| check.code.clone());
    assert_eq!(codes.collect::<Vec<_>>(), ["N_METADATA_ONLY"]);
}

#[test]
fn c15_what_was_damaged_since_is_refused_when_it_is_read() {
    let bench = Bench::new();
    let (_, import) = bench.imported(Kit::default());
    let id = import.artifact.id;
    let path = bench.artifact(&id);
    let good = fs::read(&path).unwrap();
    let readme = {
        let package = open(&bench, &id, &world().trust).unwrap();
        package.region_of(RegionKind::Readme).unwrap().1.offset as usize
    };
    let damage = |offset: usize| {
        let mut bad = good.clone();
        bad[offset] ^= 1;
        fs::remove_file(&path).unwrap();
        fs::write(&path, bad).unwrap();
    };
    damage(readme);
    let package = open(&bench, &id, &world().trust).unwrap();
    let error = package.readme().unwrap_err();
    assert_eq!(error.code(), "E_FORMAT_DIGEST");
    let (region, extent) = package.region_of(RegionKind::Readme).unwrap();
    assert!(package.read_region(region, extent).is_err());
    // The header in front of it, its end, and the footer.
    damage(readme - 1);
    assert_eq!(code(&bench, &id), "E_FORMAT_SECTION");
    damage(good.len() - 1);
    assert_eq!(code(&bench, &id), "E_ARTIFACT_CORRUPT");
    fs::remove_file(&path).unwrap();
    assert_eq!(code(&bench, &id), "E_ARTIFACT_MISSING");
}

#[test]
fn c15_what_is_known_to_be_damaged_is_read_to_its_end_first() {
    let bench = Bench::new();
    let (_, import) = bench.imported(Kit::default());
    let id = import.artifact.id;
    let path = bench.artifact(&id);
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[0] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bad).unwrap();
    // Nobody looked at the payload so far.
    open(&bench, &id, &world().trust).unwrap();
    let mut catalog = bench.open();
    let mut found = None;
    catalog
        .judge(
            &[id],
            Depth::Full,
            &world().trust,
            &context(),
            &mut |_, examined| {
                found = Some(examined.state);
            },
        )
        .unwrap();
    assert_eq!(found, Some(State::Corrupt));
    assert_eq!(code(&bench, &id), "E_HASH_MISMATCH");
    fs::write(&path, good).unwrap();
    open(&bench, &id, &world().trust).unwrap();
}

#[test]
fn who_is_trusted_now_decides() {
    let bench = Bench::new();
    let (_, import) = bench.imported(Kit::default());
    let stranger = World::new();
    let refused = open(&bench, &import.artifact.id, &stranger.trust).unwrap_err();
    assert_eq!(refused.code(), "E_UNTRUSTED");
    assert_eq!(
        code(&bench, &format!("{:0<64}", "ab").parse().unwrap()),
        "E_ARTIFACT_MISSING"
    );
}
