//! What comes out is what went in.

use std::path::Path;
use std::process::Command;

use isi_catalog::catalog::{CatalogError, ExportRequest, Exported, Outcome};
use isi_catalog::digest::PackageId;
use isi_catalog::fsio::OnExisting;
use isi_catalog::trust::TrustStore;

use crate::world::{Bench, Kit, World, context, import, tree, world};

fn export(bench: &Bench, id: PackageId, target: &Path) -> Result<Exported, CatalogError> {
    export_with(bench, id, target, |_| {})
}

fn export_with(
    bench: &Bench,
    id: PackageId,
    target: &Path,
    change: impl FnOnce(&mut ExportRequest<'_>),
) -> Result<Exported, CatalogError> {
    let mut request = ExportRequest {
        id,
        target,
        on_existing: OnExisting::Refuse,
        side_file: false,
        trust: &world().trust,
        override_reason: None,
    };
    change(&mut request);
    bench.open().export(&request, &context())
}

#[test]
fn an_exported_package_equals_the_imported_one_and_can_be_imported_elsewhere() {
    let (bench, other) = (Bench::new(), Bench::new());
    let (path, first) = bench.imported(Kit::default());
    let target = bench.path("out.isi");
    let exported = export(&bench, first.artifact.id, &target).unwrap();
    assert_eq!((&exported.target, exported.side_file), (&target, None));
    assert_eq!(
        std::fs::read(&target).unwrap(),
        std::fs::read(&path).unwrap()
    );
    assert!(!bench.path("out.isi.sha256").exists());
    let second = import(&mut other.open(), &target).unwrap();
    assert_eq!(second.outcome, Outcome::Added);
    assert_eq!(second.artifact, first.artifact);
}

#[test]
fn the_side_file_satisfies_sha256sum() {
    let bench = Bench::new();
    let (_, first) = bench.imported(Kit::default());
    for name in [
        "plain.isi",
        "with space.isi",
        "back\\slash.isi",
        "new\nline.isi",
    ] {
        let target = bench.path(name);
        let exported = export_with(&bench, first.artifact.id, &target, |request| {
            request.side_file = true;
        });
        let side = exported.unwrap().side_file.unwrap();
        let checked = Command::new("sha256sum")
            .args(["--check", "--strict"])
            .arg(side.file_name().unwrap())
            .current_dir(side.parent().unwrap())
            .output()
            .unwrap();
        assert!(checked.status.success(), "{name:?}: {checked:?}");
    }
}

#[test]
fn an_existing_file_is_replaced_only_on_request() {
    let bench = Bench::new();
    let (path, first) = bench.imported(Kit::default());
    let id = first.artifact.id;
    let target = bench.path("out.isi");
    std::fs::write(&target, b"mine").unwrap();
    assert_eq!(export(&bench, id, &target).unwrap_err().code(), "E_EXISTS");
    assert_eq!(std::fs::read(&target).unwrap(), b"mine");
    export_with(&bench, id, &target, |request| {
        request.on_existing = OnExisting::Replace;
    })
    .unwrap();
    assert_eq!(
        std::fs::read(&target).unwrap(),
        std::fs::read(path).unwrap()
    );
    // A side file in the way stops the export before anything is written.
    let (target, side) = (bench.path("new.isi"), bench.path("new.isi.sha256"));
    std::fs::write(&side, b"mine").unwrap();
    let refused = export_with(&bench, id, &target, |request| request.side_file = true);
    assert_eq!(refused.unwrap_err().code(), "E_EXISTS");
    assert!(!target.exists());
    assert_eq!(std::fs::read(&side).unwrap(), b"mine");
}

#[test]
fn what_is_damaged_missing_or_not_trusted_does_not_get_out() {
    let bench = Bench::new();
    let (_, first) = bench.imported(Kit::default());
    let (_, second) = bench.imported(Kit::named("second"));
    let id = first.artifact.id;
    let outside = bench.path("outside");
    std::fs::create_dir(&outside).unwrap();
    let stranger = World::new();
    let target = outside.join("out.isi");
    let refused = |code: &str, trust: &TrustStore| {
        let request = ExportRequest {
            id,
            target: &target,
            on_existing: OnExisting::Refuse,
            side_file: true,
            trust,
            override_reason: None,
        };
        let error = bench.open().export(&request, &context()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(tree(&outside).is_empty());
    };
    refused("E_UNTRUSTED", &stranger.trust);
    let kept = bench.artifact(&id);
    let good = std::fs::read(&kept).unwrap();
    let mut bad = good.clone();
    bad[3] ^= 0x80;
    std::fs::remove_file(&kept).unwrap();
    std::fs::write(&kept, bad).unwrap();
    refused("E_HASH_MISMATCH", &world().trust);
    // Another package, perfectly good, under this ID.
    std::fs::write(
        &kept,
        std::fs::read(bench.artifact(&second.artifact.id)).unwrap(),
    )
    .unwrap();
    refused("E_ARTIFACT_CORRUPT", &world().trust);
    std::fs::remove_file(&kept).unwrap();
    refused("E_ARTIFACT_MISSING", &world().trust);
}

#[test]
fn a_target_that_cannot_be_is_refused() {
    let bench = Bench::new();
    let (_, first) = bench.imported(Kit::default());
    let id = first.artifact.id;
    let missing = export(&bench, id, &bench.path("no/such/place.isi"));
    assert_eq!(missing.unwrap_err().code(), "E_IO");
    let directory = export_with(&bench, id, &bench.root(), |request| {
        request.on_existing = OnExisting::Replace;
    });
    assert!(directory.unwrap_err().code().starts_with("E_"));
}

fn export_by(
    bench: &Bench,
    id: PackageId,
    target: &Path,
    trust: &TrustStore,
    override_reason: Option<&str>,
) -> Result<Exported, CatalogError> {
    let request = ExportRequest {
        id,
        target,
        on_existing: OnExisting::Refuse,
        side_file: false,
        trust,
        override_reason,
    };
    bench.open().export(&request, &context())
}

/// Every row of the overrides, without its number.
fn overrides(bench: &Bench) -> Vec<[String; 4]> {
    let database = rusqlite::Connection::open(bench.root().join("catalog.db")).unwrap();
    let mut statement = database
        .prepare("SELECT action, code, reason, actor FROM override ORDER BY number")
        .unwrap();
    let rows = statement.query_map([], |row| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn what_is_no_longer_trusted_gets_out_with_a_reason_that_goes_on_record() {
    let bench = Bench::new();
    let (path, first) = bench.imported(Kit::default());
    let (id, stranger) = (first.artifact.id, World::new());
    let target = bench.path("out.isi");
    for reason in [None, Some(""), Some(" \t")] {
        let refused = export_by(&bench, id, &target, &stranger.trust, reason);
        let refused = refused.unwrap_err();
        assert!(matches!(refused, CatalogError::NotExported { .. }));
        assert!(refused.hint().unwrap().contains("--override REASON"));
        assert!(!target.exists());
    }
    assert_eq!(overrides(&bench), [[""; 4]; 0]);
    let reason = Some(" evidence for the vendor ");
    let exported = export_by(&bench, id, &target, &stranger.trust, reason).unwrap();
    let code = exported.overridden.unwrap();
    assert_eq!(
        std::fs::read(&target).unwrap(),
        std::fs::read(&path).unwrap()
    );
    let expected = ["export", &code, "evidence for the vendor", "tester"];
    assert_eq!(overrides(&bench), [expected.map(str::to_owned)]);
    let events = bench.open().events(None).unwrap();
    let event = events.last().unwrap();
    assert_eq!(
        (&*event.kind, &event.subject),
        ("override", &id.to_string())
    );
    let details = serde_json::json!({
        "action": "export", "code": code, "reason": "evidence for the vendor"
    });
    assert_eq!(event.details, details);
    // A reason that was not needed is no override.
    let (target, reason) = (bench.path("again.isi"), Some("just in case"));
    let again = export_by(&bench, id, &target, &world().trust, reason);
    assert_eq!(again.unwrap().overridden, None);
    assert_eq!(overrides(&bench).len(), 1);
}

#[test]
fn damage_is_never_overridden() {
    let bench = Bench::new();
    let (_, first) = bench.imported(Kit::default());
    let (id, stranger) = (first.artifact.id, World::new());
    let path = bench.artifact(&id);
    let good = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let target = bench.path("out.isi");
    let refused = |trust: &TrustStore| {
        let error = export_by(&bench, id, &target, trust, Some("please")).unwrap_err();
        assert!(!target.exists());
        assert_eq!(overrides(&bench), [[""; 4]; 0]);
        error.code().to_owned()
    };
    assert_eq!(refused(&world().trust), "E_ARTIFACT_MISSING");
    for offset in [0, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[offset] ^= 1;
        std::fs::write(&path, bad).unwrap();
        for trust in [&world().trust, &stranger.trust] {
            refused(trust);
        }
    }
}
