//! Trees with a specification of owners and modes, read by another program as well.

use std::path::Path;

use crate::fsio::Dir;
use crate::payload::mtree::Mtree;
use crate::payload::{
    Compression, FileEntry, FileKind, FileTable, Mtime, PayloadError, TreeOptions, build_tree,
};

fn options(specification: &str) -> TreeOptions {
    TreeOptions {
        compression: Compression::None,
        overrides: Mtree::parse(specification.as_bytes()).unwrap(),
        ..TreeOptions::default()
    }
}

fn tree(home: &Path) -> Dir {
    std::fs::create_dir_all(home.join("usr/bin")).unwrap();
    std::fs::write(home.join("usr/bin/su"), b"su").unwrap();
    std::fs::hard_link(home.join("usr/bin/su"), home.join("usr/bin/su2")).unwrap();
    std::fs::write(home.join("mine"), b"m").unwrap();
    Dir::open(home).unwrap()
}

fn built(tree: &Dir, specification: &str) -> Result<FileTable, PayloadError> {
    let mut payload = Vec::new();
    let built = build_tree(
        tree,
        &mut payload,
        &options(specification),
        &crate::progress::Silent,
    );
    built.map(|built| built.table)
}

fn entry<'a>(table: &'a FileTable, path: &str) -> &'a FileEntry {
    &table.entries()[table.find(path.as_bytes()).unwrap()]
}

const SPECIFICATION: &str = "#mtree\n/set uid=0 gid=0 mode=0755 time=5.000000000\n\
    ./usr type=dir\n./usr/bin type=dir\n./usr/bin/su mode=04755 gid=42\n./dev type=dir\n\
    ./dev/null type=char device=native,1,3 mode=0666\n./bin type=link link=usr/bin\n\
    ./run/pipe type=fifo optional\n./run type=dir mode=01777\n./gone optional\n";

#[test]
fn a_specification_counts_instead_of_the_tree() {
    let home = tempfile::tempdir().unwrap();
    let table = built(&tree(home.path()), SPECIFICATION).unwrap();
    let su = entry(&table, "usr/bin/su");
    assert_eq!((su.mode, su.uid, su.gid), (0o4755, 0, 42));
    let (seconds, nanoseconds) = (5, 0);
    assert_eq!(
        su.mtime,
        Mtime {
            seconds,
            nanoseconds
        }
    );
    // One file, whatever name it is found by.
    let link = entry(&table, "usr/bin/su2");
    assert_eq!((link.mode, link.uid, link.gid), (0o4755, 0, 42));
    assert_eq!(entry(&table, "run").mode, 0o1777);
    assert_eq!(entry(&table, "bin").mode, 0o777);
    let FileKind::CharacterDevice(number) = entry(&table, "dev/null").kind else {
        panic!("{table:?}");
    };
    assert_eq!((number.major, number.minor), (1, 3));
    let status = Dir::open(home.path()).unwrap().status_of("mine").unwrap();
    let mine = entry(&table, "mine");
    assert_eq!((mine.mode, mine.uid), (status.mode, status.uid));
    assert!(table.find(b"gone").is_none());
}

#[test]
fn a_specification_and_a_tree_that_differ_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let tree = tree(home.path());
    for (specification, code) in [
        ("./nothing mode=0644", "E_MTREE"),
        ("./mine type=dir", "E_MTREE"),
        ("./usr type=file", "E_MTREE"),
        ("./x type=link", "E_MTREE"),
        ("./x type=char", "E_MTREE"),
        ("./no/where type=dir", "E_NAME"),
        ("./mine/x type=dir", "E_NAME"),
        ("./x type=link link=", "E_NAME"),
        ("./usr/bin/su2 mode=0600", "E_FILE_TABLE"),
    ] {
        let error = built(&tree, specification).unwrap_err();
        assert_eq!(error.code(), code, "{specification}: {error}");
    }
}

#[test]
fn a_clock_bounds_what_a_specification_says() {
    let home = tempfile::tempdir().unwrap();
    let tree = tree(home.path());
    let options = TreeOptions {
        clock: Some("1970-01-01T00:00:02Z".parse().unwrap()),
        ..options("./mine time=5.9\n./run type=dir time=7\n")
    };
    let mut payload = Vec::new();
    let built = build_tree(&tree, &mut payload, &options, &crate::progress::Silent).unwrap();
    for path in ["mine", "run"] {
        assert_eq!(entry(&built.table, path).mtime.seconds, 2);
    }
}

#[test]
fn what_bsdtar_writes_is_read_as_it_reads_it() {
    let home = tempfile::tempdir().unwrap();
    let source = home.path().join("tree");
    std::fs::create_dir(&source).unwrap();
    let tree = tree(&source);
    std::fs::create_dir(source.join("a b")).unwrap();
    std::fs::write(source.join("a b/*#\\\n"), b"odd").unwrap();
    std::os::unix::fs::symlink("a b", source.join("link")).unwrap();
    let plain = built(&tree, "").unwrap();
    let written = std::process::Command::new("bsdtar")
        .args(["-cf", "-", "--format=mtree", "-C"])
        .arg(&source)
        .arg(".")
        .output()
        .unwrap();
    assert!(written.status.success());
    let specification = String::from_utf8(written.stdout).unwrap();
    assert!(specification.contains("su"), "{specification}");
    // It says what the tree says, with its fractions of a second, which are dropped either way.
    assert_eq!(
        built(&tree, &specification).unwrap(),
        plain,
        "{specification}"
    );
    let moved = specification
        .replace("uid=", "uid=1")
        .replace(" mode=6", " mode=7");
    let table = built(&tree, &moved).unwrap();
    for (before, after) in plain.entries().iter().zip(table.entries()) {
        assert_eq!(
            after.uid.to_string(),
            format!("1{}", before.uid),
            "{}",
            before.path
        );
    }
}
