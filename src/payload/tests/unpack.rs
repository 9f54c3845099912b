//! Payloads become trees again, or nothing at all.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::build::{Stopper, build, plain};
use super::table::file;
use super::trees::{facts, make, noise, set_times, write};
use crate::digest::Sha256Digest;
use crate::fsio::Dir;
use crate::payload::{
    BuiltTree, Compression, DeviceNumber, FileEntry, FileKind, FileTable, Frame, FrameKind,
    PayloadError, PayloadIndex, TreeOptions, UnpackOptions, UnpackReport, unpack, unpack_new,
    unpack_only,
};
use crate::progress::Silent;

fn faithful() -> UnpackOptions {
    UnpackOptions {
        owners: true,
        special_bits: true,
        xattrs: true,
        ..UnpackOptions::default()
    }
}

fn empty_dir() -> (tempfile::TempDir, Dir) {
    let home = tempfile::tempdir().unwrap();
    let dir = Dir::open(home.path()).unwrap();
    (home, dir)
}

fn try_unpack(
    payload: &[u8],
    index: &PayloadIndex,
    table: &FileTable,
    options: &UnpackOptions,
) -> Result<UnpackReport, PayloadError> {
    let (home, target) = empty_dir();
    let result = unpack(&payload, index, table, &target, options, &Silent);
    if result.is_err() {
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
    result
}

/// A payload of `frames` as they are, each said to hold what it holds.
fn payload_of(kind: FrameKind, frames: &[(&[u8], &[u8])]) -> (Vec<u8>, PayloadIndex) {
    let records = frames.iter().map(|(stored, plain)| Frame {
        stored_size: u32::try_from(stored.len()).unwrap(),
        plain_size: u32::try_from(plain.len()).unwrap(),
        stored_sha256: Sha256Digest::of(stored),
        plain_sha256: Sha256Digest::of(plain),
    });
    let index = PayloadIndex::new(kind, records.collect()).unwrap();
    let payload = frames.iter().flat_map(|(stored, _)| stored.iter().copied());
    (payload.collect(), index)
}

#[test]
fn the_tree_comes_out_as_it_went_in() {
    let home = tempfile::tempdir().unwrap();
    let tree = make(home.path());
    for compression in [Compression::None, Compression::Zstd(3)] {
        let options = TreeOptions {
            compression,
            nanoseconds: true,
            ..TreeOptions::default()
        };
        let (payload, built) = build(&tree, &options);
        for threads in [1, 2, 5] {
            let options = UnpackOptions {
                threads: NonZeroUsize::new(threads),
                ..faithful()
            };
            let (_out, target) = empty_dir();
            let (index, table) = (&built.index, &built.table);
            let report = unpack(&payload, index, table, &target, &options, &Silent).unwrap();
            assert_eq!(facts(&target), facts(&tree));
            assert_eq!(report.entries, table.entries().len() as u64);
            let sizes = table.entries().iter().map(|entry| entry.kind.size());
            assert_eq!(report.bytes, sizes.sum::<u64>());
        }
    }
}

#[test]
fn holes_stay_holes() {
    use std::os::unix::fs::MetadataExt as _;
    let (home, tree) = empty_dir();
    let sparse = tree.create_file("sparse", 0o644).unwrap();
    sparse.set_len(50 << 20).unwrap();
    let (payload, built) = build(&tree, &TreeOptions::default());
    drop(home);
    let (out, target) = empty_dir();
    let options = UnpackOptions::default();
    unpack(
        &payload,
        &built.index,
        &built.table,
        &target,
        &options,
        &Silent,
    )
    .unwrap();
    let found = std::fs::metadata(out.path().join("sparse")).unwrap();
    assert_eq!(found.len(), 50 << 20);
    assert!(found.blocks() < 100, "{} blocks", found.blocks());
}

#[test]
fn c08_rights_are_dropped_unless_asked_for() {
    let (_home, tree) = empty_dir();
    write(&tree, OsStr::new("suid"), b"x", 0o6755);
    tree.create_dir("sticky", 0o755).unwrap();
    let sticky = crate::fsio::Attributes {
        mode: Some(0o3777),
        ..crate::fsio::Attributes::default()
    };
    tree.set_attributes("sticky", &sticky).unwrap();
    let noted = crate::fsio::Attributes {
        xattrs: &[(OsStr::new("user.note"), b"n")],
        ..crate::fsio::Attributes::default()
    };
    tree.set_attributes("suid", &noted).unwrap();
    let (payload, built) = build(&tree, &plain());
    let of = |options: &UnpackOptions| {
        let (_out, target) = empty_dir();
        unpack(
            &payload,
            &built.index,
            &built.table,
            &target,
            options,
            &Silent,
        )
        .unwrap();
        let mode = |name| target.status_of(name).unwrap().mode;
        (
            mode("suid"),
            mode("sticky"),
            target.xattrs("suid").unwrap().len(),
        )
    };
    assert_eq!(of(&UnpackOptions::default()), (0o755, 0o777, 0));
    assert_eq!(of(&faithful()), (0o6755, 0o3777, 1));
}

#[test]
fn c08_devices_are_refused_unless_asked_for() {
    let null = DeviceNumber { major: 1, minor: 3 };
    let mut entries = vec![super::table::entry("null", FileKind::CharacterDevice(null))];
    entries.push(super::table::entry("zdisk", FileKind::BlockDevice(null)));
    let table = FileTable::new(entries).unwrap();
    let stream = stream_of(&table, &[]);
    let (payload, index) = payload_of(FrameKind::Plain, &[(&stream, &stream)]);
    let error = try_unpack(&payload, &index, &table, &UnpackOptions::default()).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("E_DEVICE", "\"null\" is a device node: expected none")
    );
    let options = UnpackOptions {
        devices: true,
        ..UnpackOptions::default()
    };
    match try_unpack(&payload, &index, &table, &options) {
        Ok(report) => assert_eq!(report.entries, 2),
        // Without the privilege it fails, and leaves nothing.
        Err(error) => assert_eq!(error.code(), "E_IO"),
    }
}

