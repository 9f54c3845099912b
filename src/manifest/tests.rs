//! Tests of both directions of the codec.

use jiff::Timestamp;
use proptest::prelude::*;

use super::tags::{self, Tag};
use super::*;
use crate::digest::Sha256Digest;
use crate::limits;
use crate::release::PackageType;

fn region(kind: RegionKind, name: &str, size: u64) -> Region {
    Region {
        kind,
        name: name.to_owned(),
        media_type: String::new(),
        size,
        sha256: Sha256Digest::of(name.as_bytes()),
        chunks: vec![Sha256Digest::of(b"chunk"); size.div_ceil(limits::CHUNK_SIZE) as usize],
        unknown: Vec::new(),
    }
}

fn smallest() -> Manifest {
    Manifest {
        read_version: 1,
        write_version: 1,
        package_type: PackageType::Generic,
        name: "tiny".to_owned(),
        version: "1.0".parse().unwrap(),
        build: String::new(),
        description: String::new(),
        product: String::new(),
        architecture: String::new(),
        branch: String::new(),
        created: Timestamp::from_second(1_700_000_000).unwrap(),
        release_counter: 0,
        source_versions: "*".parse().unwrap(),
        requires: Vec::new(),
        conflicts: Vec::new(),
        obsoletes: Vec::new(),
        restart: Restart::None,
        rollback: true,
        services: Vec::new(),
        free_space: 0,
        minutes: 0,
        regions: vec![region(RegionKind::Payload, "tiny", 3)],
        unknown: Vec::new(),
    }
}

fn fullest() -> Manifest {
    let dependency = |name: &str, versions: &str| Dependency {
        name: name.to_owned(),
        versions: versions.parse().unwrap(),
    };
    Manifest {
        package_type: PackageType::Patch,
        build: "2797".to_owned(),
        description: "Everything at once \u{2014} \u{4e2d}\u{6587}".to_owned(),
        product: "onefs".to_owned(),
        architecture: "x86_64".to_owned(),
        branch: "B_MAIN".to_owned(),
        release_counter: 7,
        source_versions: ">=9.4, <10".parse().unwrap(),
        requires: vec![dependency("base", ">=1"), dependency("any", "*")],
        conflicts: vec![dependency("other", "=2")],
        obsoletes: vec![dependency("old", "<3")],
        restart: Restart::Service,
        rollback: false,
        services: vec!["smb".to_owned(), "nfs".to_owned()],
        free_space: 1 << 40,
        minutes: 15,
        regions: vec![
            region(RegionKind::Payload, "payload", limits::CHUNK_SIZE + 1),
            region(RegionKind::Readme, "README", 10),
            region(RegionKind::FileTable, "file-table", 10),
            region(RegionKind::PayloadIndex, "payload-index", 0),
            region(RegionKind::Unknown(999), "later", 1),
        ],
        unknown: vec![
            UnknownField {
                number: 21,
                value: b"kept".to_vec(),
            },
            UnknownField {
                number: 500,
                value: Vec::new(),
            },
        ],
        ..smallest()
    }
}

fn code(bytes: &[u8]) -> &'static str {
    decode(bytes).unwrap_err().code()
}

