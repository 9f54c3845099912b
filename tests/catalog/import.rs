//! What an import keeps, and what it finds there already.

use std::os::unix::fs::MetadataExt as _;

use isi_catalog::catalog::{ListRequest, Outcome, State};
use isi_catalog::package::{Seal, replace_seal};
use isi_catalog::progress::Silent;
use isi_catalog::release::PackageType;

use crate::world::{
    Bench, Kit, World, digest_of, expect_sound, import, import_as, now, rows, tree, world,
};

#[test]
fn an_imported_package_is_kept_byte_for_byte_under_its_id() {
    let bench = Bench::new();
    let (path, import) = bench.imported(Kit::default());
    assert_eq!(import.outcome, Outcome::Added);
    assert!(import.verdict.verified);
    let artifact = import.artifact;
    assert_eq!(artifact.id.digest(), digest_of(&path));
    let kept = bench.artifact(&artifact.id);
    assert_eq!(std::fs::read(&kept).unwrap(), std::fs::read(&path).unwrap());
    assert_eq!(kept.metadata().unwrap().mode() & 0o777, 0o444);
    assert_eq!(artifact.size, path.metadata().unwrap().len());
    expect_sound(&bench.root());
}

#[test]
fn what_is_listed_is_what_the_manifest_and_the_verdict_say() {
    let bench = Bench::new();
    let (_, import) = bench.imported(Kit::default());
    let page = bench.open().list(&ListRequest::default()).unwrap();
    assert_eq!(page.total, 1);
    let listed = &page.items[0];
    let artifact = &listed.artifact;
    assert_eq!(*artifact, import.artifact);
    assert_eq!(artifact.package_type, PackageType::Onefs);
    assert_eq!(artifact.name, "OneFS_Install");
    assert_eq!(artifact.version.to_string(), "9.4.0.0");
    assert_eq!(artifact.build, "2797");
    assert_eq!(artifact.description, "An install image");
    assert_eq!((&*artifact.product, &*artifact.branch), ("onefs", "B_MAIN"));
    assert_eq!(artifact.architecture, "x86_64");
    assert_eq!(artifact.release_counter, 7);
    assert!(artifact.readme && artifact.signed);
    assert_eq!(artifact.state, State::Verified);
    assert_eq!((artifact.created, artifact.imported_at), (now(), now()));
    assert_eq!(artifact.signed_at, Some(now()));
    assert_eq!(listed.short_id, artifact.id.to_string()[..5]);
    assert_eq!(listed.signers.len(), 1);
    assert_eq!(listed.signers[0].identity.as_deref(), Some("release"));
    assert!(
        listed.signers[0]
            .subject
            .starts_with("CN=Example Release Signing,")
    );
}

#[test]
fn the_same_package_twice_changes_nothing() {
    let bench = Bench::new();
    let (path, _) = bench.imported(Kit::default());
    let before = tree(&bench.root());
    let again = import(&mut bench.open(), &path).unwrap();
    assert_eq!(again.outcome, Outcome::AlreadyPresent);
    assert_eq!(tree(&bench.root()), before);
}

#[test]
fn a_file_that_is_missing_or_damaged_is_put_back() {
    let bench = Bench::new();
    let (path, first) = bench.imported(Kit::default());
    let id = first.artifact.id;
    let kept = bench.artifact(&id);
    let damage: [&dyn Fn(); 4] = [
        &|| std::fs::remove_file(&kept).unwrap(),
        &|| std::fs::remove_dir_all(kept.parent().unwrap().parent().unwrap()).unwrap(),
        &|| flip(&kept, 100),
        &|| flip(&kept, first.artifact.size - 10),
    ];
    for (number, damage) in damage.iter().enumerate() {
        damage();
        let again = import(&mut bench.open(), &path).unwrap();
        assert_eq!(again.outcome, Outcome::Restored, "{number}");
        expect_sound(&bench.root());
    }
    let kinds: Vec<_> = bench.open().events(None).unwrap();
    let kinds: Vec<_> = kinds.iter().map(|event| &*event.kind).collect();
    assert_eq!(
        kinds,
        ["import", "restore", "restore", "restore", "restore"]
    );
}

fn flip(path: &std::path::Path, offset: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset as usize] ^= 1;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_an_interrupted_import_left_is_no_hindrance() {
    let bench = Bench::new();
    let path = bench.package(Kit::default());
    let id = isi_catalog::digest::PackageId::new(digest_of(&path));
    drop(bench.open());
    let kept = bench.artifact(&id);
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    std::fs::write(&kept, b"half").unwrap();
    std::fs::create_dir_all(bench.root().join("incoming/1-0")).unwrap();
    let import = import(&mut bench.open(), &path).unwrap();
    assert_eq!(import.outcome, Outcome::Added);
    expect_sound(&bench.root());
}

