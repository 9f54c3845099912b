//! `isi config show`, and what the configuration does to the other commands.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use crate::support::{Place, Run, compare};

fn chmod(place: &Place, name: &str, mode: u32) {
    fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// A file in the place that only its owner may write to.
fn write(place: &Place, name: &str, text: &str) {
    place.write(name, text);
    chmod(place, name, 0o644);
}

/// Every setting as `name value origin`.
fn shown(run: &Run) -> Vec<String> {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let json = run.json();
    let items = json["items"].as_array().unwrap();
    let line = |item: &serde_json::Value| {
        let text = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", text("setting"), text("value"), text("from"))
    };
    items.iter().map(line).collect()
}

fn refused(run: &Run, code: &str, text: &str) {
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stderr.contains(&format!("code: {code}\n")),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(text), "{text:?} not in {}", run.stderr);
}

#[test]
fn show() {
    let place = Place::new();
    if std::path::Path::new("/etc/isi").exists() {
        eprintln!("skipped: what is usual for a system: this one is configured");
    } else {
        compare!(place.isi(&["config", "show"]), "of_the_system");
    }
    write(
        &place,
        "home/upgrade.toml",
        "[paths]\ncrls = \"lists\"\n\n[catalog]\nlock_timeout = \"120s\"\n[jails]\nweb = \"web\"\n",
    );
    let home = ["config", "show", "--home", "home"];
    compare!(place.isi(&home), "of_a_home");
    compare!(
        place.isi(&[&home[..], &["--format", "list"]].concat()),
        "list"
    );
}

#[test]
fn flags_over_environment_over_file() {
    let place = Place::new();
    write(
        &place,
        "c.toml",
        "[paths]\ncatalog = \"of-file\"\ntrust = \"/t\"\n\
         [upgrade]\nskip = ['srv/**', 'a b']\nkernel = 'debug'\ndevices = []\nhook_timeout = '90s'\n",
    );
    let mut command = place.command("isi", &["config", "show", "--format", "json"]);
    command
        .args(["--config", "c.toml", "--lock-timeout", "5s"])
        .env("ISI_CATALOG", "of-environment")
        .env("ISI_LOCK_TIMEOUT", "7s")
        .env("ISI_HEALTH_TIMEOUT", "2h")
        .env("ISI_HOME", "home");
    let settings = shown(&place.finished(&command.output().unwrap()));
    assert_eq!(
        settings,
        [
            "home home ISI_HOME",
            "config c.toml --config",
            "paths.catalog of-environment ISI_CATALOG",
            "paths.trust /t c.toml:3",
            "paths.certs /t/certs c.toml:3",
            "paths.tsa_certs /t/tsa-certs c.toml:3",
            "paths.crls /t/crls c.toml:3",
            "paths.identities /t/identities.toml c.toml:3",
            "paths.system home/system ISI_HOME",
            "catalog.lock_timeout 5s --lock-timeout",
            "upgrade.skip srv/** a\\x20b c.toml:5",
            "upgrade.kernel debug c.toml:6",
            "upgrade.devices  c.toml:7",
            "upgrade.privileged bin/** lib/** lib32/** lib64/** libexec/** opt/** sbin/** usr/** -",
            "upgrade.hook_timeout 90s c.toml:8",
            "upgrade.health_timeout 2h ISI_HEALTH_TIMEOUT",
        ]
    );
}

#[test]
fn patterns_and_kernels_that_are_none_are_refused_with_their_place() {
    let place = Place::new();
    for (text, told) in [
        (
            "skip = 'etc'",
            "upgrade.skip is of type string: expected array",
        ),
        (
            "skip = ['etc', 7]",
            "upgrade.skip is of type integer: expected string",
        ),
        (
            "skip = ['../x']",
            "upgrade.skip has \"../x\": expected plain names",
        ),
        (
            "devices = ['[a']",
            "upgrade.devices has \"[a\": expected a set",
        ),
        (
            "kernel = '../x'",
            "upgrade.kernel is \"../x\": expected 1 to 64",
        ),
        (
            "health_timeout = '0'",
            "upgrade.health_timeout is 0: no program ends in no time",
        ),
    ] {
        write(&place, "c.toml", &format!("[upgrade]\n{text}\n"));
        let run = place.isi(&["config", "show", "--config", "c.toml"]);
        refused(&run, "E_CONFIG", told);
    }
}

