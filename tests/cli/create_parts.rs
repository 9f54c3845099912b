//! `isi_packager create`: lists, kernels, programs, and owners without root.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{AUTHORITY, Place, Run, SIGNER, compare};

const METADATA: [&str; 6] = ["--type", "onefs", "--name", "base", "--version", "2"];

fn create(place: &Place, arguments: &[&str]) -> Run {
    place.packager(&[&["create", "tree", "-o", "x.isi"], arguments, &METADATA].concat())
}

/// The content of the only region of a kind, or nothing.
fn region(place: &Place, package: &str, kind: &str) -> Option<String> {
    let view = place
        .packager(&["view", "--package", package, "--format", "json"])
        .succeeded();
    let view = view.json();
    let regions = view["regions"].as_array().unwrap();
    let number = regions.iter().position(|region| region["kind"] == kind)? + 1;
    let number = number.to_string();
    let take = ["extract", "--package", package, "--region", &number];
    let rest = ["-o", "region", "--overwrite", "--home", "home"];
    place.packager(&[&take[..], &rest].concat()).succeeded();
    Some(String::from_utf8(place.read("region")).unwrap())
}

fn signed(place: &Place, arguments: &[&str]) -> Run {
    create(place, &[&SIGNER, &AUTHORITY, arguments].concat())
}

#[test]
fn parts_become_regions_in_their_order() {
    let place = Place::new();
    place.tree("tree");
    for name in ["vmlinuz", "debug.img", "pre.sh", "check.sh", "skip.txt"] {
        place.write(name, format!("# {name}\n"));
    }
    create(
        &place,
        &[
            "--health-check",
            "net=check.sh",
            "--hook",
            "pre-install.db=pre.sh",
            "--kernel",
            "vmlinuz",
            "--kernel",
            "debug=debug.img",
            "--skip-list",
            "skip.txt",
        ],
    )
    .succeeded();
    let view = place.packager(&["view", "--package", "x.isi"]).succeeded();
    let lines: Vec<_> = view.stdout.lines().collect();
    let regions: Vec<_> = lines
        .windows(2)
        .filter(|pair| {
            pair[0].starts_with("Type: ")
                && pair[1].starts_with("Name: ")
                && pair[0].as_bytes()[6] != b' '
        })
        .map(|pair| format!("{} {}", &pair[0][6..], &pair[1][6..]))
        .collect();
    assert_eq!(
        regions[3..],
        [
            "Skip List skip-list",
            "Kernel vmlinuz",
            "Kernel debug",
            "Hook pre-install.db",
            "Health Check net",
        ],
        "{}",
        view.stdout
    );
}

#[test]
fn what_the_release_before_had_is_obsolete() {
    let place = Place::with_pki();
    place.tree("tree");
    place.write("tree/old/x y", "gone");
    place.write("tree/kept", "kept");
    signed(&place, &[]).succeeded();
    fs::rename(place.path("x.isi"), place.path("old.isi")).unwrap();
    fs::remove_file(place.path("x.isi.sha256")).unwrap();
    fs::remove_dir_all(place.path("tree/old")).unwrap();
    place.write("more", "/var/cache/base/\n");
    let previous = ["--previous", "old.isi", "--home", "home"];
    signed(
        &place,
        &[&previous[..], &["--obsolete-list", "more"]].concat(),
    )
    .succeeded();
    let list = region(&place, "x.isi", "obsolete-list").unwrap();
    assert_eq!(list, "old/x\\x20y\nold/\nvar/cache/base/\n");

    // The same files: no list at all.
    fs::rename(place.path("x.isi"), place.path("same.isi")).unwrap();
    fs::remove_file(place.path("x.isi.sha256")).unwrap();
    signed(&place, &["--previous", "same.isi", "--home", "home"]).succeeded();
    assert_eq!(region(&place, "x.isi", "obsolete-list"), None);
}

#[test]
fn a_previous_package_that_is_not_trusted() {
    let place = Place::with_pki();
    place.unsigned("old.isi");
    let run = signed(&place, &["--previous", "old.isi", "--home", "home"]);
    compare!(run);
    assert!(!place.path("x.isi").exists());
}