/// The fields of an encoded block, to be changed and put together again.
fn split(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut fields = Vec::new();
    while let Some((header, rest)) = bytes.split_first_chunk::<6>() {
        let tag = u16::from_le_bytes([header[0], header[1]]);
        let length = u32::from_le_bytes([header[2], header[3], header[4], header[5]]) as usize;
        fields.push((tag, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    fields
}

fn join(fields: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tag, value) in fields {
        bytes.extend(tag.to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
        bytes.extend(value);
    }
    bytes
}

/// The fullest manifest with one field set to `value`, removed, or added in its place.
fn with(tag: Tag, value: Option<&[u8]>) -> Vec<u8> {
    let mut fields = split(&encode(&fullest()).unwrap());
    fields.retain(|(stored, _)| *stored != tag.stored());
    if let Some(value) = value {
        fields.push((tag.stored(), value.to_vec()));
        fields.sort_by_key(|(stored, _)| stored & !tags::CRITICAL);
    }
    join(&fields)
}

#[test]
fn both_directions_agree() {
    for manifest in [smallest(), fullest()] {
        let bytes = encode(&manifest).unwrap();
        assert_eq!(decode(&bytes).unwrap(), manifest);
    }
}

#[test]
fn every_truncation_and_every_flip_is_refused_or_means_something_else() {
    let manifest = fullest();
    let good = encode(&manifest).unwrap();
    for length in 0..good.len() {
        // Without its last, unknown field it is another whole manifest.
        assert!(
            decode(&good[..length]).map_or(true, |found| found != manifest),
            "{length}"
        );
    }
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(
            decode(&bad).map_or(true, |found| found != manifest),
            "bit {bit}"
        );
    }
}

#[test]
fn required_fields_are_missed() {
    for tag in [
        tags::FORMAT,
        tags::TYPE,
        tags::NAME,
        tags::VERSION,
        tags::CREATED,
        tags::RESTART,
        tags::ROLLBACK,
        tags::REGIONS,
    ] {
        let error = decode(&with(tag, None)).unwrap_err();
        assert_eq!(
            (error.code(), error.field),
            ("E_MANIFEST_MISSING", tag.name)
        );
    }
}

#[test]
fn each_rule_has_its_code() {
    let text = "E_MANIFEST_TEXT";
    let length = "E_MANIFEST_LENGTH";
    let value = "E_MANIFEST_VALUE";
    let canonical = "E_MANIFEST_CANONICAL";
    let long = [b'x'; 1025];
    let cases: &[(Tag, &[u8], &str)] = &[
        (tags::FORMAT, &[1, 0, 1], length),
        (tags::FORMAT, &[1, 0, 1, 0, 0], length),
        (tags::TYPE, &[0], value),
        (tags::TYPE, &[6], value),
        (tags::TYPE, &[1, 0], length),
        (tags::NAME, b"", text),
        (tags::NAME, b"a/b", text),
        (tags::NAME, b"..", text),
        (tags::NAME, b"\x1b[2J", text),
        (tags::NAME, &[0xff], text),
        (tags::VERSION, b"v1", value),
        (tags::VERSION, b"01", value),
        (tags::BUILD, b"", text),
        (tags::DESCRIPTION, &long, text),
        (tags::DESCRIPTION, "a\u{202e}b".as_bytes(), text),
        (tags::CREATED, &[0xff; 8], value),
        (tags::CREATED, &[0; 4], length),
        (tags::RELEASE_COUNTER, &[0; 8], canonical),
        (tags::SOURCE_VERSIONS, b"*", canonical),
        (tags::SOURCE_VERSIONS, b">=9.4,<10", canonical),
        (tags::SOURCE_VERSIONS, b"9", value),
        (tags::REQUIRES, b"", canonical),
        (tags::REQUIRES, &[1, 0, 0, 0], "E_MANIFEST_TRUNCATED"),
        (tags::RESTART, &[3], value),
        (tags::ROLLBACK, &[2], value),
        (tags::SERVICES, &[0, 0, 0, 0], text),
        (tags::FREE_SPACE, &[0; 8], canonical),
        (tags::MINUTES, &[1, 0], length),
        (tags::REGIONS, b"", "E_MANIFEST_REGIONS"),
        (tags::REGIONS, &[0xff; 4], "E_MANIFEST_TRUNCATED"),
        (tags::REGIONS, &[0; 4], "E_MANIFEST_MISSING"),
    ];
    for (tag, bytes, expected) in cases {
        assert_eq!(
            code(&with(*tag, Some(bytes))),
            *expected,
            "{} {bytes:x?}",
            tag.name
        );
    }
}

#[test]
fn order_and_critical_bits_are_exact() {
    let good = split(&encode(&fullest()).unwrap());
    let mut swapped = good.clone();
    swapped.swap(2, 3);
    assert_eq!(code(&join(&swapped)), "E_MANIFEST_ORDER");
    let mut twice = good.clone();
    twice.insert(3, good[2].clone());
    assert_eq!(code(&join(&twice)), "E_MANIFEST_ORDER");
    for index in 0..good.len() {
        let mut flipped = good.clone();
        flipped[index].0 ^= tags::CRITICAL;
        assert_eq!(
            code(&join(&flipped)),
            "E_MANIFEST_CRITICAL",
            "{:x}",
            good[index].0
        );
    }
    assert_eq!(code(&[0, 0, 0, 0, 0, 0]), "E_MANIFEST_CRITICAL");
}

#[test]
fn regions_keep_their_rules() {
    let refused = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = fullest();
        change(&mut manifest);
        let error = encode(&manifest).unwrap_err();
        error.code()
    };
    let regions = "E_MANIFEST_REGIONS";
    assert_eq!(refused(&|m| m.regions.clear()), regions);
    assert_eq!(refused(&|m| m.regions.swap(0, 1)), regions);
    assert_eq!(refused(&|m| m.regions.swap(1, 2)), regions);
    assert_eq!(
        refused(&|m| m.regions[2].name = "README".to_owned()),
        regions
    );
    assert_eq!(refused(&|m| drop(m.regions.remove(3))), regions);
    assert_eq!(
        refused(&|m| m.regions[4] = region(RegionKind::FileTable, "second", 1)),
        regions
    );
    assert_eq!(
        refused(&|m| m.regions[0].chunks.push(Sha256Digest::of(b""))),
        "E_MANIFEST_CHUNKS"
    );
    assert_eq!(
        refused(&|m| m.regions[3].chunks.push(Sha256Digest::of(b""))),
        "E_MANIFEST_CHUNKS"
    );
    assert_eq!(
        refused(&|m| m.regions[1] = region(RegionKind::Readme, "README", (1 << 20) + 1)),
        "E_MANIFEST_LIMIT"
    );
    assert_eq!(
        refused(&|m| m.regions[4].size = 1 << 32),
        "E_MANIFEST_LIMIT"
    );
    assert_eq!(
        refused(&|m| m.services = vec!["s".to_owned(); 257]),
        "E_MANIFEST_LIMIT"
    );
    let mut at_limit = fullest();
    at_limit.regions[1] = region(RegionKind::Readme, "README", 1 << 20);
    at_limit.services = (0..256).map(|index| format!("s{index}")).collect();
    assert!(encode(&at_limit).is_ok());
}

#[test]
fn kinds_this_version_does_not_know_are_kept_unless_they_are_critical() {
    assert_eq!(RegionKind::from_code(13), Some(RegionKind::Unknown(13)));
    assert_eq!(RegionKind::from_code(0x8000), None);
    assert_eq!(RegionKind::from_code(0), None);
    for kind in RegionKind::KNOWN {
        assert_eq!(RegionKind::from_code(kind.code()), Some(kind));
        assert_eq!(kind.name().parse(), Ok(kind));
    }
}

#[test]
fn c11_a_count_that_claims_more_than_there_is_costs_nothing() {
    let mut fields = split(&encode(&smallest()).unwrap());
    let last = fields.len() - 1;
    fields[last].1 = vec![0xff; 64];
    assert_eq!(code(&join(&fields)), "E_MANIFEST_TRUNCATED");
    let mut bytes = tags::FORMAT.stored().to_le_bytes().to_vec();
    bytes.extend(u32::MAX.to_le_bytes());
    assert_eq!(code(&bytes), "E_MANIFEST_TRUNCATED");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_never_decode_to_other_bytes(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        place in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        drop(decode(&bytes));
        bytes = encode(&fullest()).unwrap();
        let place = place.index(bytes.len());
        bytes[place] = value;
        if let Ok(manifest) = decode(&bytes) {
            prop_assert_eq!(encode(&manifest).unwrap(), bytes);
        }
    }

    #[test]
    fn any_manifest_survives(
        name in "[a-zA-Z0-9_.()-]{1,40}x",
        description in "[a-z][ -~]{0,80}x",
        counter in any::<u64>(),
        seconds in 0_i64..200_000_000_000,
        free_space in any::<u64>(),
        minutes in any::<u32>(),
        size in 0_u64..(40 << 20),
    ) {
        let manifest = Manifest {
            name, description, release_counter: counter, free_space, minutes,
            created: Timestamp::from_second(seconds).unwrap(),
            regions: vec![region(RegionKind::Payload, "p", size)],
            ..fullest()
        };
        let bytes = encode(&manifest).unwrap();
        prop_assert_eq!(decode(&bytes).unwrap(), manifest);
    }
}