/// The tar stream of `table` with these contents for its regular files.
fn stream_of(table: &FileTable, contents: &[&[u8]]) -> Vec<u8> {
    let (mut stream, mut contents) = (Vec::new(), contents.iter());
    for entry in table.entries() {
        crate::payload::tar_header::append(entry, &mut stream);
        if let FileKind::Regular { .. } = entry.kind {
            stream.extend_from_slice(contents.next().unwrap());
            stream.resize(stream.len().next_multiple_of(512), 0);
        }
    }
    stream.resize(stream.len() + 1024, 0);
    stream
}

fn hello() -> FileEntry {
    let mut entry = file("hello", 5);
    let sha256 = Sha256Digest::of(b"hello");
    entry.kind = FileKind::Regular { size: 5, sha256 };
    entry
}

#[test]
fn c10_a_frame_that_is_not_what_was_said_is_refused() {
    let table = FileTable::new(vec![hello()]).unwrap();
    let stream = stream_of(&table, &[b"hello"]);
    let good = zstd::bulk::compress(&stream, 3).unwrap();
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    let (front, back) = stream.split_at(700);
    let two = [front, back]
        .map(|part| zstd::bulk::compress(part, 3).unwrap())
        .concat();
    let skippable = [&[0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 7], &good[..]].concat();
    let behind = [&good[..], &[0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0]].concat();
    let unsized_frame = zstd::stream::encode_all(&stream[..], 3).unwrap();
    let mut cut = good.clone();
    cut.pop();
    let mut broken = good.clone();
    let middle = broken.len() / 2;
    broken[middle] ^= 0xFF;
    let long = zstd::bulk::compress(&[&stream[..], &[0]].concat(), 3).unwrap();
    let short = zstd::bulk::compress(&stream[..stream.len() - 1], 3).unwrap();
    let cases: [(&str, &[u8]); 11] = [
        ("bomb", &bomb),
        ("two frames", &two),
        ("skippable in front", &skippable),
        ("skippable behind", &behind),
        ("no content size", &unsized_frame),
        ("cut", &cut),
        ("broken", &broken),
        ("longer", &long),
        ("shorter", &short),
        ("not compressed", &stream),
        ("gzip", &[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0]),
    ];
    let unpacked = |stored: &[u8]| {
        let (payload, index) = payload_of(FrameKind::Zstd, &[(stored, &stream)]);
        try_unpack(&payload, &index, &table, &UnpackOptions::default())
    };
    unpacked(&good).unwrap();
    for (name, stored) in cases {
        let error = unpacked(stored).unwrap_err();
        let expected = if name == "broken" {
            // Either the decoder sees it or what comes out is not what the table says.
            let codes = ["E_FRAME", "E_HASH_MISMATCH", "E_FILE_TABLE_MISMATCH"];
            assert!(codes.contains(&error.code()), "{error}");
            continue;
        } else {
            "E_FRAME"
        };
        assert_eq!(error.code(), expected, "{name}: {error}");
    }
}

