//! `isi_packager sign` and `timestamp`.

use std::process::Stdio;

use crate::support::{AUTHORITY, Place, SIBLING, SIGNER, compare};

fn on(place: &Place, command: &str, arguments: &[&str]) -> crate::support::Run {
    place.packager(&[&[command, "--package", "x.isi"], arguments].concat())
}

#[test]
fn one_after_the_other() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    let payload = place.read("x.isi")[..100].to_vec();
    compare!(on(&place, "sign", &SIGNER));
    on(&place, "timestamp", &AUTHORITY).succeeded();
    on(&place, "verify", &["--home", "home"]).succeeded();
    assert_eq!(place.read("x.isi")[..100], payload);
    place.run("sha256sum", &["-c", "x.isi.sha256"]).succeeded();
}

#[test]
fn again_removes_the_timestamp_and_what_no_longer_fits() {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.write("x.isi.sig", "of other bytes");
    on(&place, "sign", &[&SIGNER[..], &["--no-sha256"]].concat()).succeeded();
    assert_eq!(place.names("."), ["home", "tree", "x.isi"]);
    let view = on(&place, "view", &[]).succeeded();
    assert!(
        view.stdout.contains("Timestamp Size: 0\n"),
        "{}",
        view.stdout
    );
}

#[test]
fn a_second_signer_is_added() {
    let place = Place::with_pki();
    place.signed("x.isi");
    on(&place, "sign", &[&SIBLING[..], &["--append"]].concat()).succeeded();
    let view = on(&place, "view", &[]).succeeded();
    assert_eq!(view.stdout.matches("== Signature Details ==").count(), 2);
    let again = on(&place, "sign", &[&SIBLING[..], &["--append"]].concat());
    compare!(again);
}

#[test]
fn without_a_signer() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    compare!(on(&place, "sign", &[]));
}

#[test]
fn a_timestamp_of_nothing() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    compare!(on(&place, "timestamp", &AUTHORITY));
}

#[test]
fn a_certificate_for_something_else() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    let before = place.read("x.isi");
    let tsa = ["--key", "home/keys/tsa.key", "--cert", "home/keys/tsa.pem"];
    compare!(on(&place, "sign", &tsa));
    assert_eq!(place.read("x.isi"), before);
}

#[test]
fn a_locked_key_opens_with_a_passphrase_from_a_descriptor() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    let lock = [
        "pkcs8",
        "-topk8",
        "-in",
        "home/keys/signer.key",
        "-out",
        "locked.key",
    ];
    let lock = [
        &lock[..],
        &["-v2", "aes-256-cbc", "-passout", "pass:secret"],
    ]
    .concat();
    place.run("openssl", &lock).succeeded();
    let signer = ["--key", "locked.key", "--cert", "home/keys/signer.pem"];
    compare!(on(&place, "sign", &signer));
    for (passphrase, code) in [("wrong\n", 1), ("secret\nmore\n", 0)] {
        place.write("passphrase", passphrase);
        let arguments = [
            &["sign", "--package", "x.isi", "--passphrase-fd", "0"],
            &signer[..],
        ];
        let mut command = place.command("isi_packager", &arguments.concat());
        let file = std::fs::File::open(place.path("passphrase")).unwrap();
        let output = command.stdin(Stdio::from(file)).output().unwrap();
        let run = place.finished(&output);
        assert_eq!(run.code, Some(code), "{}", run.stderr);
    }
}

#[test]
fn a_program_signs() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    let program = "openssl cms -sign -binary -outform DER -md sha256 \
                   -signer home/keys/signer.pem -inkey home/keys/signer.key \
                   -certfile chain.pem";
    place.write("chain.pem", place.chain("home/keys/signer.pem"));
    on(&place, "sign", &["--signer-command", program]).succeeded();
    on(&place, "timestamp", &AUTHORITY).succeeded();
    on(&place, "verify", &["--home", "home"]).succeeded();
}

#[test]
fn a_program_that_fails() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    let before = place.read("x.isi");
    for program in ["false", "./nowhere", "echo no signature"] {
        let run = on(&place, "sign", &["--signer-command", program]);
        assert_eq!(run.code, Some(1), "{program}: {}", run.stderr);
        assert!(
            run.stderr.contains("  code: E_"),
            "{program}: {}",
            run.stderr
        );
    }
    assert_eq!(place.read("x.isi"), before);
}

#[test]
fn an_authority_that_does_not_answer() {
    let place = Place::with_pki();
    place.signed("x.isi");
    let before = place.read("x.isi");
    for url in ["http://127.0.0.1:1/tsr", "ftp://127.0.0.1/", "nonsense"] {
        let run = on(&place, "timestamp", &["--tsa-url", url]);
        assert_eq!(run.code, Some(1), "{url}: {}", run.stderr);
        assert!(run.stderr.contains("code: E_TSA"), "{url}: {}", run.stderr);
    }
    assert_eq!(place.read("x.isi"), before);
}
