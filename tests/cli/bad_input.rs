//! Everything an operator can hand over that is not what it should be: one clear error with a stable
//! code, and the catalog is byte for byte what it was.
//!
//! A clock before 2020 is refused in `tests/catalog`: the programs have no flag to turn it back.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{AUTHORITY, Place, Run, SIGNER};

/// A catalog with one package, and another package beside it.
fn with_one() -> (Place, String) {
    let place = Place::with_pki();
    place.signed("one.isi");
    place.build_with("two.isi", &["--name", "two"], true);
    place.catalog(&["import", "one.isi"]).succeeded();
    let id = place.id_of("one.isi");
    (place, id)
}

/// Fails unless a command was refused like this, and the catalog is as it was.
struct Refusals<'a> {
    place: &'a Place,
    before: std::collections::BTreeMap<PathBuf, String>,
}

impl<'a> Refusals<'a> {
    fn of(place: &'a Place) -> Self {
        let before = place.digests("home");
        Self { place, before }
    }

    #[track_caller]
    fn expect(&self, run: &Run, exit: i32, code: &str) {
        assert_eq!(run.code, Some(exit), "{}{}", run.stdout, run.stderr);
        let line = format!("  code: {code}\n");
        assert!(run.stderr.contains(&line), "{}", run.stderr);
        assert_eq!(run.stderr.matches("error: ").count(), 1, "{}", run.stderr);
        assert_eq!(run.stdout, "");
        self.unchanged();
    }

    #[track_caller]
    fn unchanged(&self) {
        assert_eq!(self.place.digests("home"), self.before);
    }

    #[track_caller]
    fn import(&self, file: &str, exit: i32, code: &str) {
        self.expect(&self.place.catalog(&["import", file]), exit, code);
    }
}

#[test]
fn what_is_no_package() {
    let (place, _) = with_one();
    let refusals = Refusals::of(&place);
    let whole = place.read("two.isi");
    for (content, code) in [
        (&b""[..], "E_FORMAT_SHORT"),
        (b"not a package", "E_FORMAT_SHORT"),
        (&b"not a package\n".repeat(100), "E_FORMAT_MAGIC"),
        (&whole[..whole.len() - 1], "E_FORMAT_MAGIC"),
        (&whole[..whole.len() / 2], "E_FORMAT_MAGIC"),
        (&whole[1..], "E_FORMAT_LENGTH"),
    ] {
        place.write("bad.isi", content);
        refusals.import("bad.isi", 4, code);
    }
}

#[test]
fn an_upload_that_breaks_off() {
    let (place, _) = with_one();
    let refusals = Refusals::of(&place);
    let whole = place.read("two.isi");
    let mut command = place.command(
        "isi",
        &["--home", "home", "upgrade", "catalog", "import", "-"],
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&whole[..whole.len() - 7]).unwrap();
    drop(input);
    let run = place.finished(&child.wait_with_output().unwrap());
    refusals.expect(&run, 4, "E_FORMAT_MAGIC");
}

#[test]
fn c13_what_is_no_regular_file() {
    let (place, _) = with_one();
    let refusals = Refusals::of(&place);
    place.run("mkfifo", &["fifo"]).succeeded();
    let _socket = UnixListener::bind(place.path("socket")).unwrap();
    symlink("loop", place.path("loop")).unwrap();
    symlink("nowhere", place.path("dangling")).unwrap();
    place.write("directory/x", "");
    for (file, code) in [
        ("directory", "E_NOT_REGULAR"),
        ("fifo", "E_NOT_REGULAR"),
        ("/dev/zero", "E_NOT_REGULAR"),
        ("/dev/null", "E_NOT_REGULAR"),
        ("socket", "E_IO"),
        ("loop", "E_IO"),
        ("dangling", "E_IO"),
        ("missing", "E_IO"),
        ("one.isi/below-a-file", "E_IO"),
    ] {
        refusals.import(file, 1, code);
    }
}

#[test]
fn a_file_that_may_not_be_read() {
    let (place, _) = with_one();
    place.forbid("two.isi");
    if place.run("id", &["-u"]).stdout.trim() == "0" {
        // For root every file is readable: so everything belongs to another user, but for the package.
        place
            .run("chown", &["-R", "65534:65534", "home"])
            .succeeded();
    }
    let refusals = Refusals::of(&place);
    let run = place.run_unprivileged(
        "isi",
        &["--home", "home", "upgrade", "catalog", "import", "two.isi"],
    );
    refusals.expect(&run, 1, "E_IO");
    assert!(run.stderr.contains("Permission denied"), "{}", run.stderr);
}

#[test]
fn the_same_package_twice_is_no_error_and_no_change() {
    let (place, _) = with_one();
    let refusals = Refusals::of(&place);
    let run = place.catalog(&["import", "one.isi"]).succeeded();
    assert!(
        run.stderr.contains("in the catalog already"),
        "{}",
        run.stderr
    );
    refusals.unchanged();
}

#[test]
fn the_same_name_and_version_with_other_content() {
    let (place, _) = with_one();
    place.write("tree/more", "content that was not there");
    place.signed("other.isi");
    let refusals = Refusals::of(&place);
    refusals.import("other.isi", 1, "E_VERSION_CONFLICT");
}

/// Commands that take an ID, with the ID left out at the end.
const BY_ID: &[&[&str]] = &[
    &["verify", "--id"],
    &["view", "--id"],
    &["readme", "--id"],
    &["export", "--file", "out.isi", "--id"],
];