#[test]
fn c10_a_bomb_inside_is_a_file_like_any_other() {
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    let (home, tree) = empty_dir();
    write(&tree, OsStr::new("nested.zst"), &bomb, 0o644);
    let (payload, built) = build(&tree, &TreeOptions::default());
    drop(home);
    let (_out, target) = empty_dir();
    let options = UnpackOptions::default();
    unpack(
        &payload,
        &built.index,
        &built.table,
        &target,
        &options,
        &Silent,
    )
    .unwrap();
    assert_eq!(
        target.status_of("nested.zst").unwrap().size,
        bomb.len() as u64
    );
}

#[test]
fn c14_flipped_bits_of_a_payload_are_refused() {
    let table = FileTable::new(vec![hello()]).unwrap();
    let stream = stream_of(&table, &[b"hello"]);
    let packed = zstd::bulk::compress(&stream, 3).unwrap();
    let options = UnpackOptions {
        threads: NonZeroUsize::new(1),
        ..UnpackOptions::default()
    };
    let (_home, target) = empty_dir();
    let cases = [
        (FrameKind::Plain, &stream, 17),
        (FrameKind::Zstd, &packed, 1),
    ];
    for (kind, stored, step) in cases {
        let (payload, index) = payload_of(kind, &[(stored, &stream)]);
        try_unpack(&payload, &index, &table, &options).unwrap();
        for bit in (0..payload.len() * 8).step_by(step) {
            let mut bad = payload.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let error = unpack(&bad, &index, &table, &target, &options, &Silent).unwrap_err();
            assert_eq!(error.code(), "E_HASH_MISMATCH", "bit {bit}");
            assert_eq!(target.entries().unwrap(), []);
        }
        for length in 0..payload.len() {
            let cut = &payload[..length];
            let error = unpack(&cut, &index, &table, &target, &options, &Silent).unwrap_err();
            assert_eq!(error.code(), "E_PAYLOAD_INDEX");
        }
        // Nor may anything follow: the frames are the payload.
        let longer = [&payload[..], b"more"].concat();
        let error = unpack(&longer, &index, &table, &target, &options, &Silent).unwrap_err();
        assert_eq!(error.code(), "E_PAYLOAD_INDEX");
    }
}

#[test]
fn every_byte_of_the_stream_agrees_with_the_table() {
    let mut noted = hello();
    noted.xattrs = vec![crate::payload::Xattr {
        name: "user.note".into(),
        value: b"n".to_vec(),
    }];
    let table = FileTable::new(vec![noted]).unwrap();
    let stream = stream_of(&table, &[b"hello"]);
    let data = usize::try_from(table.places()[0].data).unwrap();
    for at in 0..stream.len() {
        let mut bad = stream.clone();
        bad[at] ^= 0x10;
        // Signed as it is, plain or compressed: only the table knows better.
        let packed = zstd::bulk::compress(&bad, 1).unwrap();
        for (kind, stored) in [(FrameKind::Plain, &bad), (FrameKind::Zstd, &packed)] {
            let (payload, index) = payload_of(kind, &[(stored, &bad)]);
            let options = UnpackOptions::default();
            let error = try_unpack(&payload, &index, &table, &options).unwrap_err();
            let expected = if (data..data + 5).contains(&at) {
                "E_HASH_MISMATCH"
            } else {
                "E_FILE_TABLE_MISMATCH"
            };
            assert_eq!(error.code(), expected, "byte {at}: {error}");
        }
    }
}

