//! Inputs that are no packages, for every command that takes one: one clear error, nothing left.

use crate::support::{Place, Run};

/// Every command that takes a package, with its package.
fn commands(package: &str) -> Vec<(&'static str, Vec<String>)> {
    let of = |tool, line: &str| {
        let line = line.replace("PACKAGE", package);
        (tool, line.split(' ').map(str::to_owned).collect())
    };
    vec![
        of("isi_packager", "view --package PACKAGE"),
        of("isi_packager", "verify --package PACKAGE --home home"),
        of(
            "isi_packager",
            "extract --package PACKAGE --home home --region 1 --output out",
        ),
        of(
            "isi_packager",
            "extract --package PACKAGE --home home --files out",
        ),
        of(
            "isi_packager",
            "export-manifest --package PACKAGE --output out",
        ),
        of(
            "isi_packager",
            "export-signature --package PACKAGE --output out",
        ),
        of(
            "isi_packager",
            "export-timestamp --package PACKAGE --output out",
        ),
        of(
            "isi_packager",
            "sign --package PACKAGE --key home/keys/signer.key --cert home/keys/signer.pem",
        ),
        of(
            "isi_packager",
            "timestamp --package PACKAGE --tsa-key home/keys/tsa.key --tsa-cert home/keys/tsa.pem",
        ),
        of("isi", "upgrade catalog import PACKAGE --home home"),
        of("isi", "upgrade catalog verify --file PACKAGE --home home"),
        of("isi", "upgrade catalog readme --file PACKAGE --home home"),
    ]
}

/// Runs every command on `package` and checks how it refuses.
fn all_refuse(place: &Place, package: &str, check: impl Fn(&Run, &str)) {
    let before = place.names(".");
    for (tool, arguments) in commands(package) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let title = format!("{tool} {}", arguments.join(" "));
        let run = place.run(tool, &arguments);
        assert!(matches!(run.code, Some(1 | 4)), "{title}: {}", run.text());
        assert!(!run.stderr.contains("panicked"), "{title}: {}", run.stderr);
        check(&run, &title);
        assert_eq!(place.names("."), before, "{title} left something");
    }
}

/// One error with its code, or a verdict that says no.
fn says_code(code: &str) -> impl Fn(&Run, &str) {
    let code = code.to_owned();
    move |run, title| {
        let said = [run.stdout.as_str(), run.stderr.as_str()].concat();
        assert!(said.contains(&code), "{title}: {}", run.text());
        let errors = run
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        assert!(errors.count() <= 1, "{title}: {}", run.stderr);
    }
}

#[test]
fn a_file_that_is_not_there() {
    all_refuse(&Place::with_pki(), "nowhere.isi", says_code("E_IO"));
}

#[test]
fn an_empty_file() {
    let place = Place::with_pki();
    place.write("x.isi", "");
    all_refuse(&place, "x.isi", says_code("E_FORMAT_SHORT"));
}

#[test]
fn a_text_file() {
    let place = Place::with_pki();
    place.write("x.isi", "no package\n".repeat(100));
    all_refuse(&place, "x.isi", says_code("E_FORMAT_MAGIC"));
}

#[test]
fn a_directory() {
    let place = Place::with_pki();
    std::fs::create_dir(place.path("x.isi")).unwrap();
    all_refuse(&place, "x.isi", says_code("E_NOT_REGULAR"));
}

#[test]
fn a_fifo_is_refused_without_waiting_for_it() {
    let place = Place::with_pki();
    place.run("mkfifo", &["x.isi"]).succeeded();
    all_refuse(&place, "x.isi", says_code("E_NOT_REGULAR"));
}

#[test]
fn a_device() {
    all_refuse(&Place::with_pki(), "/dev/zero", says_code("E_NOT_REGULAR"));
}

#[test]
fn a_truncated_package() {
    let place = Place::with_pki();
    place.signed("whole.isi");
    let bytes = place.read("whole.isi");
    place.write("x.isi", &bytes[..bytes.len() - 1]);
    all_refuse(&place, "x.isi", says_code("E_FORMAT_"));
    assert_eq!(place.read("x.isi"), &bytes[..bytes.len() - 1]);
}

#[test]
fn a_file_nobody_may_read() {
    let place = Place::with_pki();
    place.signed("x.isi");
    place.forbid("x.isi");
    let run = place.run_unprivileged("isi_packager", &["view", "--package", "x.isi"]);
    crate::support::compare!(run);
}

#[test]
fn an_output_directory_nobody_may_write() {
    let place = Place::with_pki();
    place.signed("x.isi");
    std::fs::create_dir(place.path("closed")).unwrap();
    place.forbid("closed");
    let export = [
        "export-manifest",
        "--package",
        "x.isi",
        "--output",
        "closed/out",
    ];
    let run = place.run_unprivileged("isi_packager", &export);
    assert_eq!(run.code, Some(1), "{}", run.text());
    assert!(run.stderr.contains("Permission denied"), "{}", run.stderr);
    assert!(run.stderr.contains("\nhint: "), "{}", run.stderr);
}