#[test]
fn a_misspelt_key_is_refused_by_every_command_that_would_have_used_it() {
    let place = Place::with_pki();
    place.signed("a.isi");
    write(
        &place,
        "home/upgrade.toml",
        "# mine\n[paths]\n  trsut = \"x\"\n",
    );
    for arguments in [
        &["config", "show"][..],
        &["upgrade", "catalog", "list"],
        &["upgrade", "catalog", "import", "a.isi"],
    ] {
        let run = place.isi(&[arguments, &["--home", "home"]].concat());
        refused(
            &run,
            "E_CONFIG",
            "upgrade.toml, line 3, column 3: \"paths.trsut\"",
        );
        refused(&run, "E_CONFIG", "hint: did you mean paths.trust?\n");
    }
    let verify = ["verify", "--package", "a.isi", "--home", "home"];
    refused(&place.packager(&verify), "E_CONFIG", "line 3, column 3");
    assert_eq!(place.names("home"), ["keys", "trust", "upgrade.toml"]);
    // What needs no configuration does not read it.
    place.isi(&["--version", "--home", "home"]).succeeded();
    place
        .packager(&["view", "--package", "a.isi", "--home", "home"])
        .succeeded();
}

#[test]
fn a_file_that_others_may_change_is_refused_with_the_command_that_helps() {
    let place = Place::new();
    write(&place, "home/upgrade.toml", "");
    let show = ["config", "show", "--home", "home"];
    for mode in [0o664, 0o646, 0o666, 0o602] {
        chmod(&place, "home/upgrade.toml", mode);
        let run = place.isi(&show);
        refused(
            &run,
            "E_WRITABLE_BY_OTHERS",
            "hint: `chmod go-w home/upgrade.toml`\n",
        );
    }
    chmod(&place, "home/upgrade.toml", 0o644);
    place.isi(&show).succeeded();
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: a configuration of another user: only root can give files away");
        return;
    }
    chown(place.path("home/upgrade.toml"), Some(1), None).unwrap();
    let run = place.isi(&show);
    refused(&run, "E_NOT_OWNER", "belongs to user 1: expected root\n");
    refused(&run, "E_NOT_OWNER", "then `chown 0 home/upgrade.toml`\n");
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let place = Place::new();
    let show = |name: &str| place.isi(&["config", "show", "--config", name]);
    fs::create_dir(place.path("directory")).unwrap();
    refused(&show("directory"), "E_NOT_REGULAR", "is a directory");
    place.run("mkfifo", &["fifo"]).succeeded();
    refused(&show("fifo"), "E_NOT_REGULAR", "is a FIFO");
    refused(
        &show("missing"),
        "E_CONFIG_MISSING",
        "missing does not exist",
    );
    symlink("loop", place.path("loop")).unwrap();
    refused(&show("loop"), "E_IO", "cannot open loop");
    write(&place, "large", &"#".repeat(65_537));
    refused(&show("large"), "E_TOO_LARGE", "more than 65536 bytes");
}

#[test]
fn a_variable_that_says_nothing_is_wrong_usage() {
    let place = Place::new();
    for name in [
        "ISI_HOME",
        "ISI_CONFIG",
        "ISI_CATALOG",
        "ISI_TRUST",
        "ISI_SYSTEM",
        "ISI_LOCK_TIMEOUT",
        "ISI_HOOK_TIMEOUT",
        "ISI_HEALTH_TIMEOUT",
    ] {
        let mut command = place.command("isi", &["config", "show"]);
        let run = place.finished(&command.env(name, "").output().unwrap());
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(
            run.stderr.contains(&format!("error: {name} is \"\"")),
            "{}",
            run.stderr
        );
    }
    for wrong in ["30", "soon", "-1s", "", "1001d"] {
        let run = place.isi(&["config", "show", "--lock-timeout", wrong]);
        assert_eq!(run.code, Some(2), "{wrong:?}: {}", run.stderr);
    }
}

#[test]
fn catalog_and_trust_may_be_anywhere() {
    let place = Place::with_pki();
    place.signed("a.isi");
    write(
        &place,
        "etc/upgrade.toml",
        "[paths]\ncatalog = \"../somewhere/packages\"\ntrust = \"../home/trust\"\n",
    );
    let config = ["--config", "etc/upgrade.toml"];
    let with =
        |arguments: &[&str]| place.isi(&[&["upgrade", "catalog"], arguments, &config].concat());
    with(&["import", "a.isi"]).succeeded();
    assert!(place.path("somewhere/packages/catalog.db").exists());
    let listed = with(&["list", "--format", "csv", "--no-header"]).succeeded();
    let named = ["--catalog", "somewhere/packages", "--trust", "home/trust"];
    let list = [
        "upgrade",
        "catalog",
        "list",
        "--format",
        "csv",
        "--no-header",
    ];
    let again = place.isi(&[&list[..], &named].concat()).succeeded();
    assert_eq!(again.stdout, listed.stdout);
    place
        .packager(&["verify", "--package", "a.isi", "--trust", "home/trust"])
        .succeeded();
    let verify = [
        "verify",
        "--package",
        "a.isi",
        "--config",
        "etc/upgrade.toml",
    ];
    place.packager(&verify).succeeded();
}
