//! C14: every flip of a bit and every truncation of a whole package.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU64, Ordering};

use isi_catalog::package::{Authentic, Hashing, Package, VerifyRequest};
use isi_catalog::progress::Silent;

use crate::world::{now, refusal, scratch, world};

/// A package of exactly 64 KiB.
fn package_of_64_kib() -> Vec<u8> {
    let payload: Vec<u8> = (0..65_536_u32)
        .map(|index| (index * 31 % 251) as u8)
        .collect();
    // Signatures with ECDSA differ in length by a byte or two, and seldom by more: each try makes up for what
    // the one before it was too long or too short, so that an odd one spoils no other.
    let mut length = payload.len();
    let mut fitted = || {
        let bytes = world().bytes(&payload[..length]);
        length = length + 65_536 - bytes.len();
        bytes
    };
    std::iter::repeat_with(&mut fitted)
        .take(200)
        .find(|bytes| bytes.len() == 65_536)
        .unwrap()
}

fn request(hashing: Hashing) -> VerifyRequest<'static> {
    VerifyRequest {
        now: now(),
        hashing,
        unsigned: None,
        progress: &Silent,
    }
}

fn authenticated(file: &File) -> Package<Authentic> {
    let package = Package::open(file.try_clone().unwrap()).unwrap();
    package
        .authenticate(&world().trust, &request(Hashing::Sequential))
        .unwrap()
}

#[test]
fn c14_every_bit_flip_and_every_truncation_of_64_kib_is_refused() {
    let good = package_of_64_kib();
    for hashing in [Hashing::Chunks, Hashing::Sequential] {
        assert_eq!(refusal(world(), &good, hashing), None);
    }
    let checked = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (good, checked) = (&good, &checked);
            scope.spawn(move || {
                let file = scratch(good);
                let authentic = authenticated(&file);
                for place in (thread..good.len()).step_by(threads) {
                    for bit in 0..8 {
                        file.write_all_at(&[good[place] ^ (1 << bit)], place as u64)
                            .unwrap();
                        // Signatures do not cover the regions' bytes but the manifest, so they are
                        // verified once for all flips there, and for one in 101 anew.
                        let hashing = Hashing::Sequential;
                        let in_region = (place as u64) < authentic.envelope().regions_end;
                        let refused = if in_region && (place * 8 + bit) % 101 != 0 {
                            authentic.check_regions(&request(hashing)).is_err()
                        } else {
                            world().verify(file.try_clone().unwrap(), hashing).is_err()
                        };
                        assert!(refused, "byte {place}, bit {bit}");
                        checked.fetch_add(1, Ordering::Relaxed);
                    }
                    file.write_all_at(&good[place..=place], place as u64)
                        .unwrap();
                }
                for length in (thread..good.len()).step_by(threads) {
                    let shorter = scratch(good);
                    shorter.set_len(length as u64).unwrap();
                    let verified = world().verify(shorter, Hashing::Sequential);
                    assert!(verified.is_err(), "truncated to {length}");
                    checked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(checked.into_inner(), 65_536 * 9);
}