#[test]
fn a_decoder_that_gives_other_bytes_is_found_out() {
    let table = FileTable::new(vec![hello(), file_of("other", b"contents")]).unwrap();
    let stream = stream_of(&table, &[b"hello", b"contents"]);
    let mut other = stream.clone();
    other[512] ^= 1;
    // The index names the digest of the right stream for stored bytes that decode to another one.
    let packed = zstd::bulk::compress(&other, 1).unwrap();
    let (payload, index) = payload_of(FrameKind::Zstd, &[(&packed, &stream)]);
    let options = UnpackOptions::default();
    let error = try_unpack(&payload, &index, &table, &options).unwrap_err();
    assert!(
        error.to_string().starts_with("contents of \"hello\""),
        "{error}"
    );
    // The file wanted is whole; the frame that holds it is not what was signed.
    let (_out, target) = empty_dir();
    let paths = [PathBuf::from("other")];
    let result = unpack_only(&payload, &index, &table, &paths, &target, &options, &Silent);
    let error = result.unwrap_err();
    assert_eq!(error.code(), "E_HASH_MISMATCH");
    assert!(error.to_string().starts_with("frame 0, decoded"), "{error}");
}

#[test]
fn the_stream_may_be_cut_anywhere() {
    let table = FileTable::new(vec![hello(), file_of("other", b"contents")]).unwrap();
    let stream = stream_of(&table, &[b"hello", b"contents"]);
    for length in [1, 7, 511, 512, 513, 1000] {
        let frames: Vec<_> = stream.chunks(length).map(|part| (part, part)).collect();
        let (payload, index) = payload_of(FrameKind::Plain, &frames);
        try_unpack(&payload, &index, &table, &UnpackOptions::default()).unwrap();
        let (_out, target) = empty_dir();
        let paths = [PathBuf::from("other")];
        let options = UnpackOptions::default();
        unpack_only(&payload, &index, &table, &paths, &target, &options, &Silent).unwrap();
        assert_eq!(target.read_bounded("other", 100).unwrap(), b"contents");
    }
    let (payload, index) = payload_of(FrameKind::Plain, &[(&stream[512..], &stream[512..])]);
    let error = try_unpack(&payload, &index, &table, &UnpackOptions::default()).unwrap_err();
    assert_eq!(error.code(), "E_FILE_TABLE_MISMATCH");
}

fn file_of(path: &str, contents: &[u8]) -> FileEntry {
    let mut entry = file(path, contents.len() as u64);
    entry.kind = FileKind::Regular {
        size: contents.len() as u64,
        sha256: Sha256Digest::of(contents),
    };
    entry
}

#[test]
fn c08_only_an_empty_target_is_filled() {
    let table = FileTable::new(vec![hello()]).unwrap();
    let stream = stream_of(&table, &[b"hello"]);
    let (payload, index) = payload_of(FrameKind::Plain, &[(&stream, &stream)]);
    let (home, target) = empty_dir();
    std::os::unix::fs::symlink("/etc/passwd", home.path().join("hello")).unwrap();
    let options = UnpackOptions::default();
    let error = unpack(&payload, &index, &table, &target, &options, &Silent).unwrap_err();
    assert_eq!(error.code(), "E_NOT_EMPTY");
    assert_eq!(target.read_link("hello").unwrap(), "/etc/passwd");
}

#[test]
fn c08_names_that_differ_in_case_are_two_names() {
    let entries = vec![
        file_of("NAME", b"1"),
        file_of("Name", b"2"),
        file_of("name", b"3"),
    ];
    let table = FileTable::new(entries).unwrap();
    let stream = stream_of(&table, &[b"1", b"2", b"3"]);
    let (payload, index) = payload_of(FrameKind::Plain, &[(&stream, &stream)]);
    let (_out, target) = empty_dir();
    let options = UnpackOptions::default();
    unpack(&payload, &index, &table, &target, &options, &Silent).unwrap();
    for (name, contents) in [("NAME", b"1"), ("Name", b"2"), ("name", b"3")] {
        assert_eq!(target.read_bounded(name, 9).unwrap(), contents);
    }
}

