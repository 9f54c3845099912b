//! `isi upgrade catalog repair` and `quarantine`.

use crate::support::Place;

/// A place whose catalog holds one package, damaged, and the name of its file.
fn damaged() -> (Place, String) {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.catalog(&["import", "x.isi"]).succeeded();
    let id = place.id_of("x.isi");
    let artifact = format!("home/catalog/artifacts/{}/{id}/package.isi", &id[..2]);
    place.make_writable(&artifact);
    place.flip(&artifact, 0);
    (place, artifact)
}

#[test]
fn nobody_to_ask_is_a_refusal_and_a_sound_catalog_is_no_work() {
    let (place, _) = damaged();
    let refused = place.catalog(&["repair"]);
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
    place.catalog(&["import", "x.isi"]).succeeded();
    let run = place.catalog(&["repair", "--force"]).succeeded();
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
    let dry = place.catalog(&["repair", "--dry-run", "--format", "json"]);
    assert!(place.path(&artifact).exists());
    let real = place.catalog(&["repair", "--force", "--format", "json"]);
    assert_eq!((dry.code, real.code), (Some(3), Some(3)));
    assert_eq!(dry.json(), real.json());
    let actions: Vec<_> = real.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(actions, ["quarantine", "remove-directory", "lost"]);
    assert!(!place.path(&artifact).exists());
    place.catalog(&["repair", "--force"]).succeeded();
}

#[test]
fn a_lost_database_is_made_anew() {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.catalog(&["import", "x.isi"]).succeeded();
    let before = place.catalog(&["list", "--format", "json"]).succeeded();
    std::fs::write(place.path("home/catalog/catalog.db"), b"garbage").unwrap();
    let refused = place.catalog(&["list"]);
    assert!(
        refused.stderr.contains("isi upgrade catalog repair"),
        "{}",
        refused.stderr
    );
    let run = place.catalog(&["repair", "--force"]).succeeded();
    let first = run.stdout.lines().nth(2).unwrap();
    assert!(first.starts_with("rebuild "), "{}", run.stdout);
    let mut after = place
        .catalog(&["list", "--format", "json"])
        .succeeded()
        .json();
    let mut before = before.json();
    for list in [&mut before, &mut after] {
        list["items"][0]["checked_at"].take();
    }
    assert_eq!(before, after);
}

#[test]
fn what_was_set_aside_is_listed_restored_and_purged() {
    let (place, artifact) = damaged();
    place.catalog(&["repair", "--force"]);
    let list = place
        .catalog(&["quarantine", "list", "--format", "json"])
        .succeeded()
        .json();
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
    let refused = place.catalog(&["quarantine", "restore", "1"]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    let unknown = place.catalog(&["quarantine", "restore", "2"]);
    assert!(
        unknown.stderr.contains("E_UNKNOWN_ENTRY"),
        "{}",
        unknown.stderr
    );
    place.flip("home/catalog/quarantine/1/package.isi", 0);
    place.catalog(&["quarantine", "restore", "1"]).succeeded();
    assert!(place.path(&artifact).exists());
    place.make_writable(&artifact);
    place.flip(&artifact, 0);
    place.catalog(&["repair", "--force"]);
    let refused = place.catalog(&["quarantine", "purge", "--all"]);
    assert!(refused.stderr.contains("E_CONFIRM"), "{}", refused.stderr);
    let dry = place
        .catalog(&["quarantine", "purge", "1", "--dry-run"])
        .succeeded();
    assert_eq!(place.names("home/catalog/quarantine").len(), 1);
    let real = place
        .catalog(&["quarantine", "purge", "1", "--force"])
        .succeeded();
    assert_eq!(dry.stdout, real.stdout);
    assert!(place.names("home/catalog/quarantine").is_empty());
}

#[test]
fn a_pinned_package_that_is_gone_is_fetched_from_a_directory() {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.catalog(&["import", "x.isi"]).succeeded();
    let id = place.id_of("x.isi");
    place
        .catalog(&["pin", "--id", &id, "--reason", "we need it"])
        .succeeded();
    let artifact = format!("home/catalog/artifacts/{}/{id}/package.isi", &id[..2]);
    std::fs::remove_file(place.path(&artifact)).unwrap();
    let run = place.catalog(&["repair", "--force"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.contains("repair --from PATH"), "{}", run.stderr);
    let arguments = ["repair", "--force", "--from", ".", "--format", "json"];
    let run = place.catalog(&arguments).succeeded();
    assert_eq!(run.json()["items"][0]["action"], "fetch");
    assert_eq!(run.json()["problems"], serde_json::json!([]));
    assert!(place.path(&artifact).exists());
}
