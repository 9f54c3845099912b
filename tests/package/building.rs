//! Building: the same input gives the same bytes, and what is written is what is verified.

use std::os::unix::fs::FileExt as _;

use isi_catalog::digest::{PackageId, Sha256Digest};
use isi_catalog::fsio::{Dir, OnExisting, OutputFile};
use isi_catalog::limits::CHUNK_SIZE;
use isi_catalog::manifest::RegionKind;
use isi_catalog::package::builder::{Content, Draft, DraftRegion, PayloadSource, build};
use isi_catalog::package::{Hashing, VerifyRequest, receive};
use isi_catalog::payload::TreeOptions;
use isi_catalog::progress::{Progress, Silent};

use crate::world::{draft, now, refusal, scratch, world};

fn unsigned(draft: Draft) -> (Vec<u8>, PackageId) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.isi");
    let mut output = OutputFile::create(&path, 0o644, OnExisting::Refuse).unwrap();
    let built = build(draft, &mut output, &Silent).unwrap();
    let id = built.finish(&mut output, b"", b"").unwrap();
    output.commit().unwrap();
    (std::fs::read(path).unwrap(), id)
}

#[test]
fn two_builds_are_identical_and_the_id_is_the_hash_of_the_file() {
    let (first, id) = unsigned(draft(b"payload"));
    let (second, again) = unsigned(draft(b"payload"));
    assert_eq!(first, second);
    assert_eq!(id, again);
    assert_eq!(id.digest(), Sha256Digest::of(&first));
}

#[test]
fn payloads_around_a_chunk_are_built_and_verified_both_ways() {
    for length in [
        0,
        1,
        CHUNK_SIZE - 1,
        CHUNK_SIZE,
        CHUNK_SIZE + 1,
        2 * CHUNK_SIZE + 7,
    ] {
        let payload: Vec<u8> = (0..length).map(|index| (index % 249) as u8).collect();
        let bytes = world().bytes(&payload);
        for hashing in [Hashing::Chunks, Hashing::Sequential] {
            let package = world().verify(scratch(&bytes), hashing).unwrap();
            let (region, extent) = package.region_of(RegionKind::Payload).unwrap();
            assert_eq!((region.size, extent.offset), (length, 0));
            assert_eq!(region.chunks.len() as u64, length.div_ceil(CHUNK_SIZE));
            assert_eq!(&bytes[..length as usize], payload);
            let id = package.id().map(|id| id.digest());
            let whole = Sha256Digest::of(&bytes);
            assert_eq!(id, (hashing == Hashing::Sequential).then_some(whole));
            assert_eq!(package.readme().unwrap().as_deref(), Some("Read me.\n"));
            assert!(package.verdict().verified, "{:#?}", package.verdict());
        }
    }
}

#[test]
fn a_damaged_chunk_is_named() {
    let payload = vec![7; 3 * CHUNK_SIZE as usize];
    let file = scratch(&world().bytes(&payload));
    file.write_all_at(&[8], CHUNK_SIZE + 5).unwrap();
    for hashing in [Hashing::Chunks, Hashing::Sequential] {
        let error = world()
            .verify(file.try_clone().unwrap(), hashing)
            .unwrap_err();
        assert_eq!(error.code(), "E_HASH_MISMATCH");
        let text = error.to_string();
        assert!(
            text.contains("chunk 1 ") && text.contains("from byte 4194304 on"),
            "{text}"
        );
    }
}

#[test]
fn a_wrong_chunk_list_under_a_right_signature_is_told_from_damage() {
    let (bytes, _) = unsigned(draft(b"payload"));
    let envelope = isi_catalog::isi_file::Envelope::read(&bytes).unwrap();
    let mut manifest = isi_catalog::manifest::decode(&envelope.manifest).unwrap();
    manifest.regions[0].chunks = vec![Sha256Digest::of(b"another payload")];
    let bad = resealed(&bytes[..envelope.regions_end as usize], &manifest);
    assert_eq!(
        refusal(world(), &bad, Hashing::Chunks).as_deref(),
        Some("E_CHUNK_LIST")
    );
    assert_eq!(refusal(world(), &bad, Hashing::Sequential), None);
}

#[test]
fn a_readme_that_is_no_text_is_refused() {
    let mut with_bytes = draft(b"payload");
    with_bytes.regions[0].content = Content::Bytes(vec![b'a', 0xff]);
    let folder = tempfile::tempdir().unwrap();
    let path = world().package(&folder.path().join("p.isi"), with_bytes);
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(
        refusal(world(), &bytes, Hashing::Chunks).as_deref(),
        Some("E_README")
    );
}

