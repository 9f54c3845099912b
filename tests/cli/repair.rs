//! `isi upgrade catalog repair` and `quarantine`.

use crate::support::{Place, Run};

fn catalog(place: &Place, arguments: &[&str]) -> Run {
    place.isi(&[&["--home", "home", "upgrade", "catalog"], arguments].concat())
}

fn json(run: &Run) -> serde_json::Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
}

/// A place whose catalog holds one package, damaged, and the name of its file.
fn damaged() -> (Place, String) {
    let place = Place::with_pki();
    place.signed("x.isi");
    catalog(&place, &["import", "x.isi"]).succeeded();
    let id = place.id_of("x.isi");
    let artifact = format!("home/catalog/artifacts/{}/{id}/package.isi", &id[..2]);
    place.make_writable(&artifact);
    place.flip(&artifact, 0);
    (place, artifact)
}

#[test]
fn nobody_to_ask_is_a_refusal_and_a_sound_catalog_is_no_work() {
    let (place, _) = damaged();
    let refused = catalog(&place, &["repair"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("E_CONFIRM"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("will be quarantined"),
        "{}",
        refused.stderr
    );
    assert!(place.names("home/catalog/quarantine").is_empty());
    let place = Place::with_pki();
    place.signed("x.isi");
    catalog(&place, &["import", "x.isi"]).succeeded();
    let run = catalog(&place, &["repair", "--force"]).succeeded();
    assert_eq!(run.stdout.lines().last(), Some("Total: 0"));
    assert!(
        run.stderr.starts_with("nothing to repair: 1 files, "),
        "{}",
        run.stderr
    );
}

#[test]
fn a_dry_run_prints_what_the_real_run_prints() {
    let (place, artifact) = damaged();
    let dry = catalog(&place, &["repair", "--dry-run", "--format", "json"]);
    assert!(place.path(&artifact).exists());
    let real = catalog(&place, &["repair", "--force", "--format", "json"]);
    assert_eq!((dry.code, real.code), (Some(3), Some(3)));
    assert_eq!(json(&dry), json(&real));
    let actions: Vec<_> = json(&real)["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(actions, ["quarantine", "remove-directory", "lost"]);
    assert!(!place.path(&artifact).exists());
    catalog(&place, &["repair", "--force"]).succeeded();
}

#[test]
fn a_lost_database_is_made_anew() {
    let place = Place::with_pki();
    place.signed("x.isi");
    catalog(&place, &["import", "x.isi"]).succeeded();
    let before = catalog(&place, &["list", "--format", "json"]).succeeded();
    std::fs::write(place.path("home/catalog/catalog.db"), b"garbage").unwrap();
    let refused = catalog(&place, &["list"]);
    assert!(
        refused.stderr.contains("isi upgrade catalog repair"),
        "{}",
        refused.stderr
    );
    let run = catalog(&place, &["repair", "--force"]).succeeded();
    let first = run.stdout.lines().nth(2).unwrap();
    assert!(first.starts_with("rebuild "), "{}", run.stdout);
    let mut after = json(&catalog(&place, &["list", "--format", "json"]).succeeded());
    let mut before = json(&before);
    for list in [&mut before, &mut after] {
        list["items"][0]["checked_at"].take();
    }
    assert_eq!(before, after);
}

#[test]
fn what_was_set_aside_is_listed_restored_and_purged() {
    let (place, artifact) = damaged();
    catalog(&place, &["repair", "--force"]);
    let list = json(&catalog(&place, &["quarantine", "list", "--format", "json"]).succeeded());
    assert_eq!(list["total"], 1);
    let item = &list["items"][0];
    assert_eq!(
        (&item["entry"], &item["content"]),
        (&"1".into(), &"package".into())
    );
    assert_eq!(item["reason"]["code"], "E_HASH_MISMATCH");
    assert_eq!(
        item["reason"]["from"],
        artifact.strip_prefix("home/catalog/").unwrap()
    );
    let refused = catalog(&place, &["quarantine", "restore", "1"]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    let unknown = catalog(&place, &["quarantine", "restore", "2"]);
    assert!(
        unknown.stderr.contains("E_UNKNOWN_ENTRY"),
        "{}",
        unknown.stderr
    );
    place.flip("home/catalog/quarantine/1/package.isi", 0);
    catalog(&place, &["quarantine", "restore", "1"]).succeeded();
    assert!(place.path(&artifact).exists());
    place.make_writable(&artifact);
    place.flip(&artifact, 0);
    catalog(&place, &["repair", "--force"]);
    let refused = catalog(&place, &["quarantine", "purge", "--all"]);
    assert!(refused.stderr.contains("E_CONFIRM"), "{}", refused.stderr);
    let dry = catalog(&place, &["quarantine", "purge", "1", "--dry-run"]).succeeded();
    assert_eq!(place.names("home/catalog/quarantine").len(), 1);
    let real = catalog(&place, &["quarantine", "purge", "1", "--force"]).succeeded();
    assert_eq!(dry.stdout, real.stdout);
    assert!(place.names("home/catalog/quarantine").is_empty());
}

#[test]
fn a_pinned_package_that_is_gone_is_fetched_from_a_directory() {
    let place = Place::with_pki();
    place.signed("x.isi");
    catalog(&place, &["import", "x.isi"]).succeeded();
    let id = place.id_of("x.isi");
    catalog(&place, &["pin", "--id", &id, "--reason", "we need it"]).succeeded();
    let artifact = format!("home/catalog/artifacts/{}/{id}/package.isi", &id[..2]);
    std::fs::remove_file(place.path(&artifact)).unwrap();
    let run = catalog(&place, &["repair", "--force"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.contains("repair --from PATH"), "{}", run.stderr);
    let arguments = ["repair", "--force", "--from", ".", "--format", "json"];
    let run = catalog(&place, &arguments).succeeded();
    assert_eq!(json(&run)["items"][0]["action"], "fetch");
    assert_eq!(json(&run)["problems"], serde_json::json!([]));
    assert!(place.path(&artifact).exists());
}
