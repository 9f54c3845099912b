//! `isi_packager extract`.

use crate::support::{AUTHORITY, Place, SIGNER, compare};

fn extract(place: &Place, arguments: &[&str]) -> crate::support::Run {
    let command = ["extract", "--package", "x.isi", "--home", "home"];
    place.packager(&[&command[..], arguments].concat())
}

#[test]
fn all_files() {
    let place = Place::with_pki();
    place.signed("x.isi");
    compare!(extract(&place, &["--files", "out"]));
    place
        .run("diff", &["-r", "--no-dereference", "tree", "out"])
        .succeeded();
}

#[test]
fn into_an_empty_directory_but_not_over_anything() {
    let place = Place::with_pki();
    place.signed("x.isi");
    std::fs::create_dir(place.path("out")).unwrap();
    extract(&place, &["--files", "out"]).succeeded();
    compare!(extract(&place, &["--files", "out"]));
    place
        .run("diff", &["-r", "--no-dereference", "tree", "out"])
        .succeeded();
}

#[test]
fn one_region() {
    let place = Place::with_pki();
    place.signed("x.isi");
    compare!(extract(&place, &["--region", "2", "--output", "out"]));
    assert_eq!(place.read("out"), b"Fix 1.2.3\n\nFixes things.\n");
}

#[test]
fn a_region_that_is_not_there() {
    let place = Place::with_pki();
    place.signed("x.isi");
    for number in ["0", "5"] {
        let run = extract(&place, &["--region", number, "--output", "out"]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains("code: E_NO_REGION"), "{}", run.stderr);
    }
    assert!(!place.path("out").exists());
}

#[test]
fn nothing_of_a_package_that_is_not_trusted() {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.flip("x.isi", 0);
    compare!(extract(&place, &["--region", "2", "--output", "out"]));
    let files = extract(&place, &["--files", "out"]);
    assert_eq!(files.code, Some(4), "{}", files.stderr);
    assert_eq!(place.names("."), ["home", "tree", "x.isi", "x.isi.sha256"]);
}

#[test]
fn files_of_a_payload_that_is_no_archive() {
    let place = Place::with_pki();
    place.write("payload", "no archive");
    let build = [
        "create",
        "payload",
        "-o",
        "x.isi",
        "--type=generic",
        "--name=n",
        "--version=1",
    ];
    place
        .packager(&[&build[..], &SIGNER, &AUTHORITY].concat())
        .succeeded();
    let run = extract(&place, &["--files", "out"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("code: E_PAYLOAD_FORMAT"),
        "{}",
        run.stderr
    );
    assert!(!place.path("out").exists());
}

#[test]
fn files_of_an_archive_that_another_tool_made() {
    let place = Place::with_pki();
    place.tree("tree");
    place
        .run("tar", &["-C", "tree", "-cf", "p.tar", "."])
        .succeeded();
    place.run("zstd", &["-q", "p.tar"]).succeeded();
    for payload in ["p.tar", "p.tar.zst"] {
        let build = [
            "create",
            payload,
            "-o",
            "x.isi",
            "--type=generic",
            "--name=n",
            "--version=1",
        ];
        let build = [&build[..], &SIGNER, &AUTHORITY, &["--overwrite"]].concat();
        place.packager(&build).succeeded();
        let out = format!("{payload}.out");
        extract(&place, &["--files", &out]).succeeded();
        place
            .run("diff", &["-r", "--no-dereference", "tree", &out])
            .succeeded();
    }
}

#[test]
fn without_saying_what() {
    let place = Place::new();
    compare!(extract(&place, &[]));
}

/// The payload is region 1 and nothing behind it, though the file goes on.
#[test]
fn frames_that_lead_out_of_the_payload() {
    let place = Place::new();
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/format-spec/vectors");
    std::fs::copy(
        format!("{vectors}/bad/E_PAYLOAD_INDEX-payload.isi"),
        place.path("x.isi"),
    )
    .unwrap();
    let [certs, tsa, identities] = ["certs", "tsa-certs", "identities.toml"]
        .map(|part| format!("{vectors}/trust/default/{part}"));
    let run = place.packager(&[
        "extract",
        "--package=x.isi",
        "--files=out",
        "--at=2026-11-03T12:00:00Z",
        "--certs",
        &certs,
        "--tsa-certs",
        &tsa,
        "--identities",
        &identities,
    ]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("code: E_PAYLOAD_INDEX"),
        "{}",
        run.stderr
    );
    assert!(!place.path("out").exists());
}
