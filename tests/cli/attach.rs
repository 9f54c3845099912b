//! Signing in a room without a network: `export-manifest`, `attach-signature`, `attach-timestamp`.

use crate::support::{AUTHORITY, Place, SIBLING, compare};

fn on(place: &Place, command: &str, arguments: &[&str]) -> crate::support::Run {
    place.packager(&[&[command, "--package", "x.isi"], arguments].concat())
}

fn sign_with_openssl(place: &Place, content: &str, signature: &str) {
    place.write("chain.pem", place.chain("home/keys/signer.pem"));
    let flags = [
        "cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256",
    ];
    let keys = [
        "-signer",
        "home/keys/signer.pem",
        "-inkey",
        "home/keys/signer.key",
    ];
    let more = ["-certfile", "chain.pem", "-in", content, "-out", signature];
    place
        .run("openssl", &[&flags[..], &keys, &more].concat())
        .succeeded();
}

#[test]
fn a_signature_made_elsewhere() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    on(&place, "export-manifest", &["--output", "m"]).succeeded();
    sign_with_openssl(&place, "m", "s.der");
    compare!(on(&place, "attach-signature", &["--signature", "s.der"]));
    on(&place, "timestamp", &AUTHORITY).succeeded();
    on(&place, "verify", &["--home", "home"]).succeeded();
}

#[test]
fn a_signature_over_something_else() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    let before = place.read("x.isi");
    place.write("other", "other");
    sign_with_openssl(&place, "other", "s.der");
    compare!(on(&place, "attach-signature", &["--signature", "s.der"]));
    place.write("s.der", "no signature");
    let run = on(&place, "attach-signature", &["--signature", "s.der"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(place.read("x.isi"), before);
}

#[test]
fn a_timestamp_of_another_package() {
    let place = Place::with_pki();
    place.signed("x.isi");
    on(&place, "export-timestamp", &["--output", "t.der"]).succeeded();
    on(&place, "attach-timestamp", &["--token", "t.der"]).succeeded();
    on(&place, "verify", &["--home", "home"]).succeeded();
    on(&place, "sign", &SIBLING).succeeded();
    compare!(on(&place, "attach-timestamp", &["--token", "t.der"]));
}

#[test]
fn parts_that_are_not_there() {
    let place = Place::new();
    place.unsigned("x.isi");
    for (command, code) in [
        ("export-signature", "E_UNSIGNED"),
        ("export-timestamp", "E_NO_TIMESTAMP"),
    ] {
        let run = on(&place, command, &["--output", "out"]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains(code), "{}", run.stderr);
    }
    assert!(!place.path("out").exists());
}
