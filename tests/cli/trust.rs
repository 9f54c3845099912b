//! `isi upgrade trust`.

use std::fs;

use crate::support::{Place, Run};

fn trust(place: &Place, arguments: &[&str]) -> Run {
    place.upgrade(&[&["trust"], arguments].concat())
}

fn items(run: &Run) -> Vec<serde_json::Value> {
    let json = run.json();
    assert_eq!(json["schema"], 1);
    json["items"].as_array().unwrap().clone()
}

#[test]
fn show_says_what_is_in_force_in_every_format() {
    let place = Place::with_pki();
    let shown = items(&trust(&place, &["show", "--format", "json"]).succeeded());
    let of_kind = |kind: &str| shown.iter().find(|item| item["kind"] == kind).unwrap();
    let anchor = of_kind("anchor");
    assert_eq!(anchor["name"], "CN=Example Root,O=Example Appliances");
    assert!(anchor["days_left"].as_i64().unwrap() > 365, "{anchor}");
    assert_eq!(anchor["sha256"].as_str().unwrap().len(), 64);
    let rule = &of_kind("identity")["rule"];
    assert!(rule["subject"].as_str().unwrap().contains("O="), "{rule}");
    assert_eq!(rule["issuer_spki_sha256"].as_str().unwrap().len(), 64);
    of_kind("tsa-anchor");
    let table = trust(&place, &["show"]).succeeded();
    assert!(table.stdout.starts_with("Kind "), "{}", table.stdout);
    assert!(table.stdout.contains("CN=Example Root"), "{}", table.stdout);
    assert!(table.stdout.ends_with(&format!("Total: {}\n", shown.len())));
    let csv = trust(&place, &["show", "--format", "csv"]).succeeded();
    assert_eq!(csv.stdout.lines().count(), shown.len() + 1);
    let list = trust(&place, &["show", "--format", "list"]).succeeded();
    let sha256 = anchor["sha256"].as_str().unwrap();
    assert!(
        list.stdout.contains(&format!("SHA-256: {sha256}\n")),
        "{}",
        list.stdout
    );
}

#[test]
fn check_ends_with_3_when_there_is_more_than_a_note() {
    let place = Place::with_pki();
    let fine = trust(&place, &["check", "--within", "0", "--format", "json"]).succeeded();
    assert!(
        items(&fine).iter().all(|item| item["severity"] == "note"),
        "{}",
        fine.stdout
    );
    fs::remove_dir_all(place.path("home/trust/tsa-certs")).unwrap();
    let run = trust(&place, &["check", "--format", "csv", "--no-header"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(
        run.stdout.starts_with("problem,T_NO_TSA,tsa-anchor,,"),
        "{}",
        run.stdout
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn trust_that_cannot_be_used_is_an_error() {
    let place = Place::with_pki();
    place.run("chmod", &["o+w", "home/trust/certs"]).succeeded();
    for verb in ["show", "check"] {
        let run = trust(&place, &[verb]);
        assert_eq!(run.code, Some(1));
        assert!(
            run.stderr.contains("code: E_TRUST_WORLD_WRITABLE\n"),
            "{}",
            run.stderr
        );
        let hint = "hint: `chmod go-w home/trust/certs`\n";
        assert!(run.stderr.ends_with(hint), "{}", run.stderr);
        assert_eq!(run.stdout, "");
    }
    let nowhere = place.isi(&["upgrade", "trust", "check", "--trust", "nowhere"]);
    assert!(
        nowhere.stderr.contains("E_TRUST_MISSING"),
        "{}",
        nowhere.stderr
    );
}
