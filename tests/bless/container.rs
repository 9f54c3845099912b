//! Packages whose container is wrong: forged with true checksums, so that only the one rule is broken.

use isi_catalog::isi_file::layout::{END_MAGIC, FOOTER, FOOTER_CRC_COVERS, FOOTER_SIZE};

use crate::good::tiny;
use crate::vector::Vector;
use crate::vectors::Stage;

pub(crate) fn vectors() -> Vec<Vector> {
    [ends(), versions(), sizes(), sections(), digests()].concat()
}

fn bad(code: &str, variant: &str, about: &str, bytes: Vec<u8>) -> Vector {
    Vector::bad(code, variant, about, Stage::Open, bytes)
}

/// The tiny package with one field of the footer, and its checksum, written anew.
fn with(field: &str, value: &[u8]) -> Vec<u8> {
    let mut package = tiny();
    set(&mut package, field, value);
    package
}

fn ends() -> Vec<Vector> {
    let whole = tiny();
    let cut = whole[..whole.len() - 1].to_vec();
    let appended = [whole.as_slice(), b"\n"].concat();
    let prefixed = [b"\n", whole.as_slice()].concat();
    let without_cr = [&whole[..whole.len() - END_MAGIC.len()], b"\x89ISI\n\x1a\n"].concat();
    let mut damaged = tiny();
    let place = damaged.len() - FOOTER_SIZE + 50;
    damaged[place] ^= 1;
    let short = whole[whole.len() - 185..].to_vec();
    let longer = u64::try_from(whole.len()).unwrap() + 1;
    vec![
        bad(
            "E_FORMAT_SHORT",
            "",
            "the last 185 bytes of a package",
            short,
        ),
        bad("E_FORMAT_SHORT", "empty", "no bytes at all", Vec::new()),
        bad("E_FORMAT_MAGIC", "cut", "the last byte is missing", cut),
        bad(
            "E_FORMAT_MAGIC",
            "appended",
            "a line feed follows the footer",
            appended,
        ),
        bad(
            "E_FORMAT_MAGIC",
            "line-ends",
            "a transfer dropped the CR of the end magic",
            without_cr,
        ),
        bad(
            "E_FORMAT_CRC",
            "",
            "one bit of the footer is flipped",
            damaged,
        ),
        bad(
            "E_FORMAT_LENGTH",
            "",
            "the footer names one byte more",
            with("file_length", &longer.to_le_bytes()),
        ),
        bad(
            "E_FORMAT_LENGTH",
            "prefixed",
            "a line feed stands before region 1",
            prefixed,
        ),
    ]
}

fn versions() -> Vec<Vector> {
    let mut newer = with("write_version", &2_u16.to_le_bytes());
    set(&mut newer, "read_version", &2_u16.to_le_bytes());
    let mut zero = with("write_version", &0_u16.to_le_bytes());
    set(&mut zero, "read_version", &0_u16.to_le_bytes());
    vec![
        bad(
            "E_FORMAT_READ_VERSION",
            "",
            "read version and write version are 2",
            newer,
        ),
        bad(
            "E_FORMAT_READ_VERSION",
            "zero",
            "read version and write version are 0",
            zero,
        ),
        bad(
            "E_FORMAT_WRITE_VERSION",
            "",
            "the write version is 0, below the read version",
            with("write_version", &[0, 0]),
        ),
        bad(
            "E_FORMAT_FLAGS",
            "",
            "bit 0 of the flags is set",
            with("flags", &1_u32.to_le_bytes()),
        ),
        bad(
            "E_FORMAT_FLAGS",
            "high",
            "bit 31 of the flags is set",
            with("flags", &0x8000_0000_u32.to_le_bytes()),
        ),
    ]
}

fn sizes() -> Vec<Vector> {
    let size = |field: &str, size: u64| with(field, &size.to_le_bytes());
    vec![
        bad(
            "E_FORMAT_SIZE",
            "manifest-small",
            "a manifest of 5 bytes",
            size("manifest_size", 5),
        ),
        bad(
            "E_FORMAT_SIZE",
            "manifest",
            "a manifest of 16 MiB and a byte",
            size("manifest_size", 16_777_217),
        ),
        bad(
            "E_FORMAT_SIZE",
            "manifest-overflow",
            "a manifest of 2^64 - 1 bytes",
            size("manifest_size", u64::MAX),
        ),
        bad(
            "E_FORMAT_SIZE",
            "signature",
            "a signature of 256 KiB and a byte",
            size("signature_size", 262_145),
        ),
        bad(
            "E_FORMAT_SIZE",
            "timestamp",
            "a timestamp of 64 KiB and a byte",
            size("timestamp_size", 65_537),
        ),
        bad(
            "E_FORMAT_TILING",
            "sections",
            "a signature of 256 KiB in a file of less",
            size("signature_size", 262_144),
        ),
    ]
}

/// Where the headers of manifest, signature and timestamp begin in the tiny package, from the end.
const SIGNATURE_HEADER: usize = FOOTER_SIZE + 16;
const TIMESTAMP_HEADER: usize = FOOTER_SIZE + 8;

fn sections() -> Vec<Vector> {
    let flipped = |from_end: usize| {
        let mut package = tiny();
        let place = package.len() - from_end;
        package[place] ^= 1;
        package
    };
    let manifest_header = tiny().len() - "hello\n".len();
    vec![
        bad(
            "E_FORMAT_SECTION",
            "footer",
            "the footer has another magic",
            with("magic", &0x184D_2A55_u32.to_le_bytes()),
        ),
        bad(
            "E_FORMAT_SECTION",
            "footer-length",
            "the footer's header says 147 bytes",
            with("length", &147_u32.to_le_bytes()),
        ),
        bad(
            "E_FORMAT_SECTION",
            "manifest",
            "the manifest stands behind a region's magic",
            flipped(manifest_header),
        ),
        bad(
            "E_FORMAT_SECTION",
            "signature",
            "the signature stands behind the timestamp's magic",
            flipped(SIGNATURE_HEADER),
        ),
        bad(
            "E_FORMAT_SECTION",
            "timestamp",
            "the timestamp's header says 1 byte, the footer 0",
            flipped(TIMESTAMP_HEADER - 4),
        ),
    ]
}

fn digests() -> Vec<Vector> {
    let other = [0x5a; 32];
    let mut swapped = tiny();
    // The name of the package: still a valid manifest, not the one that the footer was written for.
    let place = swapped
        .windows(4)
        .position(|bytes| bytes == b"tiny")
        .unwrap();
    swapped[place] = b'T';
    vec![
        bad(
            "E_FORMAT_DIGEST",
            "manifest",
            "the manifest is not the one of the footer",
            swapped,
        ),
        bad(
            "E_FORMAT_DIGEST",
            "signature",
            "the footer has another digest of the signature",
            with("signature_sha256", &other),
        ),
        bad(
            "E_FORMAT_DIGEST",
            "timestamp",
            "the footer has another digest of the timestamp",
            with("timestamp_sha256", &other),
        ),
    ]
}

/// Writes a field of the footer and the CRC-32C that goes with it.
pub(crate) fn set(package: &mut [u8], field: &str, value: &[u8]) {
    let start = package.len() - FOOTER_SIZE;
    let footer = &mut package[start..];
    let place = |name: &str| {
        let field = FOOTER.iter().find(|field| field.name == name).unwrap();
        field.offset..field.offset + field.size
    };
    footer[place(field)].copy_from_slice(value);
    let castagnoli = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
    let crc = castagnoli.checksum(&footer[..FOOTER_CRC_COVERS]);
    footer[place("crc32c")].copy_from_slice(&crc.to_le_bytes());
}