#[test]
fn an_id_that_is_not_there_or_not_one() {
    let (place, id) = with_one();
    // The same row once more under an ID that begins alike; only the names matter here.
    let database = rusqlite::Connection::open(place.path("home/catalog/catalog.db")).unwrap();
    let columns: String = database
        .query_row(
            "SELECT group_concat(name, ', ') FROM pragma_table_info('artifact') WHERE name <> 'id'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let twin = format!("{}{}", &id[..8], "0".repeat(56));
    let copy = format!(
        "INSERT INTO artifact (id, {columns}) SELECT unhex('{twin}'), {columns} FROM artifact"
    );
    database.execute_batch(&copy).unwrap();
    drop(database);
    let refusals = Refusals::of(&place);
    let unknown = if id.starts_with("fff") { "eee" } else { "fff" };
    for command in BY_ID {
        for (prefix, code) in [(&id[..8], "E_AMBIGUOUS_ID"), (unknown, "E_UNKNOWN_ID")] {
            let run = place.catalog(&[command, &[prefix][..]].concat());
            refusals.expect(&run, 1, code);
        }
        for wrong in ["", "ab", "xyz", &"a".repeat(65)] {
            let run = place.catalog(&[command, &[wrong][..]].concat());
            assert_eq!(run.code, Some(2), "{wrong:?}: {}", run.stderr);
            refusals.unchanged();
        }
    }
    assert!(!place.path("out.isi").exists());
}

#[test]
fn export_onto_something_that_is_there() {
    let (place, id) = with_one();
    place.write("there", "mine");
    place.write("directory/x", "");
    symlink("nowhere", place.path("dangling")).unwrap();
    let refusals = Refusals::of(&place);
    for (file, code) in [
        ("there", "E_EXISTS"),
        ("directory", "E_EXISTS"),
        ("dangling", "E_EXISTS"),
        ("/dev/null", "E_EXISTS"),
        ("no/such/directory", "E_IO"),
    ] {
        let export = ["export", "--id", &id, "--no-sha256", "--file", file];
        refusals.expect(&place.catalog(&export), 1, code);
    }
    assert_eq!(place.read("there"), b"mine");
    assert_eq!(place.names("directory"), ["x"]);
}

/// A mounted file system, unmounted when dropped; `None` where this process may not mount anything.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: PathBuf, arguments: &[&str]) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let mount = Command::new("mount")
            .args(arguments)
            .arg(&at)
            .stderr(Stdio::null())
            .status();
        if !mount.is_ok_and(|status| status.success()) {
            eprintln!("skipped: a full disk and a read-only catalog: cannot mount anything here");
            return None;
        }
        Some(Self(at))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()));
    }
}

#[test]
fn export_onto_a_full_disk() {
    let (place, _) = with_one();
    place.write("large", vec![7; 200_000]);
    let large = ["--payload", "large", "--name", "large"];
    let create = [
        "create",
        "--output",
        "large.isi",
        "--type",
        "patch",
        "--version",
        "1",
    ];
    let described = ["--description", "x"];
    place
        .packager(&[&create[..], &large, &described, &SIGNER, &AUTHORITY].concat())
        .succeeded();
    place.catalog(&["import", "large.isi"]).succeeded();
    let id = place.id_of("large.isi");
    let Some(_mounted) = Mounted::new(
        place.path("small"),
        &["-t", "tmpfs", "-o", "size=100k", "isi-test"],
    ) else {
        return;
    };
    let refusals = Refusals::of(&place);
    let run = place.catalog(&["export", "--id", &id, "--file", "small/x.isi"]);
    refusals.expect(&run, 1, "E_NO_SPACE");
    assert_eq!(place.names("small"), [""; 0]);
}

#[test]
fn a_catalog_on_a_read_only_mount() {
    let (place, id) = with_one();
    let at = place.path("home/catalog");
    let bind = ["--bind", "-o", "ro", at.to_str().unwrap()];
    let Some(_mounted) = Mounted::new(at.clone(), &bind) else {
        return;
    };
    let refusals = Refusals::of(&place);
    refusals.import("two.isi", 1, "E_IO");
    place.catalog(&["list"]).succeeded();
    place
        .catalog(&["export", "--id", &id, "--file", "out.isi"])
        .succeeded();
    assert!(place.read("out.isi") == place.read("one.isi"));
    refusals.unchanged();
}

/// Does something to a database.
type Damage = fn(&Path);

fn set(database: &Path, pragma: &str, value: i64) {
    let database = rusqlite::Connection::open(database).unwrap();
    database.pragma_update(None, pragma, value).unwrap();
}

fn halve(database: &Path) {
    let file = File::options().write(true).open(database).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    file.set_len(pages / 2 * 4096).unwrap();
}

#[test]
fn a_database_that_is_not_ours_to_read() {
    let damages: [(&str, Damage, &str); 6] = [
        (
            "newer",
            |path| set(path, "user_version", 99),
            "E_DATABASE_NEWER",
        ),
        (
            "foreign",
            |path| set(path, "application_id", 7),
            "E_DATABASE_FOREIGN",
        ),
        (
            "garbage",
            |path| std::fs::write(path, vec![0xa5; 40_000]).unwrap(),
            "E_DATABASE_DAMAGED",
        ),
        ("half", halve, "E_DATABASE_DAMAGED"),
        (
            "empty",
            |path| std::fs::write(path, "").unwrap(),
            "E_DATABASE_LOST",
        ),
        (
            "lost",
            |path| std::fs::remove_file(path).unwrap(),
            "E_DATABASE_LOST",
        ),
    ];
    for (name, damage, code) in damages {
        let (place, id) = with_one();
        damage(&place.path("home/catalog/catalog.db"));
        let refusals = Refusals::of(&place);
        for command in [
            &["import", "two.isi"][..],
            &["list"],
            &["verify"],
            &["view", "--id", &id],
            &["export", "--id", &id, "--file", "out.isi"],
        ] {
            eprintln!("{name}: {command:?}");
            refusals.expect(&place.catalog(command), 1, code);
        }
    }
}
