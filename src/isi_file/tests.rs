//! Tests of reading and writing together: the container as bytes in memory and as sparse files.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use proptest::prelude::*;

use super::layout::{FOOTER, FOOTER_SIZE, section};
use super::*;
use crate::fsio::ReadAt;
use crate::limits;

/// A container with `regions` and three parts behind them.
fn container(regions: &[&[u8]], manifest: &[u8], signature: &[u8], timestamp: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, region) in regions.iter().enumerate() {
        if index > 0 {
            bytes.extend(section_header(section::REGION, region.len() as u32));
        }
        bytes.extend(*region);
    }
    let tail = seal(bytes.len() as u64, manifest, signature, timestamp).unwrap();
    bytes.extend(tail);
    bytes
}

fn small() -> Vec<u8> {
    container(&[b"payload", b"read me"], b"manifest", b"signature", b"")
}

fn sizes(regions: &[&[u8]]) -> Vec<u64> {
    regions.iter().map(|region| region.len() as u64).collect()
}

/// Parses like a reader that knows the sizes.
fn parse(bytes: &[u8], sizes: &[u64]) -> Result<(Envelope, Vec<Extent>), ParseError> {
    let envelope = Envelope::read(bytes)?;
    let extents = envelope.place(sizes)?;
    envelope.check_headers(bytes, &extents)?;
    Ok((envelope, extents))
}

/// Writes a footer field and makes the checksum right again, as a forger would.
fn forge(bytes: &mut [u8], field: &str, value: &[u8]) {
    let start = bytes.len() - FOOTER_SIZE;
    let fields = &mut bytes[start..];
    let place = FOOTER
        .iter()
        .find(|candidate| candidate.name == field)
        .unwrap();
    assert_eq!(place.size, value.len());
    fields[place.offset..place.offset + place.size].copy_from_slice(value);
    let crc = footer::crc32c(&fields[..layout::FOOTER_CRC_COVERS]);
    fields[144..148].copy_from_slice(&crc.to_le_bytes());
}

fn code_after(field: &str, value: &[u8]) -> &'static str {
    let mut bytes = small();
    forge(&mut bytes, field, value);
    parse(&bytes, &[7, 7]).unwrap_err().code()
}

#[test]
fn every_part_comes_back() {
    let (envelope, extents) = parse(&small(), &[7, 7]).unwrap();
    assert_eq!(envelope.manifest, b"manifest");
    assert_eq!(envelope.signature, b"signature");
    assert_eq!(envelope.timestamp, b"");
    assert_eq!(
        extents,
        [
            Extent {
                offset: 0,
                length: 7
            },
            Extent {
                offset: 15,
                length: 7
            }
        ]
    );
}

#[test]
fn c14_every_flip_and_every_truncation_of_the_parts_behind_the_regions_is_refused() {
    let good = small();
    for length in 0..good.len() {
        assert!(
            parse(&good[..length], &[7, 7]).is_err(),
            "truncated to {length}"
        );
    }
    // The regions' own bytes are the manifest's matter: from the first region header on, all is ours.
    for bit in (7 * 8..15 * 8).chain(22 * 8..good.len() * 8) {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(parse(&bad, &[7, 7]).is_err(), "bit {bit}");
    }
}

#[test]
fn c03_bytes_that_belong_to_no_part_are_refused() {
    let good = small();
    let mut after = good.clone();
    after.push(0);
    assert_eq!(parse(&after, &[7, 7]).unwrap_err().code(), "E_FORMAT_MAGIC");
    let mut before = vec![0];
    before.extend(&good);
    assert_eq!(
        parse(&before, &[7, 7]).unwrap_err().code(),
        "E_FORMAT_LENGTH"
    );
    let mut between = good;
    between.insert(7, 0);
    let length = between.len() as u64;
    forge(&mut between, "file_length", &length.to_le_bytes());
    assert_eq!(
        parse(&between, &[7, 7]).unwrap_err().code(),
        "E_FORMAT_TILING"
    );
    assert_eq!(
        parse(&between, &[8, 7])
            .map(drop)
            .map_err(|error| error.code()),
        Ok(())
    );
}

#[test]
fn c04_only_the_footer_at_the_end_counts() {
    let inner = small();
    let outer = container(&[&inner], b"outer manifest", b"", b"");
    let (envelope, _) = parse(&outer, &[inner.len() as u64]).unwrap();
    assert_eq!(envelope.manifest, b"outer manifest");
    assert_eq!(parse(&small(), &[7]).unwrap_err().code(), "E_FORMAT_TILING");
    assert_eq!(
        parse(&small(), &[6, 8]).unwrap_err().code(),
        "E_FORMAT_SECTION"
    );
}

