//! What each fuzz target does with its input: shared by the fuzzer (`fuzz_targets/`) and by the test that
//! replays the saved corpus (`tests/fuzz_replay`). A body fails by panicking: in the parser, or in an
//! assertion that what was accepted has exactly one spelling.

use isi_catalog::digest::Sha256Digest;
use isi_catalog::isi_file::{self, Envelope, layout};
use isi_catalog::manifest;
use isi_catalog::payload::{FileTable, PayloadIndex};
use isi_catalog::trust::{self, Identities, TstInfo};

/// A body of a target.
type Body = fn(&[u8]);

/// Every target by name.
pub(crate) const TARGETS: [(&str, Body); 7] = [
    ("container", container),
    ("manifest", manifest),
    ("file_table", file_table),
    ("payload_index", payload_index),
    ("tst_info", tst_info),
    ("cms", cms),
    ("identities", identities),
];

/// Runs the target `name` on `data`.
///
/// # Panics
///
/// If there is no such target, or if it found something.
pub(crate) fn run(name: &str, data: &[u8]) {
    let (_, body) = TARGETS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a target of the list");
    body(data);
}

/// Reads `data` as a package, as it is and with true checksums, which chance does not find.
fn container(data: &[u8]) {
    read_container(data);
    if let Some(repaired) = with_true_checksums(data) {
        read_container(&repaired);
    }
}

fn read_container(data: &[u8]) {
    let Ok(envelope) = Envelope::read(data) else {
        return;
    };
    let end = usize::try_from(envelope.regions_end).expect("an offset in the input");
    let Envelope {
        footer,
        manifest: metadata,
        signature,
        timestamp,
        regions_end,
    } = &envelope;
    if footer.write_version == layout::WRITE_VERSION {
        let sealed = isi_file::seal(*regions_end, metadata, signature, timestamp);
        let sealed = sealed.expect("what was read can be written");
        assert!(sealed == data[end..], "a package has one spelling");
    }
    if let Ok(metadata) = manifest::decode(metadata) {
        let sizes: Vec<u64> = metadata.regions.iter().map(|region| region.size).collect();
        if let Ok(extents) = envelope.place(&sizes) {
            assert!(extents.iter().all(|extent| extent.end() <= *regions_end));
            let _refused = envelope.check_headers(data, &extents);
        }
    }
}

/// `data` with the lengths, digests and checksum in its last bytes set right, if it is long enough.
fn with_true_checksums(data: &[u8]) -> Option<Vec<u8>> {
    let start = data.len().checked_sub(layout::FOOTER_SIZE)?;
    let (front, footer) = data.split_at(start);
    let mut footer = footer.to_vec();
    let mut end = front.len();
    for part in ["timestamp", "signature", "manifest"] {
        let size = &footer[field(&format!("{part}_size"))];
        let size = usize::try_from(u64::from_le_bytes(size.try_into().ok()?)).ok()?;
        let content = front.get(end.checked_sub(size)?..end)?;
        let digest = Sha256Digest::of(content);
        footer[field(&format!("{part}_sha256"))].copy_from_slice(digest.as_bytes());
        end = end
            .checked_sub(size)?
            .checked_sub(layout::SECTION_HEADER_SIZE)?;
    }
    let length = u64::try_from(data.len()).ok()?;
    footer[field("file_length")].copy_from_slice(&length.to_le_bytes());
    let checksum = crc32c(&footer[..layout::FOOTER_CRC_COVERS]);
    footer[field("crc32c")].copy_from_slice(&checksum.to_le_bytes());
    footer[field("end_magic")].copy_from_slice(&layout::END_MAGIC);
    Some([front, footer.as_slice()].concat())
}

/// The bytes of a field of the footer.
fn field(name: &str) -> std::ops::Range<usize> {
    let field = layout::FOOTER.iter().find(|field| field.name == name);
    let field = field.expect("a field of the footer");
    field.offset..field.offset + field.size
}

/// CRC-32C (RFC 3720, appendix B.4), a bit at a time.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

fn manifest(data: &[u8]) {
    if let Ok(found) = manifest::decode(data) {
        let encoded = manifest::encode(&found).expect("what was decoded can be encoded");
        assert!(encoded == data, "a manifest has one spelling");
    }
}

fn file_table(data: &[u8]) {
    if let Ok(found) = FileTable::decode(data) {
        assert!(found.encode() == data, "a file table has one spelling");
    }
}

fn payload_index(data: &[u8]) {
    if let Ok(found) = PayloadIndex::decode(data) {
        assert!(found.encode() == data, "a payload index has one spelling");
    }
}

fn tst_info(data: &[u8]) {
    if let Ok(found) = TstInfo::from_der(data) {
        assert!(!found.imprint.is_empty(), "a timestamp is over something");
    }
}

/// Signatures and timestamp tokens as `view` shows them: before anything is authenticated.
fn cms(data: &[u8]) {
    if let Ok(signers) = trust::describe_signature(data) {
        assert!(!signers.is_empty(), "a signature has a signer");
    }
    let _refused = trust::check_signature_belongs(data, b"manifest");
    if let Ok(token) = trust::token_from_der(data) {
        let _refused = trust::describe_timestamp(&token);
        let _refused = trust::check_token_belongs(&token, b"signature");
    }
}

fn identities(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(found) = Identities::parse(text) {
        assert!(found.policy().threshold > 0, "somebody has to sign");
        assert!(found.names().all(|name| !name.is_empty()));
    }
}
