//! Rows X24 to X29: timestamps.

use isi_catalog::trust::{CheckName, Outcome, check_token_belongs, describe_timestamp};
use jiff::{Timestamp, ToSpan as _};
use openssl::hash::{MessageDigest, hash};

use crate::forge::{self, SHA1, SHA256, SHA512, token_with_ess, tst_info};
use crate::pki::{MANIFEST, Owner, Shape, World, accepted, days, now, refused, verdict};

use CheckName::{Policy, Timestamp as Row};

/// Signs a `TSTInfo` with the command-line tool, which asks nothing of the certificate.
fn token(world: &World, authority: &Owner, info: &[u8], more: &[&str]) -> Vec<u8> {
    forge::token(world.home.path(), authority, info, more)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    hash(MessageDigest::sha256(), bytes).unwrap().to_vec()
}

/// A world with a good signature.
fn signed() -> (World, Vec<u8>) {
    let world = World::new();
    let signature = world.signer.detached(&[&world.issuing.cert]);
    (world, signature)
}

#[test]
fn a_token_made_by_openssl_is_accepted() {
    let (world, signature) = signed();
    let info = tst_info(SHA256, &sha256(&signature), days(-3));
    let token = token(&world, &world.tsa, &info, &["-cades"]);
    let verdict = world.verify_token(&signature, &token);
    accepted(&verdict);
    assert_eq!(verdict.timestamp.unwrap().time, days(-3));
}

#[test]
fn a_token_that_names_no_certificate_is_refused() {
    let (world, signature) = signed();
    let info = tst_info(SHA256, &sha256(&signature), now());
    let token = token(&world, &world.tsa, &info, &[]);
    let verdict = world.verify_token(&signature, &token);
    assert_eq!(refused(&verdict), (Row, "E_TS_SIGNATURE"));
    let detail = verdict.first_failure().unwrap().detail.as_ref().unwrap();
    assert!(detail.contains("which certificate"), "{detail}");
}

#[test]
fn x24_a_token_over_another_signature_is_refused() {
    let (world, signature) = signed();
    let other = world.timestamp_at(b"other", now());
    assert_eq!(
        refused(&world.verify_token(&signature, &other)),
        (Row, "E_TS_IMPRINT")
    );
    let error = check_token_belongs(&other, &signature).unwrap_err();
    assert_eq!(error.code(), "E_TS_IMPRINT");
    let mut changed = world.timestamp_at(&signature, now());
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert_eq!(
        refused(&world.verify_token(&signature, &changed)),
        (Row, "E_TS_SIGNATURE")
    );
}

#[test]
fn x25_a_weak_imprint_is_refused() {
    let (world, signature) = signed();
    let imprint = hash(MessageDigest::sha1(), &signature).unwrap();
    let info = tst_info(SHA1, &imprint, now());
    let token = token(&world, &world.tsa, &info, &["-cades"]);
    assert_eq!(
        refused(&world.verify_token(&signature, &token)),
        (Row, "E_WEAK_DIGEST")
    );
}

#[test]
fn x25_a_certificate_is_not_named_by_a_weak_hash_where_another_could_be_chosen() {
    let (world, signature) = signed();
    let info = tst_info(SHA256, &sha256(&signature), now());
    let strong = token_with_ess(&world.tsa, &info, (SHA512, MessageDigest::sha512()));
    accepted(&world.verify_token(&signature, &strong));
    let weak = token_with_ess(&world.tsa, &info, (SHA1, MessageDigest::sha1()));
    let verdict = world.verify_token(&signature, &weak);
    assert_eq!(refused(&verdict), (Row, "E_WEAK_DIGEST"));
}

#[test]
fn x26_only_a_timestamp_authority_may_say_the_time() {
    let (world, signature) = signed();
    // Even where both kinds of anchors are the same directory.
    world.write("tsa-certs/vendor.pem", &world.root.pem());
    world.write("tsa-certs/issuing.pem", &world.issuing.pem());
    let web = world.tsa_root.issue(&Shape {
        purposes: vec!["serverAuth"],
        ..Shape::tsa("Web")
    });
    let any = world.tsa_root.issue(&Shape {
        purposes: vec![],
        ..Shape::tsa("Any")
    });
    for authority in [&web, &any, &world.signer] {
        let info = tst_info(SHA256, &sha256(&signature), now());
        let token = token(&world, authority, &info, &["-cades"]);
        assert_eq!(
            refused(&world.verify_token(&signature, &token)),
            (Row, "E_TS_EKU")
        );
    }
}

#[test]
fn x26_an_authority_under_no_tsa_anchor_is_refused() {
    let (world, signature) = signed();
    // Issued by the package authority: good certificates, wrong directory.
    let tsa = world.issuing.issue(&Shape::tsa("Timestamps"));
    let info = tst_info(SHA256, &sha256(&signature), now());
    let token = token(&world, &tsa, &info, &["-cades"]);
    assert_eq!(
        refused(&world.verify_token(&signature, &token)),
        (Row, "E_CHAIN")
    );
    let rogue = Owner::root("Timestamp Root").issue(&Shape::tsa("Timestamps"));
    let token = self::token(&world, &rogue, &info, &["-cades"]);
    assert_eq!(
        refused(&world.verify_token(&signature, &token)),
        (Row, "E_UNTRUSTED")
    );
}