#[test]
fn c02_sizes_that_overflow_are_refused() {
    for huge in [u64::MAX, u64::MAX - 7, 1 << 63, u64::from(u32::MAX) + 1] {
        for field in ["manifest_size", "signature_size", "timestamp_size"] {
            assert_eq!(
                code_after(field, &huge.to_le_bytes()),
                "E_FORMAT_SIZE",
                "{field} {huge}"
            );
        }
        assert_eq!(
            parse(&small(), &[huge, 7]).unwrap_err().code(),
            match huge {
                huge if huge > limits::MAX_FILE => "E_FORMAT_SIZE",
                _ => "E_FORMAT_TILING",
            }
        );
        assert_eq!(
            parse(&small(), &[7, huge]).unwrap_err().code(),
            "E_FORMAT_SIZE"
        );
    }
    let many = vec![limits::MAX_FILE; 3];
    assert_eq!(parse(&small(), &many).unwrap_err().code(), "E_FORMAT_SIZE");
}

#[test]
fn each_rule_of_the_footer_has_its_code() {
    assert_eq!(code_after("magic", &[0; 4]), "E_FORMAT_SECTION");
    assert_eq!(
        code_after("length", &147_u32.to_le_bytes()),
        "E_FORMAT_SECTION"
    );
    assert_eq!(
        code_after("read_version", &2_u16.to_le_bytes()),
        "E_FORMAT_READ_VERSION"
    );
    assert_eq!(
        code_after("read_version", &0_u16.to_le_bytes()),
        "E_FORMAT_READ_VERSION"
    );
    assert_eq!(
        code_after("write_version", &0_u16.to_le_bytes()),
        "E_FORMAT_WRITE_VERSION"
    );
    assert_eq!(code_after("flags", &1_u32.to_le_bytes()), "E_FORMAT_FLAGS");
    assert_eq!(
        code_after("file_length", &1_u64.to_le_bytes()),
        "E_FORMAT_LENGTH"
    );
    assert_eq!(
        code_after("manifest_size", &5_u64.to_le_bytes()),
        "E_FORMAT_SIZE"
    );
    assert_eq!(
        code_after("manifest_size", &4096_u64.to_le_bytes()),
        "E_FORMAT_TILING"
    );
    assert_eq!(
        code_after("manifest_size", &9_u64.to_le_bytes()),
        "E_FORMAT_SECTION"
    );
    assert_eq!(code_after("manifest_sha256", &[0; 32]), "E_FORMAT_DIGEST");
    assert_eq!(code_after("signature_sha256", &[0; 32]), "E_FORMAT_DIGEST");
    assert_eq!(code_after("timestamp_sha256", &[0; 32]), "E_FORMAT_DIGEST");
    let mut bytes = small();
    let crc = bytes.len() - 12;
    bytes[crc] ^= 1;
    assert_eq!(parse(&bytes, &[7, 7]).unwrap_err().code(), "E_FORMAT_CRC");
    assert_eq!(parse(b"", &[]).unwrap_err().code(), "E_FORMAT_SHORT");
    assert_eq!(parse(&small(), &[]).unwrap_err().code(), "E_FORMAT_REGIONS");
}

#[test]
fn a_newer_writer_is_readable() {
    let mut bytes = small();
    forge(&mut bytes, "write_version", &7_u16.to_le_bytes());
    assert_eq!(parse(&bytes, &[7, 7]).unwrap().0.footer.write_version, 7);
}

#[test]
fn an_error_says_where_and_what_to_do() {
    let mut bytes = small();
    forge(&mut bytes, "flags", &5_u32.to_le_bytes());
    let error = parse(&bytes, &[7, 7]).unwrap_err();
    let place = bytes.len() - FOOTER_SIZE + 12;
    let expected = format!(
        "not a valid package at byte {place} (flags): unknown flags 0x00000005, expected none"
    );
    assert_eq!(error.to_string(), expected);
    assert!(
        parse(&bytes[..50], &[7])
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("copied whole")
    );
}