#[test]
fn an_event_says_who_imported_what() {
    let bench = Bench::new();
    let (_, import) = bench.imported(Kit::default());
    let mut catalog = bench.open();
    let events = catalog.events(None).unwrap();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!((&*event.kind, &*event.actor), ("import", "tester"));
    assert_eq!(event.subject, import.artifact.id.to_string());
    assert_eq!(event.time, now());
    assert_eq!(event.details["package"], "given.isi");
    assert_eq!(event.details["name"], "OneFS_Install");
    assert_eq!(event.details["signers"][0]["identity"], "release");
    assert_eq!(catalog.verify_events(&Silent).unwrap(), []);
    let head = catalog.event_head().unwrap();
    assert_eq!((head.sequence, head.hash), (1, event.hash));
}

#[test]
fn one_version_names_one_content() {
    let bench = Bench::new();
    let (_, first) = bench.imported(Kit::default());
    let changed = Kit {
        payload: b"other".to_vec(),
        ..Kit::default()
    };
    let path = world().make(&bench.path("changed.isi"), changed.clone(), Some("signer"));
    let before = tree(&bench.root());
    let error = import(&mut bench.open(), &path).unwrap_err();
    assert_eq!(error.code(), "E_VERSION_CONFLICT");
    assert!(
        error.to_string().contains(&first.artifact.id.to_string()),
        "{error}"
    );
    assert!(error.hint().is_some());
    assert_eq!(tree(&bench.root()), before);
    for (number, other) in [
        Kit {
            version: "9.4.0".to_owned(),
            ..changed.clone()
        },
        Kit {
            kind: PackageType::Patch,
            ..changed.clone()
        },
        Kit {
            name: "Other".to_owned(),
            ..changed
        },
    ]
    .into_iter()
    .enumerate()
    {
        let path = bench.path(&format!("other-{number}.isi"));
        let path = world().make(&path, other, Some("signer"));
        import(&mut bench.open(), &path).unwrap();
    }
    expect_sound(&bench.root());
}

#[test]
fn the_same_software_under_another_seal_may_stand_beside() {
    let bench = Bench::new();
    let (path, first) = bench.imported(Kit::default());
    let resealed = bench.path("resealed.isi");
    std::fs::copy(&path, &resealed).unwrap();
    let other = world().make(
        &bench.path("approved.isi"),
        Kit::default(),
        Some("approver"),
    );
    let other = isi_catalog::package::Package::open(std::fs::File::open(other).unwrap()).unwrap();
    let seal = Seal {
        signature: other.envelope().signature.clone(),
        timestamp: other.envelope().timestamp.clone(),
    };
    replace_seal(&resealed, &|_| Ok(seal.clone())).unwrap();
    let second = import(&mut bench.open(), &resealed).unwrap();
    assert_eq!(second.outcome, Outcome::Added);
    assert_ne!(second.artifact.id, first.artifact.id);
    assert_eq!(second.artifact.manifest, first.artifact.manifest);
    expect_sound(&bench.root());
}

#[test]
fn an_unsigned_package_needs_the_policy_and_a_reason_and_stays_marked() {
    let asking = World::with_policy("unsigned = \"refuse\"", "unsigned = \"ask\"");
    let bench = Bench::new();
    let path = world().make(&bench.path("bare.isi"), Kit::default(), None);
    let mut catalog = bench.open();
    for (trust, reason) in [
        (&world().trust, None),
        (&world().trust, Some("lab")),
        (&asking.trust, None),
    ] {
        let error = import_as(&mut catalog, &path, trust, reason).unwrap_err();
        assert_eq!(error.code(), "E_UNSIGNED");
    }
    assert_eq!(rows(&bench.root()), [""; 0]);
    let import = import_as(&mut catalog, &path, &asking.trust, Some("lab")).unwrap();
    assert!(!import.verdict.verified);
    assert_eq!(import.artifact.state, State::Unsigned);
    assert_eq!(import.artifact.unsigned_reason.as_deref(), Some("lab"));
    let listed = &catalog.list(&ListRequest::default()).unwrap().items[0];
    assert!(!listed.artifact.signed && listed.signers.is_empty());
    let kinds: Vec<_> = catalog.events(None).unwrap();
    assert_eq!(kinds.last().unwrap().details["unsigned_reason"], "lab");
}

#[test]
fn a_counter_beyond_what_the_database_holds_is_refused() {
    let bench = Bench::new();
    for (counter, fits) in [(i64::MAX as u64, true), (i64::MAX as u64 + 1, false)] {
        let kit = Kit {
            release_counter: counter,
            ..Kit::named(&format!("counter-{fits}"))
        };
        let imported = import(&mut bench.open(), &bench.package(kit));
        match imported {
            Ok(import) => assert!(fits && import.artifact.release_counter == counter),
            Err(error) => assert!(!fits && error.code() == "E_TOO_LARGE", "{error}"),
        }
    }
}
