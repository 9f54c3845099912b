//! The file table and its encoding.

use proptest::prelude::*;

use crate::digest::Sha256Digest;
use crate::payload::limits::{
    MAX_DEVICE_NUMBER, MAX_ENTRIES, MAX_PATH_LENGTH, MAX_STREAM_LENGTH, MAX_XATTR_NAME_LENGTH,
    MAX_XATTR_VALUE_LENGTH, MAX_XATTRS, MAX_XATTRS_LENGTH,
};
use crate::payload::{
    DeviceNumber, EntryPath, FileEntry, FileKind, FileTable, Mtime, NameRule, PayloadError, Xattr,
    file_table_layout as layout,
};

pub(super) fn entry(path: &str, kind: FileKind) -> FileEntry {
    let mode = match kind {
        FileKind::Symlink { .. } => 0o777,
        FileKind::Directory => 0o755,
        _ => 0o644,
    };
    FileEntry {
        path: EntryPath::new(path.as_bytes()).unwrap(),
        kind,
        mode,
        uid: 0,
        gid: 0,
        mtime: Mtime::default(),
        xattrs: Vec::new(),
    }
}

pub(super) fn file(path: &str, size: u64) -> FileEntry {
    let sha256 = Sha256Digest::of(path.as_bytes());
    entry(path, FileKind::Regular { size, sha256 })
}

fn symlink(path: &str, target: &str) -> FileEntry {
    let target = target.into();
    entry(path, FileKind::Symlink { target })
}

fn hard_link(path: &str, target: &str) -> FileEntry {
    let target = EntryPath::new(target.as_bytes()).unwrap();
    entry(path, FileKind::HardLink { target })
}

fn xattr(name: &str, length: usize) -> Xattr {
    Xattr {
        name: name.into(),
        value: vec![7; length],
    }
}

/// One entry of each kind.
fn everything() -> Vec<FileEntry> {
    let number = DeviceNumber { major: 8, minor: 1 };
    let mut noted = file("d/noted", 3);
    noted.xattrs = vec![xattr("user.a", 0), xattr("user.b", 5)];
    noted.mtime = Mtime {
        seconds: -1,
        nanoseconds: 5,
    };
    vec![
        entry("b", FileKind::BlockDevice(number)),
        entry("c", FileKind::CharacterDevice(number)),
        entry("d", FileKind::Directory),
        file("d/file", 1000),
        hard_link("d/hard", "d/file"),
        noted,
        entry("f", FileKind::Fifo),
        symlink("l", "../d"),
    ]
}

fn refusal(entries: Vec<FileEntry>) -> PayloadError {
    FileTable::new(entries).unwrap_err()
}

#[test]
fn the_fields_are_those_of_the_specification() {
    let text = include_str!("../../../format-spec/file-table.md");
    super::assert_fields(text, "file-table-header", layout::HEADER);
    super::assert_fields(text, "file-table-entry", layout::ENTRY);
    super::assert_fields(text, "file-table-attribute", layout::XATTR);
}

#[test]
fn what_is_written_is_read_back() {
    for entries in [Vec::new(), everything()] {
        let table = FileTable::new(entries).unwrap();
        assert_eq!(FileTable::decode(&table.encode()).unwrap(), table);
    }
}

#[test]
fn contents_stand_behind_their_headers() {
    let table = FileTable::new(everything()).unwrap();
    // Three headers of one block each before it.
    let number = table.find(b"d/file").unwrap();
    assert_eq!(
        (table.places()[number].headers, table.places()[number].data),
        (1536, 2048)
    );
    assert_eq!(table.find(b"d/hard"), Some(number + 1));
    assert_eq!(table.places()[number + 1].headers, 2048 + 1024);
    assert_eq!(table.stream_length() % 512, 0);
}

#[test]
fn c14_every_flipped_bit_is_refused_or_seen() {
    let table = FileTable::new(everything()).unwrap();
    let good = table.encode();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = FileTable::decode(&bad) {
            assert_ne!(other, table, "bit {bit}");
            assert_eq!(other.encode(), bad, "bit {bit}");
        }
    }
}

#[test]
fn c14_every_other_length_is_refused() {
    let good = FileTable::new(everything()).unwrap().encode();
    for length in 0..good.len() {
        let error = FileTable::decode(&good[..length]).unwrap_err();
        assert_eq!(error.code(), "E_FILE_TABLE", "{length}: {error}");
    }
    let mut long = good.clone();
    long.push(0);
    let error = FileTable::decode(&long).unwrap_err();
    assert_eq!(error.code(), "E_FILE_TABLE");
}

