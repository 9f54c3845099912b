//! `isi_packager view`.

use crate::support::{Place, compare};

#[test]
fn a_signed_package() {
    let place = Place::with_pki();
    place.signed("x.isi");
    compare!(place.packager(&["view", "--package", "x.isi"]));
}

#[test]
fn an_unsigned_package() {
    let place = Place::new();
    place.unsigned("x.isi");
    compare!(place.packager(&["view", "--package", "x.isi"]));
}

#[test]
fn as_json() {
    let place = Place::with_pki();
    place.signed("x.isi");
    let run = place
        .packager(&["view", "--package", "x.isi", "--format", "json"])
        .succeeded();
    let value = run.json();
    assert_eq!(value["schema"], 1);
    assert_eq!(value["verified"], false);
    assert_eq!(value["package"]["name"], "fix");
    assert_eq!(value["regions"][0]["kind"], "payload");
    let usage = &value["signature"]["signers"][0]["certificate"]["extended_key_usage"];
    assert_eq!(usage[0], "codeSigning");
}

#[test]
fn a_damaged_payload_is_not_looked_at() {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.flip("x.isi", 0);
    place.packager(&["view", "--package", "x.isi"]).succeeded();
}

#[test]
fn c12_text_of_the_package_cannot_command_the_terminal() {
    let place = Place::new();
    place.tree("tree");
    place.write("\u{202e}gpj.sh", "x");
    let region = "--region=kind=other,file=\u{202e}gpj.sh";
    let metadata = ["--type", "dsp", "--name", "n", "--version", "1"];
    let run = place.packager(&[&["create", "tree", "-o", "x.isi", region], &metadata[..]].concat());
    let view = match run.code {
        // Either nobody can write such a name, or it is shown harmless.
        Some(0) => place.packager(&["view", "--package", "x.isi"]).succeeded(),
        _ => run,
    };
    assert!(!view.text().contains('\u{202e}'), "{}", view.text());
}
