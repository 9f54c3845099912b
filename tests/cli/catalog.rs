//! `isi upgrade catalog`.

use crate::support::{AUTHORITY, Place, SIBLING, compare};

/// A place whose catalog holds one signed package, and the ID of that.
fn with_one() -> (Place, String) {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.catalog(&["import", "x.isi"]).succeeded();
    let id = place.id_of("x.isi");
    (place, id)
}

#[test]
fn import_and_again() {
    let place = Place::with_pki();
    place.signed("x.isi");
    compare!(place.catalog(&["import", "x.isi"]), "import");
    compare!(place.catalog(&["import", "x.isi"]), "import_again");
}

#[test]
fn list_in_every_format() {
    let (place, id) = with_one();
    compare!(place.catalog(&["list"]), "list_table");
    compare!(place.catalog(&["list", "--format", "list"]), "list_list");
    compare!(place.catalog(&["list", "--format", "csv"]), "list_csv");
    compare!(place.catalog(&["list", "--format", "json"]), "list_json");
    compare!(
        place.catalog(&["list", "--no-header", "--no-footer"]),
        "list_bare"
    );
    let json = place.catalog(&["list", "--format", "json"]).succeeded();
    let json = json.json();
    assert_eq!((&json["schema"], &json["total"]), (&1.into(), &1.into()));
    assert_eq!(json["items"][0]["id"], id.as_str());
}

#[test]
fn list_of_nothing() {
    let place = Place::with_pki();
    compare!(place.catalog(&["list"]));
}

#[test]
fn list_is_sorted_and_limited_by_the_catalog() {
    let (place, _) = with_one();
    place.build_with("y.isi", &["--name", "another"], true);
    place.catalog(&["import", "y.isi"]).succeeded();
    let names = |arguments: &[&str]| {
        let list = [&["list", "--format", "csv", "--no-header"], arguments].concat();
        let run = place.catalog(&list).succeeded();
        let name = |line: &str| line.split(',').nth(4).unwrap().to_owned();
        run.stdout.lines().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["fix", "another"]);
    assert_eq!(names(&["--sort", "name"]), ["another", "fix"]);
    assert_eq!(
        names(&["--sort", "name", "--descending"]),
        ["fix", "another"]
    );
    assert_eq!(names(&["--sort", "name", "--limit", "1"]), ["another"]);
    assert_eq!(names(&["--offset", "1"]), ["another"]);
    assert_eq!(names(&["--type", "dsp"]), [""; 0]);
    assert_eq!(names(&["--name", "a*"]), ["another"]);
    assert_eq!(names(&["--version", ">=1.2, <1.3"]), ["fix", "another"]);
    assert_eq!(names(&["--version", "<1.2"]), [""; 0]);
    assert_eq!(names(&["--signer", "release"]), ["fix", "another"]);
    assert_eq!(names(&["--reference", "pin"]), [""; 0]);
    let page = place
        .catalog(&["list", "--limit", "1", "--quiet"])
        .succeeded();
    assert_eq!(page.stdout.lines().last(), Some("Total: 1"));
    compare!(place.catalog(&["list", "--limit", "1"]), "list_page");
    compare!(place.catalog(&["list", "--wide"]), "list_wide");
    compare!(place.catalog(&["list", "--sort", "colour"]));
}

#[test]
fn verify_all_is_true() {
    let (place, _) = with_one();
    compare!(place.catalog(&["verify"]));
}

#[test]
fn verify_one_by_any_prefix() {
    let (place, id) = with_one();
    for length in [3, 5, 64] {
        place
            .catalog(&["verify", "--id", &id[..length]])
            .succeeded();
    }
    compare!(place.catalog(&["verify", "--id", "ab"]));
}

#[test]
fn verify_a_file() {
    let (place, _) = with_one();
    compare!(place.catalog(&["verify", "--file", "x.isi"]));
}

#[test]
fn verify_a_damaged_file() {
    let (place, _) = with_one();
    place.flip("x.isi", 0);
    compare!(place.catalog(&["verify", "--file", "x.isi"]));
}

#[test]
fn verify_finds_damage_in_the_catalog() {
    let (place, id) = with_one();
    let artifact = format!("home/catalog/artifacts/{}/{id}/package.isi", &id[..2]);
    place.make_writable(&artifact);
    place.flip(&artifact, 0);
    let all = place.catalog(&["verify"]);
    assert_eq!(all.code, Some(3), "{}{}", all.stdout, all.stderr);
    compare!(all, "damage_among_all");
    let one = place.catalog(&["verify", "--id", &id[..5]]);
    assert_eq!(one.code, Some(4), "{}{}", one.stdout, one.stderr);
    let export = place.catalog(&["export", "--id", &id[..5], "--file", "out.isi"]);
    assert_ne!(export.code, Some(0));
    assert!(!place.path("out.isi").exists());
}

#[test]
fn readme_of_file_and_artifact() {
    let (place, id) = with_one();
    compare!(
        place.catalog(&["readme", "--file", "x.isi"]),
        "readme_of_file"
    );
    let artifact = place.catalog(&["readme", "--id", &id[..5]]).succeeded();
    assert_eq!(artifact.stdout, "Fix 1.2.3\n\nFixes things.\n");
}

#[test]
fn c12_a_readme_cannot_command_the_terminal() {
    let place = Place::with_pki();
    place.write(
        "evil",
        "title\n\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}\r\nnext\n",
    );
    place.build_with("x.isi", &["--readme", "evil"], true);
    let run = place.catalog(&["readme", "--file", "x.isi"]).succeeded();
    assert_eq!(
        run.stdout,
        "title\n\\u{1b}]0;owned\\u{7}\\u{9b}2J\\u{202e}\nnext\n"
    );
}