#[test]
fn every_refusal_names_its_place() {
    type Damage = fn(&mut Vec<u8>);
    // The one entry begins at byte 32: a file named "f" of 5 bytes.
    let cases: [(Damage, &str); 14] = [
        (
            |b| b[0] = b'X',
            "byte 0, magic: expected ISI-FTAB, found XSI-FTAB",
        ),
        (|b| b[8] = 2, "byte 8, version: expected 1, found 2"),
        (|b| b[12] = 1, "byte 12, reserved: expected 0, found 1"),
        (
            |b| b[16] = 2,
            "byte 16, entry count: expected at most 1 in 89 bytes, found 2",
        ),
        (
            |b| b[24] = 1,
            "byte 24, stream length: expected 2048, found 2049",
        ),
        (
            |b| b[32] = 2,
            "byte 120, path: expected 2 bytes, found 1 bytes",
        ),
        (|b| b[38] = 9, "byte 38, type: expected 1 to 7, found 9"),
        (|b| b[39] = 1, "byte 39, reserved: expected 0, found 1"),
        (
            |b| b[41] = 0x20,
            "byte 40, mode: expected at most 7777 (octal), found 20244",
        ),
        (
            |b| b[44..48].fill(255),
            "byte 44, uid: expected at most 4294967294, found 4294967295",
        ),
        (
            |b| b[52..56].copy_from_slice(&1_000_000_000_u32.to_le_bytes()),
            "byte 52, mtime nanoseconds: expected at most 999999999, found 1000000000",
        ),
        (|b| b[73] = 0, "byte 72, data offset: expected 512, found 0"),
        (
            |b| b[80] = 1,
            "byte 80, device major: expected zeros for this type, found 01000000",
        ),
        (
            |b| b.push(7),
            "byte 121, end: expected the end of the table, found 1 more bytes",
        ),
    ];
    for (damage, message) in cases {
        let mut bytes = FileTable::new(vec![file("f", 5)]).unwrap().encode();
        damage(&mut bytes);
        let error = FileTable::decode(&bytes).unwrap_err();
        assert_eq!(error.to_string(), format!("file table, {message}"));
        assert_eq!(error.code(), "E_FILE_TABLE");
    }
}

#[test]
fn entries_stand_in_the_order_of_a_walk() {
    let error = refusal(vec![file("b", 0), file("a", 0)]);
    assert_eq!(
        error.to_string(),
        "file table, byte 209, path: expected a path after \"b\", found \"a\""
    );
    let directory = || entry("a", FileKind::Directory);
    assert!(FileTable::new(vec![directory(), file("a/b", 0), file("a-b", 0)]).is_ok());
    let error = refusal(vec![directory(), file("a-b", 0), file("a/b", 0)]);
    assert_eq!(error.code(), "E_FILE_TABLE");
}

#[test]
fn c08_a_name_is_used_once_and_stands_below_a_directory() {
    let cases = [
        (vec![file("a", 0), file("a", 0)], NameRule::Duplicate),
        (vec![file("a/b", 0)], NameRule::NotBelowDirectory),
        (
            vec![file("a", 0), file("a/b", 0)],
            NameRule::NotBelowDirectory,
        ),
        (
            vec![symlink("a", "/etc"), file("a/b", 0)],
            NameRule::NotBelowDirectory,
        ),
        (
            vec![
                entry("a", FileKind::Directory),
                file("a/b", 0),
                file("a/b/c", 0),
            ],
            NameRule::NotBelowDirectory,
        ),
    ];
    for (entries, expected) in cases {
        let error = refusal(entries);
        assert_eq!(error.code(), "E_NAME");
        assert!(
            matches!(error, PayloadError::Name { rule, .. } if rule == expected),
            "{error}"
        );
    }
}

#[test]
fn c08_a_hard_link_leads_to_a_file_listed_before() {
    let cases = [
        vec![hard_link("l", "nothing")],
        vec![hard_link("a", "z"), file("z", 0)],
        vec![entry("d", FileKind::Directory), hard_link("l", "d")],
        vec![symlink("a", "/etc/passwd"), hard_link("l", "a")],
        vec![file("a", 0), hard_link("b", "a"), hard_link("c", "b")],
        vec![hard_link("l", "l")],
    ];
    for entries in cases {
        let error = refusal(entries);
        let rule = NameRule::NoSuchFile;
        assert!(
            matches!(error, PayloadError::Name { rule: r, .. } if r == rule),
            "{error}"
        );
    }
    let bad: [&[u8]; 4] = [b"../../etc/passwd", b"/etc/passwd", b"a/..", b""];
    for target in bad {
        let mut bytes = FileTable::new(vec![file("a", 0), hard_link("b", "a")])
            .unwrap()
            .encode();
        bytes.truncate(bytes.len() - 1);
        bytes.extend_from_slice(target);
        let at = 32 + 89 + 2;
        bytes[at..at + 2].copy_from_slice(&u16::try_from(target.len()).unwrap().to_le_bytes());
        let error = FileTable::decode(&bytes).unwrap_err();
        assert_eq!(error.code(), "E_NAME");
    }
}