#[test]
fn limits_hold_at_the_limit_and_not_beyond() {
    let fits = |manifest: u64, signature: u64, timestamp: u64| {
        let part = |size: u64| vec![0; size as usize];
        seal(0, &part(manifest), &part(signature), &part(timestamp)).is_ok_and(|tail| {
            parse(&tail, &[0]).map(drop).unwrap();
            true
        })
    };
    assert!(fits(
        limits::MAX_MANIFEST,
        limits::MAX_SIGNATURE,
        limits::MAX_TIMESTAMP
    ));
    assert!(!fits(limits::MAX_MANIFEST + 1, 0, 0));
    assert!(!fits(6, limits::MAX_SIGNATURE + 1, 0));
    assert!(!fits(6, 0, limits::MAX_TIMESTAMP + 1));
    let over = limits::MAX_SIGNATURE + 1;
    assert_eq!(
        code_after("signature_size", &over.to_le_bytes()),
        "E_FORMAT_SIZE"
    );
    let empty: &[u8] = b"";
    let at_limit = vec![empty; limits::MAX_REGIONS];
    let bytes = container(&at_limit, b"manifest", b"", b"");
    assert!(parse(&bytes, &sizes(&at_limit)).is_ok());
    let beyond = vec![0; limits::MAX_REGIONS + 1];
    assert_eq!(
        parse(&bytes, &beyond).unwrap_err().code(),
        "E_FORMAT_REGIONS"
    );
}

/// Counts reads and the bytes they ask for.
struct Counting<R> {
    inner: R,
    reads: AtomicUsize,
    bytes: AtomicU64,
}

impl<R: ReadAt> ReadAt for Counting<R> {
    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.inner.read_exact_at(buffer, offset)
    }
}

/// A sparse package with a payload of `size` zero bytes and a README.
fn sparse(size: u64) -> std::fs::File {
    let file = tempfile::tempfile().unwrap();
    let mut ending = section_header(section::REGION, 7).to_vec();
    ending.extend(b"read me");
    ending.extend(seal(size + 15, b"manifest", b"signature", b"token").unwrap());
    std::os::unix::fs::FileExt::write_all_at(&file, &ending, size).unwrap();
    file
}

#[test]
fn the_parts_of_100_gib_take_three_small_reads() {
    let input = Counting {
        inner: sparse(100 << 30),
        reads: AtomicUsize::new(0),
        bytes: AtomicU64::new(0),
    };
    let envelope = Envelope::read(&input).unwrap();
    let extents = envelope.place(&[100 << 30, 7]).unwrap();
    envelope.check_headers(&input, &extents).unwrap();
    assert_eq!(input.reads.into_inner(), 3);
    assert!(input.bytes.into_inner() < 4096);
}

#[test]
fn c02_sizes_around_2_and_4_gib_are_exact() {
    for size in [31, 32]
        .into_iter()
        .flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + 1])
    {
        let file = sparse(size);
        let envelope = Envelope::read(&file).unwrap();
        let extents = envelope.place(&[size, 7]).unwrap();
        envelope.check_headers(&file, &extents).unwrap();
        assert_eq!(envelope.regions_end, size + 15);
        for wrong in [
            size - 1,
            size + 1,
            size.wrapping_add(1 << 32),
            size & 0x7FFF_FFFF,
        ] {
            if wrong != size {
                assert_eq!(
                    envelope.place(&[wrong, 7]).unwrap_err().code(),
                    "E_FORMAT_TILING"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        regions in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..5),
        manifest in prop::collection::vec(any::<u8>(), 6..60),
        signature in prop::collection::vec(any::<u8>(), 0..60),
        timestamp in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let regions: Vec<&[u8]> = regions.iter().map(Vec::as_slice).collect();
        let bytes = container(&regions, &manifest, &signature, &timestamp);
        let (envelope, extents) = parse(&bytes, &sizes(&regions)).unwrap();
        prop_assert_eq!(envelope.manifest, manifest);
        prop_assert_eq!(envelope.signature, signature);
        prop_assert_eq!(envelope.timestamp, timestamp);
        for (extent, region) in extents.iter().zip(regions) {
            prop_assert_eq!(&bytes[extent.offset as usize..extent.end() as usize], region);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(envelope) = Envelope::read(&bytes) {
            prop_assert!(envelope.regions_end <= bytes.len() as u64);
        }
        // The same with an ending that gets past the first checks.
        if bytes.len() >= FOOTER_SIZE {
            let end = bytes.len();
            bytes[end - 8..].copy_from_slice(&layout::END_MAGIC);
            forge(&mut bytes, "file_length", &(end as u64).to_le_bytes());
            forge(&mut bytes, "magic", &section::FOOTER.to_le_bytes());
            forge(&mut bytes, "length", &148_u32.to_le_bytes());
            forge(&mut bytes, "read_version", &1_u16.to_le_bytes());
            forge(&mut bytes, "flags", &0_u32.to_le_bytes());
            drop(Envelope::read(&bytes));
        }
    }
}
