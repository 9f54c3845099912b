//! Whose files the tools rely on: those of root and of their own user, and nobody else's.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::support::{Place, Run};

/// A user who is neither root nor the owner of anything here.
const SOMEBODY: u32 = 4711;

/// A place that others may look into, with a package and trust of root's.
///
/// `None`, and said, where this is not root's process.
fn place() -> Option<Place> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: files of other users: only root can give files away");
        return None;
    }
    let place = Place::with_pki();
    place.signed("a.isi");
    for path in [
        "",
        "home",
        "home/trust",
        "home/trust/certs",
        "home/trust/tsa-certs",
    ] {
        fs::set_permissions(place.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    place
        .run("chmod", &["-R", "a+rX", "home/trust"])
        .succeeded();
    // The programs as well: somebody else may not come to where they were built.
    for tool in ["isi", "isi_packager"] {
        let built = place.command(tool, &[]).get_program().to_owned();
        place.program(Path::new(&built), tool);
    }
    Some(place)
}

/// Runs a tool as somebody.
fn as_somebody(place: &Place, tool: &str, arguments: &[&str]) -> Run {
    let path = place.path(tool);
    let mut command = place.command(path.to_str().unwrap(), arguments);
    command.uid(SOMEBODY).gid(SOMEBODY);
    place.finished(&command.output().unwrap())
}

fn give(path: &Path, user: u32) {
    chown(path, Some(user), None).unwrap();
}

const VERIFY: [&str; 5] = ["verify", "--package", "a.isi", "--home", "home"];

#[test]
fn somebody_may_rely_on_what_is_roots_or_their_own_and_on_nothing_else() {
    let Some(place) = place() else { return };
    as_somebody(&place, "isi_packager", &VERIFY).succeeded();
    for path in ["home/trust/certs", "home/trust/identities.toml"] {
        give(&place.path(path), SOMEBODY);
    }
    as_somebody(&place, "isi_packager", &VERIFY).succeeded();
    give(&place.path("home/trust/certs"), 1);
    let refused = as_somebody(&place, "isi_packager", &VERIFY);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    for line in [
        "belongs to user 1: expected root or user 4711, who runs this\n",
        "code: E_TRUST_NOT_OWNER\n",
        "then `chown 4711 home/trust/certs`\n",
    ] {
        assert!(refused.stderr.contains(line), "{}", refused.stderr);
    }
}

#[test]
fn root_does_not_rely_on_what_is_somebodys() {
    let Some(place) = place() else { return };
    place.packager(&VERIFY).succeeded();
    for path in [
        "home/trust/certs",
        "home/trust/certs/root.pem",
        "home/trust/tsa-certs",
        "home/trust/tsa-certs/tsa-root.pem",
        "home/trust/identities.toml",
    ] {
        give(&place.path(path), SOMEBODY);
        let refused = place.packager(&VERIFY);
        assert_eq!(refused.code, Some(1), "{path}: {}", refused.stderr);
        let found = format!("{path} belongs to user 4711: expected root\n");
        assert!(refused.stderr.contains(&found), "{}", refused.stderr);
        give(&place.path(path), 0);
    }
    place.packager(&VERIFY).succeeded();
}

#[test]
fn a_catalog_is_its_owners_alone() {
    let Some(place) = place() else { return };
    let list = ["upgrade", "catalog", "list", "--home", "home"];
    place
        .isi(&["upgrade", "catalog", "import", "a.isi", "--home", "home"])
        .succeeded();
    fs::set_permissions(
        place.path("home/catalog"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let refused = as_somebody(&place, "isi", &list);
    let line = "home/catalog belongs to user 0: expected user 4711, who runs this\n";
    assert!(refused.stderr.contains(line), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("code: E_NOT_OWNER\n"),
        "{}",
        refused.stderr
    );
    // Not even root works on what somebody else can change meanwhile.
    for name in [
        "",
        "catalog.db",
        "artifacts",
        "incoming",
        "quarantine",
        "lock",
    ] {
        let path = place.path("home/catalog").join(name);
        give(&path, SOMEBODY);
        let refused = place.isi(&list);
        assert_eq!(refused.code, Some(1), "{name}");
        assert!(
            refused.stderr.contains("E_NOT_OWNER"),
            "{name}: {}",
            refused.stderr
        );
        give(&path, 0);
    }
    place.isi(&list).succeeded();
}

#[test]
fn a_directory_of_trust_that_others_can_change_is_not_relied_on() {
    let place = Place::with_pki();
    place.signed("a.isi");
    let import = ["upgrade", "catalog", "import", "a.isi", "--home", "home"];
    let mode = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(place.path("home/trust"), permissions).unwrap();
    };
    for (wrong, code) in [
        (0o777, "E_TRUST_WORLD_WRITABLE"),
        (0o775, "E_TRUST_GROUP_WRITABLE"),
    ] {
        mode(wrong);
        for refused in [place.isi(&import), place.packager(&VERIFY)] {
            assert_eq!(refused.code, Some(1), "{}", refused.stderr);
            assert!(refused.stderr.contains(code), "{}", refused.stderr);
            let hint = "`chmod go-w home/trust`\n";
            assert!(refused.stderr.contains(hint), "{}", refused.stderr);
        }
    }
    mode(0o755);
    place.isi(&import).succeeded();
}

#[test]
fn a_file_of_somebody_else_keeps_a_repair_from_nothing_else() {
    let Some(place) = place() else { return };
    place.build_with("b.isi", &["--name", "b"], true);
    for name in ["a.isi", "b.isi"] {
        place
            .isi(&["upgrade", "catalog", "import", name, "--home", "home"])
            .succeeded();
    }
    place
        .run("chown", &["-R", &SOMEBODY.to_string(), "home/catalog"])
        .succeeded();
    let [foreign, own] = ["a.isi", "b.isi"].map(|name| {
        let id = place.id_of(name);
        place.path(&format!(
            "home/catalog/artifacts/{}/{id}/package.isi",
            &id[..2]
        ))
    });
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for path in [&foreign, &own] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    give(&foreign, 0);
    let repair = ["upgrade", "catalog", "repair", "--force", "--home", "home"];
    let run = as_somebody(&place, "isi", &repair);
    assert_eq!(run.code, Some(3), "{}{}", run.stdout, run.stderr);
    assert_eq!(mode(&own), 0o444);
    for part in [
        "error: mode artifacts/",
        "Operation not permitted",
        "hint: ",
    ] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    fs::set_permissions(&foreign, fs::Permissions::from_mode(0o600)).unwrap();
    let verify = ["upgrade", "catalog", "verify", "--home", "home"];
    let run = as_somebody(&place, "isi", &verify);
    assert_eq!(run.code, Some(3), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(": Permission denied"), "{}", run.stderr);
}

#[test]
fn somebody_elses_configuration_is_not_relied_on() {
    let Some(place) = place() else { return };
    place.write("home/upgrade.toml", "");
    let path = place.path("home/upgrade.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let show = ["config", "show", "--home", "home"];
    as_somebody(&place, "isi", &show).succeeded();
    give(&path, SOMEBODY);
    as_somebody(&place, "isi", &show).succeeded();
    give(&path, 1);
    let refused = as_somebody(&place, "isi", &show);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("expected root or user 4711"),
        "{}",
        refused.stderr
    );
}