#[test]
fn an_obsolete_list_that_names_what_is_packed() {
    let place = Place::new();
    place.tree("tree");
    place.write("list", "# comment\n./file\n");
    compare!(create(&place, &["--obsolete-list", "list"]));
    assert_eq!(place.names("."), ["list", "tree"]);
}

#[test]
fn a_list_that_is_not_clear() {
    let place = Place::new();
    place.tree("tree");
    place.write("list", "etc\nvar/../../x\n");
    compare!(create(&place, &["--skip-list", "list"]));
    let region = ["--region", "kind=obsolete-list,file=list"];
    let run = create(&place, &region);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("line 2 of the obsolete list"),
        "{}",
        run.stderr
    );
    assert_eq!(place.names("."), ["list", "tree"]);
}

#[test]
fn a_hook_that_nobody_would_run() {
    let place = Place::new();
    place.tree("tree");
    place.write("hook.sh", "#!/bin/sh\n");
    compare!(create(&place, &["--hook", "hook.sh"]));
}

#[test]
fn owners_of_a_payload_that_is_a_file() {
    let place = Place::new();
    place.write("payload.tar", "");
    let arguments = [
        &["create", "payload.tar", "-o", "x.isi", "--owner", "0"],
        &METADATA[..],
    ];
    compare!(place.packager(&arguments.concat()));
}

#[test]
fn package_toml_names_parts_beside_itself() {
    let place = Place::with_pki();
    place.tree("tree");
    for name in ["vmlinuz", "skip", "gone", "pre.sh"] {
        place.write(&format!("vendor/{name}"), "");
    }
    place.write("vendor/skip", "etc/passwd\n");
    place.write("vendor/gone", "opt/x\n");
    place.write(
        "vendor/package.toml",
        "kernel = ['generic=vmlinuz']\nskip_list = 'skip'\nobsolete_list = 'gone'\n\
         hook = ['pre-install=pre.sh']\nowner = '7:8'\n",
    );
    signed(&place, &["--metadata", "vendor/package.toml"]).succeeded();
    assert_eq!(
        region(&place, "x.isi", "skip-list").unwrap(),
        "etc/passwd\n"
    );
    assert_eq!(region(&place, "x.isi", "obsolete-list").unwrap(), "opt/x\n");
    assert_eq!(region(&place, "x.isi", "kernel").unwrap(), "");
    assert_eq!(region(&place, "x.isi", "hook").unwrap(), "");
}

#[test]
fn a_build_needs_no_root() {
    let place = Place::new();
    place.tree("tree");
    place.write("tree/bin/su", "su");
    place.write(
        "root.mtree",
        "#mtree\n./bin/su mode=04755 uid=0 gid=42\n./dev type=dir mode=0755\n\
         ./dev/null type=char device=native,1,3 mode=0666\n",
    );
    // Somebody who is not root, and who may write here.
    fs::create_dir(place.path("out")).unwrap();
    fs::set_permissions(place.path("out"), fs::Permissions::from_mode(0o777)).unwrap();
    place.run("chmod", &["-R", "a+rX", "tree"]).succeeded();
    let arguments = [
        &["create", "tree", "-o", "out/x.isi", "--compression", "none"][..],
        &["--owner", "0:0", "--mtree", "root.mtree"],
        &METADATA,
    ];
    place
        .run_unprivileged("isi_packager", &arguments.concat())
        .succeeded();
    let listing = place
        .run("tar", &["--numeric-owner", "-tvf", "out/x.isi"])
        .stdout;
    let listed = |start: &str, end: &str| {
        let mut lines = listing.lines();
        lines.any(|line| line.starts_with(start) && line.ends_with(end))
    };
    assert!(listed("-rwsr-xr-x 0/42 ", " bin/su"), "{listing}");
    assert!(listed("crw-rw-rw- 0/0 ", " dev/null"), "{listing}");
    assert!(listing.contains("1,3"), "{listing}");
    assert!(
        listing.lines().all(|line| line.contains(" 0/")),
        "{listing}"
    );
}