#[test]
fn both_names_of_a_file_say_the_same_about_it() {
    type Change = fn(&mut FileEntry);
    let changes: [Change; 6] = [
        |e| e.mode = 0o600,
        |e| e.uid = 1,
        |e| e.gid = 1,
        |e| e.mtime.seconds = 1,
        |e| e.mtime.nanoseconds = 1,
        |e| e.xattrs = vec![xattr("user.a", 1)],
    ];
    for change in changes {
        let mut link = hard_link("b", "a");
        change(&mut link);
        assert_eq!(refusal(vec![file("a", 0), link]).code(), "E_FILE_TABLE");
    }
}

#[test]
fn a_link_has_a_target_and_nothing_else_has() {
    assert_eq!(refusal(vec![symlink("l", "")]).code(), "E_NAME");
    assert_eq!(refusal(vec![symlink("l", "a\0b")]).code(), "E_NAME");
    let fits = "t".repeat(MAX_PATH_LENGTH);
    assert!(FileTable::new(vec![symlink("l", &fits)]).is_ok());
    assert_eq!(
        refusal(vec![symlink("l", &format!("{fits}t"))]).code(),
        "E_NAME"
    );
    let mut link = symlink("l", "x");
    link.mode = 0o644;
    assert_eq!(refusal(vec![link]).code(), "E_FILE_TABLE");
    // The same record as a file: its target is one byte too many.
    let mut bytes = FileTable::new(vec![symlink("l", "x")]).unwrap().encode();
    bytes[38] = 1;
    let error = FileTable::decode(&bytes).unwrap_err();
    assert!(
        error.to_string().contains("target length: expected zeros"),
        "{error}"
    );
}

#[test]
fn c11_counts_reserve_nothing_that_the_input_does_not_hold() {
    let mut bytes = FileTable::new(vec![file("f", 5)]).unwrap().encode();
    let cases = [
        (MAX_ENTRIES, "E_FILE_TABLE"),
        (MAX_ENTRIES + 1, "E_TOO_LARGE"),
        (1_000_000_000, "E_TOO_LARGE"),
        (u64::MAX, "E_TOO_LARGE"),
    ];
    for (count, code) in cases {
        bytes[16..24].copy_from_slice(&count.to_le_bytes());
        assert_eq!(
            FileTable::decode(&bytes).unwrap_err().code(),
            code,
            "{count}"
        );
    }
}

#[test]
fn c11_attributes_at_their_limits_are_accepted_and_one_more_is_not() {
    let with = |xattrs| {
        let mut noted = file("f", 0);
        noted.xattrs = xattrs;
        FileTable::new(vec![noted]).map(|table| {
            assert_eq!(FileTable::decode(&table.encode()).unwrap(), table);
        })
    };
    let numbered = |count: usize| {
        (0..count)
            .map(|n| xattr(&format!("user.{n:05}"), 0))
            .collect()
    };
    let named = |length| vec![xattr(&"n".repeat(length), 0)];
    let whole = |last: usize| {
        let full = MAX_XATTR_VALUE_LENGTH;
        let mut xattrs: Vec<_> = ["a", "b", "c"].map(|name| xattr(name, full)).into();
        xattrs.push(xattr("d", last));
        xattrs
    };
    let left = MAX_XATTRS_LENGTH - 3 * MAX_XATTR_VALUE_LENGTH - 4;
    let cases = [
        (numbered(MAX_XATTRS), numbered(MAX_XATTRS + 1)),
        (
            named(MAX_XATTR_NAME_LENGTH),
            named(MAX_XATTR_NAME_LENGTH + 1),
        ),
        (
            vec![xattr("a", MAX_XATTR_VALUE_LENGTH)],
            vec![xattr("a", MAX_XATTR_VALUE_LENGTH + 1)],
        ),
        (whole(left), whole(left + 1)),
    ];
    for (fits, exceeds) in cases {
        with(fits).unwrap();
        assert_eq!(with(exceeds).unwrap_err().code(), "E_TOO_LARGE");
    }
    let bad = [
        vec![xattr("", 1)],
        vec![xattr("a\0", 1)],
        vec![xattr("a", 1), xattr("a", 1)],
        vec![xattr("b", 1), xattr("a", 1)],
    ];
    for xattrs in bad {
        assert_eq!(with(xattrs).unwrap_err().code(), "E_FILE_TABLE");
    }
}

