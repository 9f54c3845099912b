//! `isi upgrade catalog import`: of several files, a directory, and standard input.

use std::fs::File;
use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Place, Run, compare};

fn from_input(place: &Place, input: impl Into<Stdio>) -> Run {
    let arguments = ["--home", "home", "upgrade", "catalog", "import", "-"];
    let mut command = place.command("isi", &arguments);
    place.finished(&command.stdin(input).output().unwrap())
}

fn listed(place: &Place) -> Vec<String> {
    let list = ["list", "--format", "csv", "--no-header", "--sort", "name"];
    let run = place.catalog(&list).succeeded();
    let name = |line: &str| line.split(',').nth(4).unwrap().to_owned();
    run.stdout.lines().map(name).collect()
}

fn with_two() -> Place {
    let place = Place::with_pki();
    std::fs::create_dir(place.path("in")).unwrap();
    place.build_with("in/b.isi", &["--name", "b"], true);
    place.build_with("in/a.isi", &["--name", "a"], true);
    place
}

#[test]
fn several_files_in_the_order_they_are_named() {
    let place = with_two();
    compare!(place.catalog(&["import", "in/b.isi", "in/a.isi", "in/b.isi"]));
    assert_eq!(listed(&place), ["a", "b"]);
}

#[test]
fn a_directory_means_its_packages_and_nothing_else() {
    let place = with_two();
    std::fs::create_dir(place.path("in/deeper.isi")).unwrap();
    place.write("in/notes.txt", "no package");
    compare!(place.catalog(&["import", "--from-dir", "in"]));
    assert_eq!(listed(&place), ["a", "b"]);
}

#[test]
fn a_directory_without_packages_is_refused() {
    let place = with_two();
    compare!(place.catalog(&["import", "--from-dir", "home"]));
    assert!(!place.path("home/catalog").exists());
}

#[test]
fn what_fails_is_said_and_the_rest_goes_on() {
    let place = with_two();
    place.unsigned("in/c.isi");
    let all = ["import", "in/missing.isi", "in/c.isi", "in/a.isi"];
    compare!(place.catalog(&all), "one_not_trusted");
    assert_eq!(listed(&place), ["a"]);
    let run = place.catalog(&["import", "in/missing.isi", "in/a.isi"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let json = place.catalog(&[&all[..], &["--format", "json"]].concat());
    assert_eq!(json.code, Some(4));
    let json = json.json();
    assert_eq!((&json["total"], &json["failed"]), (&3.into(), &2.into()));
    assert_eq!(json["items"][0]["error"]["code"], "E_IO");
    assert_eq!(json["items"][1]["error"]["code"], "E_UNSIGNED");
    assert_eq!(json["items"][2]["outcome"], "already-present");
}

#[test]
fn a_package_on_standard_input_by_file_and_by_pipe() {
    let place = with_two();
    let run = from_input(&place, File::open(place.path("in/a.isi")).unwrap());
    compare!(run, "from_input");
    let mut cat = place.command("cat", &["in/b.isi"]);
    let mut cat = cat.stdout(Stdio::piped()).spawn().unwrap();
    from_input(&place, cat.stdout.take().unwrap()).succeeded();
    cat.wait().unwrap();
    assert_eq!(listed(&place), ["a", "b"]);
    place.catalog(&["verify"]).succeeded();
    for (name, id) in [("a", "in/a.isi"), ("b", "in/b.isi")] {
        let id = place.id_of(id);
        let artifact = format!("home/catalog/artifacts/{}/{id}/package.isi", &id[..2]);
        let given = place.read(&format!("in/{name}.isi"));
        assert!(place.read(&artifact) == given, "{name}");
    }
}

#[test]
fn what_is_no_package_on_standard_input_leaves_nothing() {
    let place = with_two();
    place.catalog(&["import", "in/a.isi"]).succeeded();
    let before = place.digests("home");
    let whole = place.read("in/b.isi");
    for (name, part) in [
        ("nothing", &[][..]),
        ("one byte less", &whole[..whole.len() - 1]),
        ("half", &whole[..whole.len() / 2]),
        ("text", b"no package at all"),
    ] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let part = part.to_vec();
        let writing = std::thread::spawn(move || writer.write_all(&part).unwrap());
        let run = from_input(&place, reader);
        writing.join().unwrap();
        assert!(matches!(run.code, Some(1 | 4)), "{name}: {}", run.stderr);
        assert!(run.stderr.contains("standard input"), "{}", run.stderr);
        assert!(run.stderr.contains("code: E_"), "{name}: {}", run.stderr);
        assert_eq!(place.digests("home"), before, "{name}");
    }
    let run = from_input(&place, Stdio::null());
    assert_ne!(run.code, Some(0));
    let run = from_input(&place, File::open(place.path("in")).unwrap());
    assert_ne!(run.code, Some(0), "a directory");
    assert_eq!(place.digests("home"), before);
}

#[test]
fn waiting_for_standard_input_can_be_stopped() {
    let place = with_two();
    let arguments = ["--home", "home", "upgrade", "catalog", "import", "-"];
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = place.command("isi", &arguments);
    let child = command
        .stdin(reader)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = place.path("home/catalog/incoming");
    while !begun.exists() || std::fs::read_dir(&begun).unwrap().next().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    place
        .run("kill", &["-INT", &child.id().to_string()])
        .succeeded();
    let output = child.wait_with_output().unwrap();
    drop(writer);
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(place.names("home/catalog/incoming"), [""; 0]);
}

#[test]
fn standard_input_holds_one_package() {
    let place = with_two();
    compare!(place.catalog(&["import", "-", "-"]));
}

#[test]
fn a_stream_that_never_ends_is_refused_at_its_limit_and_leaves_nothing() {
    let place = with_two();
    place.catalog(&["import", "in/a.isi"]).succeeded();
    let before = place.digests("home");
    let length = std::fs::metadata(place.path("in/b.isi")).unwrap().len();
    let limited = |limit: u64, input: Stdio| {
        let limit = limit.to_string();
        let arguments = [
            "--home",
            "home",
            "upgrade",
            "catalog",
            "import",
            "-",
            "--stream-limit",
            &limit,
        ];
        let mut command = place.command("isi", &arguments);
        place.finished(&command.stdin(input).output().unwrap())
    };
    let package = || File::open(place.path("in/b.isi")).unwrap().into();
    for (limit, input) in [
        (length - 1, package()),
        (5_000_000, File::open("/dev/zero").unwrap().into()),
    ] {
        let run = limited(limit, input);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        for part in [
            &format!("standard input has more than {limit} bytes\n"),
            "code: E_TOO_LARGE\n",
            "--stream-limit",
        ] {
            assert!(run.stderr.contains(part), "{}", run.stderr);
        }
        assert_eq!(place.digests("home"), before);
        assert!(place.names("home/catalog/incoming").is_empty());
    }
    limited(length, package()).succeeded();
    assert_eq!(listed(&place), ["a", "b"]);
}