#[test]
fn x27_the_purpose_must_be_critical_and_alone() {
    let (world, signature) = signed();
    for shape in [
        Shape {
            purposes_critical: false,
            ..Shape::tsa("Timestamps")
        },
        Shape {
            purposes: vec!["timeStamping", "codeSigning"],
            ..Shape::tsa("Timestamps")
        },
        Shape {
            purposes: vec!["timeStamping", "anyExtendedKeyUsage"],
            ..Shape::tsa("Timestamps")
        },
    ] {
        let authority = world.tsa_root.issue(&shape);
        let info = tst_info(SHA256, &sha256(&signature), now());
        let token = token(&world, &authority, &info, &["-cades"]);
        assert_eq!(
            refused(&world.verify_token(&signature, &token)),
            (Row, "E_TS_EKU")
        );
    }
}

#[test]
fn x28_an_authority_expired_since_is_accepted_at_its_time() {
    let (world, signature) = signed();
    let shape = Shape {
        from: days(-300),
        to: days(-100),
        ..Shape::tsa("Timestamps")
    };
    let authority = world.tsa_root.issue(&shape);
    let at = |time| {
        let info = tst_info(SHA256, &sha256(&signature), time);
        world.verify_token(&signature, &token(&world, &authority, &info, &["-cades"]))
    };
    accepted(&at(days(-200)));
    assert_eq!(refused(&at(days(-99))), (Row, "E_CERT_EXPIRED"));
    assert_eq!(refused(&at(days(-301))), (Row, "E_CERT_NOT_YET_VALID"));
}

#[test]
fn x29_times_that_cannot_be_are_refused() {
    let (world, signature) = signed();
    let at = |time: Timestamp| world.verify_at(&signature, time);
    accepted(&at(now().checked_add(300.seconds()).unwrap()));
    let future = now().checked_add(301.seconds()).unwrap();
    assert_eq!(refused(&at(future)), (Row, "E_TS_TIME"));
    assert_eq!(refused(&at(days(1))), (Row, "E_TS_TIME"));
    let before = "2019-12-31T23:59:59Z".parse().unwrap();
    assert_eq!(refused(&at(before)), (Row, "E_TS_TIME"));
    let first = at("2020-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(refused(&first), (Row, "E_CERT_NOT_YET_VALID"));
}

#[test]
fn what_is_no_token_is_refused() {
    let (world, signature) = signed();
    let good = world.timestamp_at(&signature, now());
    let info = tst_info(SHA256, &sha256(&signature), now());
    let no_token = world.signer.detached(&[]);
    let second = world.tsa_root.issue(&Shape::tsa("Second"));
    world.write("second.pem", &second.pem());
    world.write(
        "second.key",
        &second.key.private_key_to_pem_pkcs8().unwrap(),
    );
    let more = ["-cades", "-signer", "second.pem", "-inkey", "second.key"];
    let two = token(&world, &world.tsa, &info, &more);
    for (bytes, code) in [
        ([good.as_slice(), &[0]].concat(), "E_FORMAT"),
        (good[..good.len() - 1].to_vec(), "E_FORMAT"),
        (vec![0x30, 0], "E_FORMAT"),
        (vec![0x30; 65_537], "E_TOO_LARGE"),
        (no_token, "E_CONTENT_TYPE"),
        (two, "E_TS_SIGNATURE"),
        (
            token(&world, &world.tsa, &info, &["-cades", "-nocerts"]),
            "E_UNTRUSTED",
        ),
        (
            token(&world, &world.tsa, &info, &["-cades", "-md", "sha1"]),
            "E_WEAK_DIGEST",
        ),
        (
            token(&world, &world.tsa, b"nothing", &["-cades"]),
            "E_FORMAT",
        ),
    ] {
        assert_eq!(
            refused(&world.verify_token(&signature, &bytes)),
            (Row, code)
        );
    }
    assert!(describe_timestamp(&good).is_ok());
    assert!(describe_timestamp(&good[1..]).is_err());
}

#[test]
fn every_bit_of_a_token_counts() {
    let (world, signature) = signed();
    let good = world.timestamp_at(&signature, now());
    let store = world.store();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let verdict = verdict(&store, MANIFEST, &signature, &bad);
        // A version or a list of digests that nothing looks at may differ; the time may not.
        if verdict.verified {
            assert_eq!(verdict.timestamp.unwrap().time, now());
            assert!(at < 60, "byte {at}");
        }
    }
}

#[test]
fn the_policy_decides_about_missing_timestamps() {
    let (world, signature) = signed();
    let missing = |world: &World| verdict(&world.store(), MANIFEST, &signature, &[]);
    assert_eq!(refused(&missing(&world)), (Policy, "E_TS_REQUIRED"));
    world.trust(
        "CN=Signer,O=Test",
        &world.issuing,
        "[policy]\ntimestamp = \"if-present\"",
    );
    accepted(&missing(&world));
    // A token that is there must still verify.
    assert_eq!(
        refused(&world.verify_token(&signature, b"x")),
        (Row, "E_FORMAT")
    );
}

#[test]
fn without_anchors_no_timestamp_counts() {
    let (world, signature) = signed();
    let token = world.timestamp_at(&signature, now());
    let paths = isi_catalog::trust::TrustPaths {
        tsa_certs: None,
        ..world.paths()
    };
    let store = isi_catalog::trust::TrustStore::load(&paths).unwrap();
    let verdict = verdict(&store, MANIFEST, &signature, &token);
    assert_eq!(refused(&verdict), (Policy, "E_TS_REQUIRED"));
    let row = verdict
        .checks
        .iter()
        .find(|check| check.name == Row)
        .unwrap();
    assert_eq!(
        (row.outcome, row.code.as_deref()),
        (Outcome::NotChecked, Some("N_NO_TSA_ANCHORS"))
    );
}