/// Swaps a directory for a link that leads out, as soon as the first frame is done.
///
/// In one step: other threads look the directory up meanwhile, and find one or the other.
struct Swapper<'a> {
    tree: &'a Path,
    outside: &'a Path,
    once: std::sync::Once,
}

impl crate::progress::Progress for Swapper<'_> {
    fn begin(&self, _name: &str, _total: u64) {}

    fn advance(&self, _bytes: u64) {
        self.once.call_once(|| {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            let (a, moved) = (self.tree.join("a"), self.tree.join("moved"));
            std::os::unix::fs::symlink(self.outside, &moved).unwrap();
            renameat_with(CWD, &a, CWD, &moved, RenameFlags::EXCHANGE).unwrap();
        });
    }
}

#[test]
fn c08_a_directory_swapped_for_a_link_meanwhile_is_not_followed() {
    let mut entries = vec![super::table::entry("a", FileKind::Directory)];
    let names: Vec<_> = (0..50).map(|n| format!("a/{n:02}")).collect();
    entries.extend(names.iter().map(|name| file_of(name, b"x")));
    let table = FileTable::new(entries).unwrap();
    let stream = stream_of(&table, &[b"x" as &[u8]; 50]);
    let frames: Vec<_> = stream.chunks(1024).map(|part| (part, part)).collect();
    let (payload, index) = payload_of(FrameKind::Plain, &frames);
    let outside = tempfile::tempdir().unwrap();
    let (home, target) = empty_dir();
    let swapper = Swapper {
        tree: home.path(),
        outside: outside.path(),
        once: std::sync::Once::new(),
    };
    let options = UnpackOptions::default();
    let error = unpack(&payload, &index, &table, &target, &options, &swapper).unwrap_err();
    assert_eq!(error.code(), "E_UNSAFE_PATH", "{error}");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_stop_or_a_failure_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let tree = make(home.path());
    let (payload, BuiltTree { table, index, .. }) = build(&tree, &TreeOptions::default());
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("new");
    let left = || std::fs::read_dir(out.path()).unwrap().count();
    for after in [0, 1, 1 << 20, 5 << 20, table.stream_length()] {
        let stopper = Stopper::after(after);
        let options = faithful();
        let error = unpack_new(&payload, &index, &table, &path, &options, &stopper).unwrap_err();
        assert_eq!(error.code(), "E_CANCELLED");
        assert_eq!(left(), 0, "after {after}");
    }
    for frame in 0..index.frames().len() {
        let sizes = index.frames()[..=frame]
            .iter()
            .map(|f| f.stored_size as usize);
        let mut bad = payload.clone();
        let at = sizes.sum::<usize>() - 1;
        bad[at] ^= 1;
        let options = faithful();
        let error = unpack_new(&bad, &index, &table, &path, &options, &Silent).unwrap_err();
        assert_eq!(error.code(), "E_HASH_MISMATCH");
        assert!(
            error.to_string().starts_with(&format!("frame {frame}: ")),
            "{error}"
        );
        assert_eq!(left(), 0);
    }
    unpack_new(&payload, &index, &table, &path, &faithful(), &Silent).unwrap();
    assert_eq!(facts(&Dir::open(&path).unwrap()), facts(&tree));
    let again = unpack_new(&payload, &index, &table, &path, &faithful(), &Silent);
    assert_eq!(again.unwrap_err().code(), "E_EXISTS");
    assert_eq!(left(), 1);
}

