//! `isi_packager create`.

use crate::support::{AUTHORITY, Place, compare};

const METADATA: [&str; 6] = ["--type", "patch", "--name", "fix", "--version", "1.2.3"];

fn create(place: &Place, arguments: &[&str]) -> crate::support::Run {
    place.packager(&[&["create"], arguments, &METADATA].concat())
}

#[test]
fn from_a_directory() {
    let place = Place::new();
    place.tree("tree");
    compare!(create(&place, &["tree", "--output", "x.isi"]));
    assert_eq!(place.names("."), ["tree", "x.isi", "x.isi.sha256"]);
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let place = Place::new();
    place.tree("tree");
    let sum = |name: &str| {
        create(&place, &["tree", "--output", name]).succeeded();
        place.read(&format!("{name}.sha256"))[..64].to_vec()
    };
    assert_eq!(sum("a.isi"), sum("b.isi"));
}

#[test]
fn source_date_epoch_bounds_every_time() {
    let place = Place::new();
    place.tree("tree");
    for name in ["a.isi", "b.isi"] {
        place.touch("tree/file");
        let arguments = [&["create", "tree", "--output", name], &METADATA[..]].concat();
        let mut command = place.command("isi_packager", &arguments);
        let output = command
            .env("SOURCE_DATE_EPOCH", "1000000000")
            .output()
            .unwrap();
        place.finished(&output).succeeded();
    }
    assert_eq!(place.read("a.isi"), place.read("b.isi"));
    let view = place.packager(&["view", "--package", "a.isi"]).succeeded();
    assert!(
        view.stdout.contains("2001-09-09T01:46:40Z"),
        "{}",
        view.stdout
    );
}

#[test]
fn a_wrong_source_date_epoch() {
    let place = Place::new();
    place.tree("tree");
    let arguments = [&["create", "tree", "--output", "x.isi"], &METADATA[..]].concat();
    let mut command = place.command("isi_packager", &arguments);
    let output = command
        .env("SOURCE_DATE_EPOCH", "yesterday")
        .output()
        .unwrap();
    compare!(place.finished(&output));
    assert_eq!(place.names("."), ["tree"]);
}

#[test]
fn from_an_existing_payload_byte_for_byte() {
    let place = Place::new();
    place.write("payload.tar", "any bytes at all");
    create(&place, &["payload.tar", "--output", "x.isi"]).succeeded();
    assert!(place.read("x.isi").starts_with(b"any bytes at all"));
}

#[test]
fn a_gzip_payload_is_warned_about() {
    let place = Place::new();
    place.write("payload.tar.gz", b"\x1f\x8b\x08\x00 and so on");
    compare!(create(
        &place,
        &["--payload", "payload.tar.gz", "--output", "x.isi"]
    ));
}

#[test]
fn from_package_toml_with_flags_that_win() {
    let place = Place::new();
    place.tree("vendor/tree");
    place.write("vendor/README.txt", "Read me.\n");
    place.write("vendor/pre.sh", "#!/bin/sh\n");
    place.write(
        "vendor/package.toml",
        "type = 'dsp'\nname = 'from-file'\nversion = '3.0'\ndescription = 'Drives'\ntree = 'tree'\n\
         readme = 'README.txt'\nrestart = 'reboot'\ncreated = '2026-01-31T12:00:00Z'\n\
         [[regions]]\nkind = 'hook'\nfile = 'pre.sh'\n",
    );
    let from = [
        "create",
        "--metadata",
        "vendor/package.toml",
        "--name",
        "from-flag",
    ];
    place
        .packager(&[&from[..], &["-o", "x.isi"]].concat())
        .succeeded();
    let view = place.packager(&["view", "--package", "x.isi"]).succeeded();
    for line in [
        "Name:            from-flag",
        "Version:         3.0",
        "Restart:         reboot",
    ] {
        assert!(view.stdout.contains(line), "{line}: {}", view.stdout);
    }
    assert!(
        view.stdout.contains("== Region 2 ==\nType: README\n"),
        "{}",
        view.stdout
    );
    assert!(
        view.stdout.contains("Type: Hook\nName: pre.sh\n"),
        "{}",
        view.stdout
    );
}

#[test]
fn a_misspelt_key() {
    let place = Place::new();
    place.write("package.toml", "name = 'n'\n\nrolback = true\n");
    compare!(place.packager(&["create", ".", "-m", "package.toml", "-o", "x.isi"]));
}

#[test]
fn nothing_to_pack() {
    compare!(create(&Place::new(), &["--output", "x.isi"]));
}

#[test]
fn no_name() {
    let place = Place::new();
    place.tree("tree");
    compare!(place.packager(&["create", "tree", "--type", "dsp", "-o", "x.isi"]));
    assert_eq!(place.names("."), ["tree"]);
}

#[test]
fn x_a_name_with_a_slash() {
    let place = Place::new();
    place.tree("tree");
    let name = [
        "create",
        "tree",
        "--type",
        "dsp",
        "--version",
        "1",
        "--name",
        "../evil",
    ];
    compare!(place.packager(&[&name[..], &["-o", "x.isi"]].concat()));
    assert_eq!(place.names("."), ["tree"]);
}

#[test]
fn an_existing_output_is_kept_unless_asked() {
    let place = Place::new();
    place.tree("tree");
    place.write("x.isi", "mine");
    compare!(create(&place, &["tree", "--output", "x.isi"]));
    assert_eq!(place.read("x.isi"), b"mine");
    create(&place, &["tree", "--output", "x.isi", "--overwrite"]).succeeded();
    assert_ne!(place.read("x.isi"), b"mine");
}

#[test]
fn an_existing_side_file_is_kept_unless_asked() {
    let place = Place::new();
    place.tree("tree");
    place.write("x.isi.sha256", "mine");
    let run = create(&place, &["tree", "--output", "x.isi"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(place.names("."), ["tree", "x.isi.sha256"]);
    assert_eq!(place.read("x.isi.sha256"), b"mine");
}

#[test]
fn an_output_directory_that_is_not_there() {
    let place = Place::new();
    place.tree("tree");
    compare!(create(&place, &["tree", "--output", "nowhere/x.isi"]));
}

#[test]
fn a_readme_that_is_no_text() {
    let place = Place::new();
    place.tree("tree");
    place.write("README", b"caf\xe9");
    compare!(create(
        &place,
        &["tree", "--output", "x.isi", "--readme", "README"]
    ));
    assert_eq!(place.names("."), ["README", "tree"]);
}

#[test]
fn a_key_that_is_not_the_certificates() {
    let place = Place::with_pki();
    place.tree("tree");
    let signing = [
        "--key",
        "home/keys/tsa.key",
        "--cert",
        "home/keys/signer.pem",
    ];
    let run = create(
        &place,
        &[&["tree", "--output", "x.isi"][..], &signing].concat(),
    );
    compare!(run);
    assert_eq!(place.names("."), ["home", "tree"]);
}

#[test]
fn signs_and_timestamps_at_once() {
    let place = Place::with_pki();
    place.signed("x.isi");
    place
        .packager(&["verify", "--package", "x.isi", "--home", "home"])
        .succeeded();
}

#[test]
fn a_timestamp_without_a_signature() {
    let place = Place::with_pki();
    place.tree("tree");
    compare!(create(
        &place,
        &[&["tree", "--output", "x.isi"][..], &AUTHORITY].concat()
    ));
    assert_eq!(place.names("."), ["home", "tree"]);
}