#[test]
fn c11_sizes_at_their_limits_are_accepted_and_one_more_is_not() {
    // Sizes from 8 GiB on need a PAX header of two blocks before the header of one.
    let most = MAX_STREAM_LENGTH - 3 * 512 - 1024;
    let table = FileTable::new(vec![file("f", most)]).unwrap();
    assert_eq!(table.stream_length(), MAX_STREAM_LENGTH);
    assert_eq!(FileTable::decode(&table.encode()).unwrap(), table);
    for size in [most + 1, u64::MAX - 512, u64::MAX] {
        assert_eq!(
            refusal(vec![file("f", size)]).code(),
            "E_TOO_LARGE",
            "{size}"
        );
    }
    // Around the places where 32-bit arithmetic would go wrong.
    for power in [31, 32] {
        for size in [(1 << power) - 1, 1 << power, (1 << power) + 1] {
            let table = FileTable::new(vec![file("a", size), file("b", 1)]).unwrap();
            assert_eq!(table.places()[1].headers, 512 + size.next_multiple_of(512));
        }
    }
    let device = |major, minor| entry("d", FileKind::BlockDevice(DeviceNumber { major, minor }));
    let most = MAX_DEVICE_NUMBER;
    assert!(FileTable::new(vec![device(most, most)]).is_ok());
    assert_eq!(refusal(vec![device(most + 1, 0)]).code(), "E_FILE_TABLE");
    assert_eq!(refusal(vec![device(0, most + 1)]).code(), "E_FILE_TABLE");
}

fn any_kind() -> impl Strategy<Value = FileKind> {
    let number = (0..=MAX_DEVICE_NUMBER, 0..=MAX_DEVICE_NUMBER)
        .prop_map(|(major, minor)| DeviceNumber { major, minor });
    prop_oneof![
        (0..1_u64 << 36, any::<[u8; 32]>()).prop_map(|(size, sha256)| FileKind::Regular {
            size,
            sha256: Sha256Digest::from_bytes(sha256)
        }),
        Just(FileKind::Directory),
        "[a-z/.]{1,300}".prop_map(|target| FileKind::Symlink {
            target: target.into()
        }),
        Just(FileKind::Fifo),
        number.clone().prop_map(FileKind::CharacterDevice),
        number.prop_map(FileKind::BlockDevice),
    ]
}

prop_compose! {
    fn any_entry()(
        path in proptest::collection::vec("[^\0/]{1,60}", 1..2),
        kind in any_kind(),
        mode in 0..=0o7777_u32,
        ids in (0..u32::MAX, 0..u32::MAX),
        seconds in any::<i64>(),
        nanoseconds in 0..1_000_000_000_u32,
        xattrs in proptest::collection::btree_map("user[.][a-z=%\n]{1,9}", any::<Vec<u8>>(), 0..4),
    ) -> FileEntry {
        let path = path.join("/");
        let path = if path == "." || path == ".." { "dots" } else { &path };
        let mut entry = entry(path, kind);
        if entry.mode != 0o777 {
            entry.mode = mode;
        }
        (entry.uid, entry.gid) = ids;
        entry.mtime = Mtime { seconds, nanoseconds };
        let xattrs = xattrs.into_iter();
        entry.xattrs = xattrs.map(|(name, value)| Xattr { name: name.into(), value }).collect();
        entry
    }
}

proptest! {
    #[test]
    fn any_table_survives_the_codec(entries in proptest::collection::vec(any_entry(), 0..20)) {
        let mut entries = entries;
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.dedup_by(|a, b| a.path == b.path);
        let table = FileTable::new(entries).unwrap();
        let bytes = table.encode();
        prop_assert_eq!(FileTable::decode(&bytes).unwrap(), table);
    }

    #[test]
    fn any_damage_is_refused_or_the_one_encoding(
        at in 0_usize..2000,
        bytes in proptest::collection::vec(any::<u8>(), 1..9),
        cut in any::<bool>(),
    ) {
        let mut bad = FileTable::new(everything()).unwrap().encode();
        let at = at % bad.len();
        let end = bad.len().min(at + bytes.len());
        bad.splice(at..if cut { end } else { at }, bytes);
        if let Ok(table) = FileTable::decode(&bad) {
            prop_assert_eq!(table.encode(), bad);
        }
    }
}

#[test]
fn the_example_of_the_specification_is_what_is_written() {
    let sha256 = Sha256Digest::of(b"hello");
    let entry = entry("f", FileKind::Regular { size: 5, sha256 });
    let bytes = FileTable::new(vec![entry]).unwrap().encode();
    let text = include_str!("../../../format-spec/file-table.md");
    super::assert_example(text, &bytes);
}
