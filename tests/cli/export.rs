//! `isi upgrade catalog export`: of one package, of several, of a type and of all.

use crate::support::{Place, compare};

/// A catalog with a patch called `fix` and a generic package called `tool`, and their IDs.
fn with_two() -> (Place, [String; 2]) {
    let place = Place::with_pki();
    place.signed("fix.isi");
    place.build_with("tool.isi", &["--name", "tool", "--type", "generic"], true);
    place
        .catalog(&["import", "fix.isi", "tool.isi"])
        .succeeded();
    std::fs::create_dir(place.path("out")).unwrap();
    let ids = ["fix.isi", "tool.isi"].map(|name| place.id_of(name));
    (place, ids)
}

fn name(package: &str, id: &str) -> String {
    format!("{package}-1.2.3-{}.isi", &id[..12])
}

#[test]
fn all_packages_come_back_as_they_went_in_with_side_files() {
    let (place, [fix, tool]) = with_two();
    place
        .catalog(&["export", "--all", "--dir", "out"])
        .succeeded();
    let (fix, tool) = (name("fix", &fix), name("tool", &tool));
    let sides = [format!("{fix}.sha256"), format!("{tool}.sha256")];
    let mut expected = [&fix, &sides[0], &tool, &sides[1]].map(String::clone);
    expected.sort();
    assert_eq!(place.names("out"), expected);
    assert!(place.read("fix.isi") == place.read(&format!("out/{fix}")));
    assert!(place.read("tool.isi") == place.read(&format!("out/{tool}")));
    let mut check = place.command("sha256sum", &["-c", &sides[0], &sides[1]]);
    assert!(
        check
            .current_dir(place.path("out"))
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_type_means_its_packages_and_no_side_files_are_written_unless_wanted() {
    let (place, [fix, _]) = with_two();
    let arguments = ["export", "--type", "patch", "--dir", "out", "--no-sha256"];
    place.catalog(&arguments).succeeded();
    assert_eq!(place.names("out"), [name("fix", &fix)]);
}

#[test]
fn several_ids_and_one_that_nobody_has() {
    let (place, [fix, tool]) = with_two();
    let is_free = |prefix: &&str| !fix.starts_with(prefix) && !tool.starts_with(prefix);
    let unknown = ["fff", "eee", "ddd"].into_iter().find(is_free).unwrap();
    let ids = ["--id", &fix, &tool[..8], unknown];
    let run = place.catalog(&[&["export", "--dir", "out"], &ids[..]].concat());
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("1 of 3 failed"), "{}", run.stderr);
    assert_eq!(place.names("out").len(), 4);
    let again = place.catalog(&["export", "--all", "--dir", "out"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("E_EXISTS"), "{}", again.stderr);
    let over = ["export", "--all", "--dir", "out", "--overwrite"];
    place.catalog(&over).succeeded();
    let json = place
        .catalog(&[&over[..], &["--format", "json"]].concat())
        .succeeded();
    let json = json.json();
    assert_eq!((&json["total"], &json["failed"]), (&2.into(), &0.into()));
}

#[test]
fn one_file_holds_one_package() {
    let (place, [fix, tool]) = with_two();
    compare!(
        place.catalog(&["export", "--id", &fix, "--id", &tool, "--file", "x"]),
        "two_in_one"
    );
    for wrong in [
        &["--all", "--file", "x"][..],
        &["--all"],
        &["--dir", "out"],
        &["--all", "--type", "patch", "--dir", "out"],
        &["--all", "--dir", "out", "--file", "x"],
    ] {
        let run = place.catalog(&[&["export"], wrong].concat());
        assert_eq!(run.code, Some(2), "{wrong:?}: {}", run.stderr);
    }
    assert!(!place.path("x").exists());
    let missing = place.catalog(&["export", "--all", "--dir", "nowhere"]);
    assert_eq!(missing.code, Some(1), "{}", missing.stderr);
}
