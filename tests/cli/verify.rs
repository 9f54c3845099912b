//! `isi_packager verify`.

use crate::support::{AUTHORITY, Place, SIBLING, compare};

fn verify(place: &Place, arguments: &[&str]) -> crate::support::Run {
    place.packager(&[&["verify", "--package", "x.isi"], arguments].concat())
}

#[test]
fn a_good_package() {
    let place = Place::with_pki();
    place.signed("x.isi");
    compare!(verify(&place, &["--home", "home"]));
}

#[test]
fn with_the_home_of_the_environment() {
    let place = Place::with_pki();
    place.signed("x.isi");
    let mut command = place.command("isi_packager", &["verify", "--package", "x.isi"]);
    let output = command.env("ISI_HOME", "home").output().unwrap();
    place.finished(&output).succeeded();
}

#[test]
fn with_every_store_named() {
    let place = Place::with_pki();
    place.signed("x.isi");
    let stores = [
        "--certs=home/trust/certs",
        "--identities=home/trust/identities.toml",
        "--tsa-certs=home/trust/tsa-certs",
        "--crls=home/trust/crls",
    ];
    verify(&place, &stores).succeeded();
    let without_authorities = verify(&place, &stores[..2]);
    assert_eq!(
        without_authorities.code,
        Some(4),
        "{}",
        without_authorities.stdout
    );
}

#[test]
fn as_json() {
    let place = Place::with_pki();
    place.signed("x.isi");
    let run = verify(&place, &["--home", "home", "--format", "json"]).succeeded();
    let value = run.json();
    assert_eq!(
        (&value["schema"], &value["verified"]),
        (&1.into(), &true.into())
    );
    assert_eq!(value["checks"].as_array().unwrap().len(), 9);
}

#[test]
fn one_flipped_bit_in_the_payload() {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.flip("x.isi", 10);
    compare!(verify(&place, &["--home", "home"]));
}

#[test]
fn one_byte_short() {
    let place = Place::with_pki();
    place.signed("x.isi");
    let mut bytes = place.read("x.isi");
    bytes.pop();
    place.write("x.isi", bytes);
    compare!(verify(&place, &["--home", "home"]));
}

#[test]
fn the_sibling_with_the_very_same_name() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    place
        .packager(&[&["sign", "--package", "x.isi"], &SIBLING[..], &AUTHORITY].concat())
        .succeeded();
    let run = verify(&place, &["--home", "home"]);
    assert_eq!(run.code, Some(4), "{}", run.stdout);
    assert!(run.stdout.contains("Verified:    False"), "{}", run.stdout);
}

#[test]
fn an_unsigned_package() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    compare!(verify(&place, &["--home", "home"]));
    let run = verify(&place, &["--home", "home", "--allow-unsigned", "because"]);
    assert_eq!(
        run.code,
        Some(4),
        "the policy refuses all the same: {}",
        run.stdout
    );
}

#[test]
fn an_unsigned_package_where_the_policy_allows_to_ask() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    place.ask_for_unsigned();
    assert_eq!(verify(&place, &["--home", "home"]).code, Some(4));
    let run = verify(&place, &["--home", "home", "--allow-unsigned", "because"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("Verified:    False"), "{}", run.stdout);
}

#[test]
fn ten_years_later_the_timestamp_still_holds() {
    let place = Place::with_pki();
    place.signed("x.isi");
    let run = verify(&place, &["--home", "home", "--at", "2036-01-01T00:00:00Z"]);
    assert!(!run.stdout.contains("E_EXPIRED"), "{}", run.stdout);
}

#[test]
fn no_trust_at_all() {
    let place = Place::new();
    place.unsigned("x.isi");
    compare!(verify(&place, &["--home", "nowhere"]));
}
