//! Archives that somebody else made, hostile ones among them.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use super::build::Stopper;
use super::trees::{facts, make, write};
use crate::fsio::Dir;
use crate::payload::limits::{MAX_ARCHIVE_NAMES, MAX_EXTENDED_HEADER_LENGTH};
use crate::payload::{
    ArchiveOptions, PayloadError, UnpackOptions, UnpackReport, unpack_archive, unpack_archive_new,
};
use crate::progress::Silent;

/// One member: type flag, name, link target, contents.
type Member<'a> = (u8, &'a [u8], &'a [u8], &'a [u8]);

fn header(type_flag: u8, name: &[u8], target: &[u8], size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    let block = header.as_mut_bytes();
    block[..name.len()].copy_from_slice(name);
    block[157..157 + target.len()].copy_from_slice(target);
    header.set_entry_type(tar::EntryType::new(type_flag));
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1);
    header.set_size(size);
    if matches!(type_flag, b'3' | b'4') {
        header.set_device_major(1).unwrap();
        header.set_device_minor(3).unwrap();
    }
    header.set_cksum();
    header
}

fn archive(members: &[Member<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (type_flag, name, target, contents) in members {
        let size = contents.len() as u64;
        bytes.extend_from_slice(header(*type_flag, name, target, size).as_bytes());
        bytes.extend_from_slice(contents);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (keyword, value) in records {
        let rest = keyword.len() + value.len() + 3;
        let length = (1..2 << 20).find(|n| rest + n.to_string().len() == *n);
        out.extend_from_slice(format!("{} {keyword}=", length.unwrap()).as_bytes());
        out.extend_from_slice(value);
        out.push(b'\n');
    }
    out
}

/// Unpacks into a directory beside which a secret lies; gives what came out.
fn unpacked(bytes: &[u8], options: &ArchiveOptions) -> Result<UnpackReport, PayloadError> {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("outside")).unwrap();
    std::fs::write(home.path().join("outside/secret"), "secret").unwrap();
    std::fs::create_dir(home.path().join("target")).unwrap();
    let target = Dir::open(&home.path().join("target")).unwrap();
    let result = unpack_archive(&bytes, &target, options, &Silent);
    if result.is_err() {
        assert_eq!(target.entries().unwrap(), []);
    }
    let outside = home.path().join("outside");
    assert_eq!(std::fs::read(outside.join("secret")).unwrap(), b"secret");
    assert_eq!(std::fs::read_dir(outside).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2);
    result
}

fn refusal(bytes: &[u8]) -> PayloadError {
    unpacked(bytes, &ArchiveOptions::default()).unwrap_err()
}

#[test]
fn c08_members_that_lead_out_are_refused() {
    let outside: &[u8] = b"../outside/secret";
    let cases: [&[Member<'_>]; 14] = [
        &[(b'0', outside, b"", b"x")],
        &[(b'0', b"/etc/cron.d/x", b"", b"x")],
        &[(b'0', b"a/../../outside/new", b"", b"x")],
        &[(b'0', b"./../outside/new", b"", b"x")],
        &[(b'5', b"..", b"", b"")],
        &[(b'5', b"../outside/new/", b"", b"")],
        &[(b'0', b"", b"", b"x")],
        &[(b'5', b"/", b"", b"")],
        &[
            (b'2', b"link", b"../outside", b""),
            (b'0', b"link/new", b"", b"x"),
        ],
        &[
            (b'2', b"link", b"../outside/secret", b""),
            (b'0', b"link", b"", b"x"),
        ],
        &[(b'1', b"hard", outside, b"")],
        &[(b'1', b"hard", b"/etc/passwd", b"")],
        &[(b'2', b"link", outside, b""), (b'1', b"hard", b"link", b"")],
        &[(b'0', b"file", b"", b"x"), (b'0', b"file/below", b"", b"x")],
    ];
    for members in cases {
        let error = refusal(&archive(members));
        assert_eq!(error.code(), "E_NAME", "{members:?}: {error}");
    }
}

#[test]
fn c08_devices_and_rights_are_for_those_who_ask() {
    for kind in [b'3', b'4'] {
        let error = refusal(&archive(&[(kind, b"null", b"", b"")]));
        assert_eq!(error.code(), "E_DEVICE");
    }
    let mut suid = header(b'0', b"suid", b"", 0);
    suid.set_mode(0o6755);
    suid.set_cksum();
    let bytes = [suid.as_bytes().as_slice(), &[0; 1024]].concat();
    for (special_bits, expected) in [(false, 0o755), (true, 0o6755)] {
        let home = tempfile::tempdir().unwrap();
        let target = Dir::open(home.path()).unwrap();
        let unpack = UnpackOptions {
            special_bits,
            ..UnpackOptions::default()
        };
        let options = ArchiveOptions {
            unpack,
            ..ArchiveOptions::default()
        };
        unpack_archive(&bytes, &target, &options, &Silent).unwrap();
        assert_eq!(target.status_of("suid").unwrap().mode, expected);
    }
}

#[test]
fn c08_names_are_bytes_of_bounded_length() {
    let with = |name: &[u8]| {
        let records = pax(&[("path", name)]);
        archive(&[(b'x', b"pax", b"", &records), (b'0', b"short", b"", b"x")])
    };
    let options = ArchiveOptions::default();
    unpacked(&with(&[b'n'; 255]), &options).unwrap();
    unpacked(&with(b"\xff\xfe\n"), &options).unwrap();
    assert_eq!(refusal(&with(&[b'n'; 256])).code(), "E_NAME");
    assert_eq!(refusal(&with(b"a\0b")).code(), "E_NAME");
    assert_eq!(refusal(&with(&b"d/".repeat(300))).code(), "E_NAME");
}

#[test]
fn c08_a_name_is_used_once() {
    let twice: [&[Member<'_>]; 3] = [
        &[(b'0', b"a", b"", b"1"), (b'0', b"a", b"", b"2")],
        &[(b'0', b"a", b"", b"1"), (b'0', b"./a", b"", b"2")],
        &[(b'5', b"a/", b"", b""), (b'2', b"a", b"/", b"")],
    ];
    for members in twice {
        assert_eq!(refusal(&archive(members)).code(), "E_NAME");
    }
}

#[test]
fn c10_what_is_larger_than_allowed_is_refused_before_it_is_written() {
    let bytes = archive(&[(b'0', b"a", b"", &[1; 3000]), (b'0', b"b", b"", b"x")]);
    let with = |max_bytes, max_entries| ArchiveOptions {
        max_bytes,
        max_entries,
        ..ArchiveOptions::default()
    };
    let length = bytes.len() as u64;
    unpacked(&bytes, &with(length, 2)).unwrap();
    for options in [
        with(length - 1, 2),
        with(length, 1),
        with(1000, 2),
        with(0, 0),
    ] {
        assert_eq!(
            unpacked(&bytes, &options).unwrap_err().code(),
            "E_TOO_LARGE"
        );
    }
    // A header that promises more than there can be.
    for size in [1 << 31, 1 << 32, (1 << 33) - 1] {
        let mut bytes = header(b'0', b"huge", b"", size).as_bytes().to_vec();
        bytes.resize(4096, 0);
        let options = with(1 << 20, 9);
        assert_eq!(
            unpacked(&bytes, &options).unwrap_err().code(),
            "E_TOO_LARGE"
        );
        let found = unpacked(&bytes, &ArchiveOptions::default()).unwrap_err();
        assert_eq!(found.code(), "E_ARCHIVE");
    }
    let records = pax(&[("size", b"18446744073709551615")]);
    let bytes = archive(&[(b'x', b"pax", b"", &records), (b'0', b"a", b"", b"x")]);
    assert_eq!(refusal(&bytes).code(), "E_TOO_LARGE");
}

#[test]
fn c10_a_bomb_is_stopped_at_the_limit() {
    // 1 GiB of zeros as one member, and as what stands behind the end.
    let mut compressor = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    let size = 1 << 30;
    compressor
        .write_all(header(b'0', b"zeros", b"", size).as_bytes())
        .unwrap();
    for _ in 0..1024 {
        compressor.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = compressor.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let options = ArchiveOptions {
        max_bytes: 64 << 20,
        ..ArchiveOptions::default()
    };
    assert_eq!(unpacked(&bomb, &options).unwrap_err().code(), "E_TOO_LARGE");
    let zeros = zstd::bulk::compress(&vec![0; 100 << 20], 1).unwrap();
    assert_eq!(
        unpacked(&zeros, &options).unwrap_err().code(),
        "E_TOO_LARGE"
    );
    // A window that no decoder of ours reserves: 64 MiB.
    let mut wide = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    wide.window_log(26).unwrap();
    wide.write_all(&archive(&[(b'0', b"a", b"", b"x")]))
        .unwrap();
    let error = unpacked(&wide.finish().unwrap(), &options).unwrap_err();
    assert_eq!(error.code(), "E_ARCHIVE", "{error}");
}

#[test]
fn c11_extended_headers_reserve_nothing_that_is_not_allowed() {
    for kind in [b'x', b'g', b'L', b'K'] {
        for size in [MAX_EXTENDED_HEADER_LENGTH + 1, (1 << 33) - 1] {
            let mut bytes = header(kind, b"long", b"", size).as_bytes().to_vec();
            bytes.resize(4096, 0);
            assert_eq!(refusal(&bytes).code(), "E_TOO_LARGE");
        }
        let mut bytes = header(kind, b"long", b"", MAX_EXTENDED_HEADER_LENGTH);
        bytes.set_cksum();
        let mut bytes = bytes.as_bytes().to_vec();
        bytes.resize(4096, 0);
        assert_eq!(refusal(&bytes).code(), "E_ARCHIVE");
    }
    // Names are kept in memory until the end; what ends the archive early saves making the links.
    let long = [&[b'n'; 200][..]; 20].join(&b'/');
    let each = 2 * 9 + 4019;
    let most = MAX_ARCHIVE_NAMES / each;
    let links = |count: u64| {
        let mut bytes = Vec::new();
        let records = pax(&[("linkpath", &long)]);
        for number in 0..count {
            let name = format!("l{number:08}");
            let link = archive(&[
                (b'x', b"p", b"", &records),
                (b'2', name.as_bytes(), b"x", b""),
            ]);
            bytes.extend_from_slice(&link[..link.len() - 1024]);
        }
        bytes.extend_from_slice(&archive(&[(b'Z', b"unknown", b"", b"")]));
        bytes
    };
    assert_eq!(refusal(&links(most)).code(), "E_ARCHIVE");
    assert_eq!(refusal(&links(most + 1)).code(), "E_TOO_LARGE");
}

#[test]
fn what_two_programs_could_read_differently_is_refused() {
    let file = || archive(&[(b'0', b"file", b"", b"contents")]);
    let with_pax = |kind: u8, records: &[u8]| {
        archive(&[(kind, b"pax", b"", records), (b'0', b"file", b"", b"x")])
    };
    let mut cases: Vec<(&str, Vec<u8>)> = vec![
        (
            "keyword twice",
            with_pax(b'x', &pax(&[("path", b"a"), ("path", b"b")])),
        ),
        ("global path", with_pax(b'g', &pax(&[("path", b"a")]))),
        (
            "sparse",
            with_pax(b'x', &pax(&[("GNU.sparse.major", b"1")])),
        ),
        ("bad length", with_pax(b'x', b"99 path=a\n")),
        ("no line feed", with_pax(b'x', b"9 path=ab")),
        ("signed length", with_pax(b'x', b"+9 path=a\n")),
        ("no keyword", with_pax(b'x', b"5 ab\n")),
        ("bad number", with_pax(b'x', &pax(&[("uid", b"0x1")]))),
        (
            "large number",
            with_pax(b'x', &pax(&[("uid", b"4294967295")])),
        ),
        ("bad time", with_pax(b'x', &pax(&[("mtime", b"1.2.3")]))),
        (
            "directory with contents",
            archive(&[(b'5', b"d/", b"", b"x")]),
        ),
        ("link with contents", archive(&[(b'2', b"l", b"x", b"x")])),
        ("old sparse", archive(&[(b'S', b"s", b"", b"")])),
        ("multi-volume", archive(&[(b'M', b"m", b"", b"")])),
        ("unknown", archive(&[(b'Z', b"z", b"", b"")])),
        (
            "long name twice",
            archive(&[
                (b'L', b"l", b"", b"one\0"),
                (b'L', b"l", b"", b"two\0"),
                (b'0', b"f", b"", b""),
            ]),
        ),
    ];
    let mut behind = file();
    behind.extend_from_slice(&file());
    cases.push(("data behind the end", behind));
    let mut sum = file();
    sum[0] ^= 1;
    cases.push(("checksum", sum));
    let lonely = archive(&[(b'x', b"pax", b"", &pax(&[("path", b"a")]))]);
    cases.push(("extended header at the end", lonely));
    for (name, bytes) in cases {
        let error = refusal(&bytes);
        assert_eq!(error.code(), "E_ARCHIVE", "{name}: {error}");
        assert!(error.hint().is_some());
    }
    let whole = file();
    for length in [513, 600, 1024] {
        assert_eq!(refusal(&whole[..length]).code(), "E_ARCHIVE", "{length}");
    }
}

#[test]
fn c14_damage_never_panics_and_leaves_nothing() {
    let good = archive(&[
        (b'5', b"d/", b"", b""),
        (
            b'x',
            b"pax",
            b"",
            &pax(&[("path", b"d/file"), ("mtime", b"1.5")]),
        ),
        (b'0', b"x", b"", b"contents"),
        (b'2', b"l", b"d/file", b""),
    ]);
    let home = tempfile::tempdir().unwrap();
    let target = Dir::open(home.path()).unwrap();
    let mut passed = 0;
    let mut try_one = |bytes: &[u8]| {
        match unpack_archive(&bytes, &target, &ArchiveOptions::default(), &Silent) {
            Ok(_) => {
                passed += 1;
                for entry in target.entries().unwrap() {
                    let removed = target.remove_tree(&entry.name);
                    removed
                        .or_else(|_| target.remove_file(&entry.name))
                        .unwrap();
                }
            }
            Err(error) => assert!(error.code().starts_with("E_")),
        }
        assert_eq!(target.entries().unwrap(), []);
    };
    for at in (0..good.len()).step_by(5) {
        for flip in [1, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            try_one(&bad);
        }
    }
    let packed = zstd::bulk::compress(&good, 3).unwrap();
    for bit in 0..packed.len() * 8 {
        let mut bad = packed.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        try_one(&bad);
    }
    for length in 0..packed.len() {
        try_one(&packed[..length]);
    }
    // Contents and times may differ unseen: the digest of the region is checked before all this.
    assert!(passed > 0);
}

#[test]
fn other_formats_are_named() {
    let cases: [(&[u8], &str); 6] = [
        (&[0x1F, 0x8B, 8, 0], "gzip"),
        (b"\xFD7zXZ\0\0\0", "xz"),
        (b"BZh91AY", "bzip2"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"", "nothing"),
        (b"#!/bin/sh\n", "other data"),
    ];
    for (bytes, name) in cases {
        let error = refusal(bytes);
        assert_eq!(error.code(), "E_PAYLOAD_FORMAT");
        assert!(error.to_string().ends_with(name), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_stop_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("new");
    let contents = vec![7; 300_000];
    let bytes = archive(&[
        (b'0', b"d/a", b"", &contents),
        (b'0', b"d/b", b"", &contents),
    ]);
    for after in [0, 1, 200_000, 400_000] {
        let stopper = Stopper::after(after);
        let options = ArchiveOptions::default();
        let error = unpack_archive_new(&bytes, &path, &options, &stopper).unwrap_err();
        assert_eq!(error.code(), "E_CANCELLED");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
    unpack_archive_new(&bytes, &path, &ArchiveOptions::default(), &Silent).unwrap();
    assert_eq!(std::fs::read(path.join("d/b")).unwrap(), contents);
}

#[test]
fn archives_of_gnu_tar_and_bsdtar_come_out_as_they_went_in() {
    let home = tempfile::tempdir().unwrap();
    let tree = make(&home.path().join("tree"));
    // Their old formats cannot hold attributes.
    let cases: [(&str, &[&str]); 5] = [
        ("tar", &["--format=posix", "--xattrs"]),
        ("tar", &["--format=posix", "--xattrs", "--zstd"]),
        ("tar", &["--format=posix", "--xattrs", "--sort=name"]),
        ("bsdtar", &["--format=pax", "--xattrs", "--no-read-sparse"]),
        (
            "bsdtar",
            &["--format=pax", "--xattrs", "--no-read-sparse", "--zstd"],
        ),
    ];
    let file = home.path().join("archive");
    for (program, arguments) in cases {
        let output = Command::new(program)
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .arg("-cf")
            .args([&file, Path::new("-C"), tree.path(), Path::new(".")])
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}; `cargo xtask` installs it"));
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {output:?}"
        );
        let out = tempfile::tempdir().unwrap();
        let target = Dir::open(out.path()).unwrap();
        let unpack = UnpackOptions {
            owners: true,
            special_bits: true,
            xattrs: true,
            ..UnpackOptions::default()
        };
        let options = ArchiveOptions {
            unpack,
            ..ArchiveOptions::default()
        };
        let payload = std::fs::File::open(&file).unwrap();
        unpack_archive(&payload, &target, &options, &Silent).unwrap();
        let (found, expected) = (facts(&target), facts(&tree));
        for (path, fact) in &expected {
            assert_eq!(
                found.get(path),
                Some(fact),
                "{program} {arguments:?} {path:?}"
            );
        }
        assert_eq!(found.len(), expected.len());
    }
}

#[test]
fn old_archives_are_read_too() {
    let home = tempfile::tempdir().unwrap();
    let tree = Dir::open_or_create(&home.path().join("tree"), 0o755).unwrap();
    tree.create_dir("d", 0o755).unwrap();
    write(&tree, OsStr::new("d/file"), b"contents", 0o644);
    write(&tree, OsStr::new(&"n".repeat(150)), b"long name", 0o644);
    let file = home.path().join("archive");
    for format in ["gnu", "oldgnu", "ustar", "v7"] {
        let mut tar = Command::new("tar");
        tar.arg(format!("--format={format}")).arg("-cf");
        let output = tar
            .args([&file, Path::new("-C"), tree.path(), Path::new(".")])
            .output();
        let output = output.unwrap();
        // What the older ones cannot hold is left out, with a complaint.
        let out = tempfile::tempdir().unwrap();
        let target = Dir::open(out.path()).unwrap();
        let payload = std::fs::File::open(&file).unwrap();
        unpack_archive(&payload, &target, &ArchiveOptions::default(), &Silent).unwrap();
        assert_eq!(
            target.read_bounded("d/file", 99).unwrap(),
            b"contents",
            "{format}"
        );
        let long = target.kind_of("n".repeat(150)).unwrap().is_some();
        assert_eq!(long, output.status.success(), "{format}");
    }
}