#[test]
fn a_tree_becomes_a_payload_with_its_two_tables() {
    let tree = tempfile::tempdir().unwrap();
    for index in 0..50 {
        std::fs::write(tree.path().join(format!("file{index}")), vec![index; 5000]).unwrap();
    }
    let make = || Draft {
        payload: PayloadSource::Tree {
            directory: Dir::open(tree.path()).unwrap(),
            options: TreeOptions::default(),
        },
        created: None,
        ..draft(b"")
    };
    assert_eq!(unsigned(make()).0, unsigned(make()).0);
    let folder = tempfile::tempdir().unwrap();
    let path = world().package(&folder.path().join("p.isi"), make());
    let file = std::fs::File::open(path).unwrap();
    let package = world().verify(file, Hashing::Chunks).unwrap();
    let kinds: Vec<_> = package
        .manifest()
        .regions
        .iter()
        .map(|region| region.kind)
        .collect();
    let expected = [
        RegionKind::Payload,
        RegionKind::Readme,
        RegionKind::FileTable,
        RegionKind::PayloadIndex,
        RegionKind::SkipList,
    ];
    assert_eq!(kinds, expected);
    assert!(package.manifest().created > "2020-01-01T00:00:00Z".parse().unwrap());
}

#[test]
fn receiving_gives_the_same_bytes_the_id_and_the_verdict() {
    let payload = vec![3; 9 << 20];
    let bytes = world().bytes(&payload);
    let (source, target) = (scratch(&bytes), tempfile::tempfile().unwrap());
    let request = VerifyRequest {
        now: now(),
        hashing: Hashing::Chunks,
        unsigned: None,
        progress: &Silent,
    };
    let path = std::path::Path::new("target");
    let package = receive(&source, &target, path, &world().trust, &request).unwrap();
    assert_eq!(package.id().unwrap().digest(), Sha256Digest::of(&bytes));
    let mut copy = vec![0; bytes.len()];
    target.read_exact_at(&mut copy, 0).unwrap();
    assert_eq!(copy, bytes);
    assert_eq!(target.metadata().unwrap().len(), bytes.len() as u64);
}

#[test]
fn an_unwelcome_package_is_not_copied() {
    let mut bytes = world().bytes(&vec![3; 9 << 20]);
    let manifest_at = isi_catalog::isi_file::Envelope::read(&bytes)
        .unwrap()
        .regions_end as usize;
    let length = bytes.len();
    // Without its signature: the regions and the manifest, sealed as an unsigned package.
    let envelope = isi_catalog::isi_file::Envelope::read(&bytes).unwrap();
    bytes.truncate(manifest_at);
    bytes.extend(
        isi_catalog::isi_file::seal(manifest_at as u64, &envelope.manifest, b"", b"").unwrap(),
    );
    assert!(bytes.len() < length);
    let (source, target) = (scratch(&bytes), tempfile::tempfile().unwrap());
    let request = VerifyRequest {
        now: now(),
        hashing: Hashing::Chunks,
        unsigned: None,
        progress: &Silent,
    };
    let path = std::path::Path::new("target");
    let error = receive(&source, &target, path, &world().trust, &request).unwrap_err();
    assert_eq!(error.code(), "E_UNSIGNED");
    let mut start = [9; 4096];
    target.read_exact_at(&mut start, 0).unwrap();
    assert_eq!(start, [0; 4096], "a hole where the payload would be");
}

/// Wants the work to stop at once.
struct Impatient;

impl Progress for Impatient {
    fn begin(&self, _name: &str, _total: u64) {}

    fn advance(&self, _bytes: u64) {}

    fn cancelled(&self) -> bool {
        true
    }
}

#[test]
fn whoever_asks_to_stop_is_heard() {
    let bytes = world().bytes(&vec![3; 9 << 20]);
    for hashing in [Hashing::Chunks, Hashing::Sequential] {
        let request = VerifyRequest {
            now: now(),
            hashing,
            unsigned: None,
            progress: &Impatient,
        };
        let package = isi_catalog::package::Package::open(scratch(&bytes)).unwrap();
        let error = package.verify(&world().trust, &request).unwrap_err();
        assert_eq!(error.code(), "E_INTERRUPTED");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.isi");
    let mut output = OutputFile::create(&path, 0o644, OnExisting::Refuse).unwrap();
    let error = build(draft(b"payload"), &mut output, &Impatient).unwrap_err();
    assert_eq!(error.code(), "E_INTERRUPTED");
    drop(output);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn two_regions_of_one_name_are_refused_before_anything_is_kept() {
    let mut twice = draft(b"payload");
    twice.regions.push(DraftRegion {
        kind: RegionKind::Other,
        name: "skip".to_owned(),
        media_type: String::new(),
        content: Content::Bytes(Vec::new()),
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.isi");
    let mut output = OutputFile::create(&path, 0o644, OnExisting::Refuse).unwrap();
    let error = build(twice, &mut output, &Silent).unwrap_err();
    assert_eq!(error.code(), "E_MANIFEST_REGIONS");
}

/// Regions under another manifest, signed and timestamped.
fn resealed(regions: &[u8], manifest: &isi_catalog::manifest::Manifest) -> Vec<u8> {
    let manifest = isi_catalog::manifest::encode(manifest).unwrap();
    let signature = world().sign("signer", &manifest);
    let timestamp = world().timestamp(&signature);
    let mut bytes = regions.to_vec();
    let end = bytes.len() as u64;
    bytes.extend(isi_catalog::isi_file::seal(end, &manifest, &signature, &timestamp).unwrap());
    bytes
}