#[test]
fn single_files_come_out_of_few_frames() {
    let home = tempfile::tempdir().unwrap();
    let tree = make(home.path());
    let (payload, BuiltTree { table, index, .. }) = build(&tree, &TreeOptions::default());
    let expected = facts(&tree);
    // Everything but the frames that are needed is damaged.
    let alone = |path: &str, also: &[&str]| {
        let number = table.find(path.as_bytes()).unwrap();
        let unit = crate::payload::stream::unit(&table, number);
        let (mut bad, mut plain, mut stored) = (payload.clone(), 0, 0);
        for frame in index.frames() {
            let end = plain + u64::from(frame.plain_size);
            if end <= unit.start || unit.end <= plain {
                bad[stored] ^= 1;
            }
            (plain, stored) = (end, stored + frame.stored_size as usize);
        }
        let (_out, target) = empty_dir();
        let paths = [PathBuf::from(path)];
        let options = faithful();
        unpack_only(&bad, &index, &table, &paths, &target, &options, &Silent).unwrap();
        let found = facts(&target);
        let names: Vec<_> = found.keys().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(names, also);
        let contents = |fact: &str| fact.rsplit(' ').next().unwrap().to_owned();
        for (path, fact) in &found {
            assert_eq!(
                contents(fact),
                contents(&expected[path]),
                "{}",
                path.display()
            );
        }
    };
    alone("small", &["small"]);
    alone("empty", &["empty"]);
    alone(
        "sub/deep/many frames",
        &["sub", "sub/deep", "sub/deep/many frames"],
    );
    alone("z/text", &["z", "z/text"]);
    alone("sub/noted", &["sub", "sub/noted"]);
    alone("sub/dangling", &["sub", "sub/dangling"]);
}

#[test]
fn a_link_to_a_file_left_out_becomes_the_file() {
    let (home, tree) = empty_dir();
    write(&tree, OsStr::new("a"), b"contents", 0o640);
    tree.create_hard_link("a", "b").unwrap();
    tree.create_hard_link("a", "c").unwrap();
    set_times(&tree);
    let (payload, BuiltTree { table, index, .. }) = build(&tree, &plain());
    let (_out, target) = empty_dir();
    let paths = ["b", "c"].map(PathBuf::from);
    let options = faithful();
    unpack_only(&payload, &index, &table, &paths, &target, &options, &Silent).unwrap();
    let names: Vec<_> = target
        .entries()
        .unwrap()
        .into_iter()
        .map(|e| e.name)
        .collect();
    assert_eq!(names, ["b", "c"]);
    let status = target.status_of("b").unwrap();
    assert_eq!((status.links, status.mode), (2, 0o640));
    assert_eq!(status.mtime, tree.status_of("a").unwrap().mtime);
    assert_eq!(target.read_bounded("c", 99).unwrap(), b"contents");
    let missing = [PathBuf::from("nothing")];
    let (_out, target) = empty_dir();
    let error = unpack_only(
        &payload, &index, &table, &missing, &target, &options, &Silent,
    );
    assert_eq!(error.unwrap_err().code(), "E_NOT_FOUND");
    drop(home);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_tree_comes_out_as_it_went_in(
        files in proptest::collection::vec(
            (proptest::collection::vec(1_u8..=255, 1..40), 0_usize..3_000_000, any::<u64>()),
            0..12,
        ),
        level in 0..4,
        threads in 1_usize..5,
    ) {
        use std::os::unix::ffi::OsStrExt as _;
        let (_home, tree) = empty_dir();
        for (name, length, seed) in files {
            let name: Vec<u8> = name.into_iter().map(|b| if b == b'/' { b'_' } else { b }).collect();
            if [&b"."[..], b"..", b"d1", b"d2"].contains(&&*name) {
                continue;
            }
            let name = OsStr::from_bytes(&name);
            // Half of the files small, and the place of each chosen by its seed.
            let length = if seed % 2 == 0 { length % 2000 } else { length };
            let place = Path::new(["", "d1", "d1/d2"][(seed % 3) as usize]);
            for directory in ["d1", "d1/d2"] {
                if place.starts_with(directory) && tree.kind_of(directory).unwrap().is_none() {
                    tree.create_dir(directory, 0o750).unwrap();
                }
            }
            if tree.kind_of(place.join(name)).unwrap().is_none() {
                write(&tree, place.join(name).as_os_str(), &noise(length, seed), 0o640);
            }
        }
        let compression = match level {
            0 => Compression::None,
            level => Compression::Zstd(level),
        };
        let threads = NonZeroUsize::new(threads);
        let options = TreeOptions { compression, threads, nanoseconds: true, ..TreeOptions::default() };
        let (payload, BuiltTree { table, index, .. }) = build(&tree, &options);
        let (_out, target) = empty_dir();
        let options = UnpackOptions { threads, ..faithful() };
        unpack(&payload, &index, &table, &target, &options, &Silent).unwrap();
        prop_assert_eq!(facts(&target), facts(&tree));
    }
}
