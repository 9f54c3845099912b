//! Threat rows that need a whole package; the others stand beside the code they concern.

use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use isi_catalog::digest::Sha256Digest;
use isi_catalog::isi_file::{Envelope, seal};
use isi_catalog::package::{Hashing, VerifyRequest, receive};
use isi_catalog::progress::Silent;

use crate::world::{World, now, refusal, scratch, world};

#[test]
fn c01_a_source_that_changes_while_it_is_received_never_gives_unsigned_bytes() {
    let payload = vec![1; 6 << 20];
    let bytes = world().bytes(&payload);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..100_u64 {
        let source = scratch(&bytes);
        let target = tempfile::tempfile().unwrap();
        let stop = AtomicBool::new(false);
        let received = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut place = round * 60_000;
                while !stop.load(Ordering::Relaxed) {
                    source
                        .write_all_at(&[2], place % payload.len() as u64)
                        .unwrap();
                    source
                        .write_all_at(&[1], place % payload.len() as u64)
                        .unwrap();
                    place = place
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(round);
                }
            });
            let request = VerifyRequest {
                now: now(),
                hashing: Hashing::Sequential,
                unsigned: None,
                progress: &Silent,
            };
            let path = std::path::Path::new("target");
            let received = receive(&source, &target, path, &world().trust, &request);
            stop.store(true, Ordering::Relaxed);
            received
        });
        let mut copy = vec![0; target.metadata().unwrap().len() as usize];
        target.read_exact_at(&mut copy, 0).unwrap();
        match received {
            Ok(package) => {
                assert_eq!(package.id().unwrap().digest(), Sha256Digest::of(&copy));
                assert_eq!(copy, bytes);
                accepted += 1;
            }
            Err(error) => {
                assert_eq!(error.code(), "E_HASH_MISMATCH");
                refused += 1;
            }
        }
    }
    assert_eq!(accepted + refused, 100);
}

#[test]
fn c07_the_manifest_that_is_used_is_the_one_that_was_verified() {
    // The manifest is copied into memory before it is verified; what the file does then is too late.
    let bytes = world().bytes(b"payload");
    let file = scratch(&bytes);
    let package = isi_catalog::package::Package::open(file.try_clone().unwrap()).unwrap();
    let at = package.envelope().regions_end + 8;
    file.write_all_at(&vec![0xff; package.envelope().manifest.len()], at)
        .unwrap();
    let request = VerifyRequest {
        now: now(),
        hashing: Hashing::Chunks,
        unsigned: None,
        progress: &Silent,
    };
    let verified = package.verify(&world().trust, &request).unwrap();
    assert_eq!(verified.manifest().name, "OneFS_Install");
}

#[test]
fn c16_regions_and_seals_of_two_packages_do_not_mix() {
    let (one, other) = (world().bytes(b"payload one"), world().bytes(b"payload two"));
    let (first, second) = (
        Envelope::read(&one).unwrap(),
        Envelope::read(&other).unwrap(),
    );
    assert_eq!(first.regions_end, second.regions_end);
    let end = first.regions_end;
    let mix = |regions: &[u8], manifest: &[u8], signature: &[u8], timestamp: &[u8]| {
        let mut bytes = regions[..end as usize].to_vec();
        bytes.extend(seal(end, manifest, signature, timestamp).unwrap());
        refusal(world(), &bytes, Hashing::Chunks)
    };
    let swapped = mix(&other, &first.manifest, &first.signature, &first.timestamp);
    assert_eq!(swapped.as_deref(), Some("E_HASH_MISMATCH"));
    let foreign = mix(&other, &second.manifest, &first.signature, &first.timestamp);
    assert_eq!(foreign.as_deref(), Some("E_SIGNATURE"));
    let late = mix(&one, &first.manifest, &first.signature, &second.timestamp);
    assert_eq!(late.as_deref(), Some("E_TS_IMPRINT"));
    assert_eq!(
        mix(&one, &first.manifest, &first.signature, &first.timestamp),
        None
    );
}

#[test]
fn another_vendors_package_is_not_trusted() {
    let stranger = World::new();
    let bytes = stranger.bytes(b"payload");
    assert_eq!(refusal(&stranger, &bytes, Hashing::Chunks), None);
    assert!(refusal(world(), &bytes, Hashing::Chunks).is_some());
}

#[test]
fn without_signature_or_timestamp_it_is_refused() {
    let bytes = world().bytes(b"payload");
    let envelope = Envelope::read(&bytes).unwrap();
    let sealed = |signature: &[u8], timestamp: &[u8]| {
        let mut bytes = bytes[..envelope.regions_end as usize].to_vec();
        bytes.extend(
            seal(
                envelope.regions_end,
                &envelope.manifest,
                signature,
                timestamp,
            )
            .unwrap(),
        );
        refusal(world(), &bytes, Hashing::Chunks)
    };
    assert_eq!(sealed(b"", b"").as_deref(), Some("E_UNSIGNED"));
    assert_eq!(
        sealed(&envelope.signature, b"").as_deref(),
        Some("E_TS_REQUIRED")
    );
    assert!(sealed(b"", &envelope.timestamp).is_some());
}

#[test]
fn the_sibling_with_the_signers_name_is_refused() {
    let bytes = world().bytes(b"payload");
    let envelope = Envelope::read(&bytes).unwrap();
    let signature = world().sign("sibling", &envelope.manifest);
    let timestamp = world().timestamp(&signature);
    let mut forged = bytes[..envelope.regions_end as usize].to_vec();
    forged.extend(
        seal(
            envelope.regions_end,
            &envelope.manifest,
            &signature,
            &timestamp,
        )
        .unwrap(),
    );
    assert_eq!(
        refusal(world(), &forged, Hashing::Chunks).as_deref(),
        Some("E_IDENTITY_ISSUER")
    );
}