#[test]
fn no_readme() {
    let place = Place::with_pki();
    place.build_with("x.isi", &[], true);
    compare!(place.catalog(&["readme", "--file", "x.isi"]));
}

#[test]
fn export_gives_the_same_file() {
    let (place, id) = with_one();
    let export = ["export", "--id", &id[..5], "--file", "out.isi"];
    compare!(place.catalog(&export));
    assert_eq!(place.read("out.isi"), place.read("x.isi"));
    place
        .run("sha256sum", &["-c", "out.isi.sha256"])
        .succeeded();
    compare!(place.catalog(&export), "export_again");
}

#[test]
fn an_id_that_is_not_there() {
    let (place, _) = with_one();
    compare!(place.catalog(&["export", "--id", "00000", "--file", "out.isi"]));
    assert!(!place.path("out.isi").exists());
}

#[test]
fn import_refuses_and_keeps_nothing() {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.flip("x.isi", 0);
    compare!(place.catalog(&["import", "x.isi"]), "import_damaged");
    place.unsigned("y.isi");
    compare!(place.catalog(&["import", "y.isi"]), "import_unsigned");
    let list = place
        .catalog(&["list", "--no-footer", "--no-header"])
        .succeeded();
    assert_eq!(list.stdout, "");
    assert_eq!(place.names("home/catalog/incoming"), [""; 0]);
    assert_eq!(place.names("home/catalog/artifacts"), [""; 0]);
}

#[test]
fn c01_the_sibling_is_refused() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    let sign = [&["sign", "--package", "x.isi"], &SIBLING[..], &AUTHORITY].concat();
    place.packager(&sign).succeeded();
    let run = place.catalog(&["import", "x.isi"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
}

#[test]
fn unsigned_with_a_reason_is_marked_wherever_it_is_shown() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    place.ask_for_unsigned();
    assert_eq!(place.catalog(&["import", "x.isi"]).code, Some(4));
    let import = ["import", "x.isi", "--allow-unsigned", "lab machine"];
    compare!(place.catalog(&import), "unsigned_import");
    compare!(place.catalog(&["list"]), "unsigned_list");
    compare!(place.catalog(&["verify"]), "unsigned_verify");
}

#[test]
fn a_second_catalog_takes_the_export() {
    let (place, id) = with_one();
    place
        .catalog(&["export", "--id", &id, "--file", "out.isi"])
        .succeeded();
    place.run("mkdir", &["second"]).succeeded();
    place
        .run("cp", &["-a", "home/trust", "second/trust"])
        .succeeded();
    let second = ["--home", "second", "upgrade", "catalog"];
    place
        .isi(&[&second[..], &["import", "out.isi"]].concat())
        .succeeded();
    let list = place.isi(&[&second[..], &["list", "--format", "csv", "--no-header"]].concat());
    assert!(list.stdout.starts_with(&id), "{}", list.stdout);
}

#[test]
fn view_shows_the_record_the_manifest_and_the_checks() {
    let (place, id) = with_one();
    compare!(place.catalog(&["view", "--id", &id[..5]]), "view");
    let json = place
        .catalog(&["view", "--id", &id[..5], "--format", "json"])
        .succeeded();
    let json = json.json();
    assert_eq!(json["item"]["id"], id.as_str());
    assert_eq!(json["package"]["name"], "fix");
    assert_eq!(json["regions"][0]["kind"], "payload");
    assert_eq!(json["verdict"]["verified"], true);
    assert_eq!(json["problem"], serde_json::Value::Null);
}

#[test]
fn view_of_an_artifact_that_is_gone_shows_what_is_on_record() {
    let (place, id) = with_one();
    let artifact = format!("home/catalog/artifacts/{}/{id}/package.isi", &id[..2]);
    std::fs::remove_file(place.path(&artifact)).unwrap();
    compare!(place.catalog(&["view", "--id", &id[..5]]), "view_missing");
    std::fs::write(place.path(&artifact), b"something else").unwrap();
    let json = place
        .catalog(&["view", "--id", &id[..5], "--format", "json"])
        .succeeded();
    let json = json.json();
    assert_eq!(json["package"], serde_json::Value::Null);
    assert!(json["problem"]["code"].as_str().unwrap().starts_with("E_"));
}

#[test]
fn what_is_no_longer_trusted_is_marked_and_exported_with_a_reason_only() {
    let (place, id) = with_one();
    let identities = String::from_utf8(place.read("home/trust/identities.toml")).unwrap();
    let other = identities.replace("CN=Example Release Signing", "CN=Somebody Else");
    place.write("home/trust/identities.toml", &other);
    compare!(place.catalog(&["list"]), "untrusted_list");
    compare!(place.catalog(&["verify"]), "untrusted_verify");
    let export = ["export", "--id", &id[..5], "--file", "out.isi"];
    let refused = place.catalog(&export);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    let hint = "`--override REASON` exports it all the same, and goes on record\n";
    assert!(refused.stderr.ends_with(hint), "{}", refused.stderr);
    assert!(!place.path("out.isi").exists());
    let with_reason = [&export[..], &["--override", "ticket 4711"]].concat();
    compare!(place.catalog(&with_reason), "untrusted_export");
    assert_eq!(place.read("out.isi"), place.read("x.isi"));
}
