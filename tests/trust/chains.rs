//! Rows X3, X10 to X13, X19, X20, X32 and X33: from the signer up to an anchor.

use std::time::{Duration, Instant};

use isi_catalog::trust::CheckName;
use openssl::bn::BigNum;
use openssl::cms::CMSOptions;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509;
use openssl::x509::extension::KeyUsage;

use crate::pki::{
    MANIFEST, Owner, Shape, World, accepted, certificate, days, der, extension, name, p256, refused,
};

use CheckName::{Chain, Signature};

#[test]
fn x03_a_rogue_root_of_the_same_name_is_refused_and_does_no_harm() {
    let world = World::new();
    let rogue_root = Owner::root("Root");
    let rogue_issuing = rogue_root.issue(&Shape::authority("Issuing"));
    let rogue = rogue_issuing.issue(&Shape::signer("Signer"));
    let cms = rogue.detached(&[&rogue_issuing.cert, &rogue_root.cert]);
    assert_eq!(refused(&world.verify(&cms)), (Chain, "E_UNTRUSTED"));
    let without_root = rogue.detached(&[&rogue_issuing.cert]);
    assert_eq!(
        refused(&world.verify(&without_root)),
        (Chain, "E_UNTRUSTED")
    );
    // Both roots under one hash, as c_rehash numbers them: the good signer is still found.
    world.write("certs/0a1b2c3d.0", &rogue_root.pem());
    world.write("certs/0a1b2c3d.1", &world.root.pem());
    accepted(&world.verify(&world.signer.detached(&[&world.issuing.cert])));
}

#[test]
fn x10_a_signature_without_certificates_is_refused() {
    let world = World::new();
    let options = CMSOptions::BINARY | CMSOptions::DETACHED | CMSOptions::from_bits_retain(2);
    let cms = world.signer.cms(&[], MANIFEST, options);
    assert_eq!(refused(&world.verify(&cms)), (Chain, "E_UNTRUSTED"));
}

#[test]
fn x11_a_missing_intermediate_is_named() {
    let world = World::new();
    let verdict = world.verify(&world.signer.detached(&[]));
    assert_eq!(refused(&verdict), (Chain, "E_CHAIN"));
    assert_eq!(
        verdict.first_failure().unwrap().facts["issuer"],
        "CN=Issuing,O=Test"
    );
    // The same intermediate in the directory of anchors completes the chain.
    world.write("certs/issuing.pem", &world.issuing.pem());
    accepted(&world.verify(&world.signer.detached(&[])));
}

#[test]
fn x12_an_intermediate_is_an_anchor_only_where_the_policy_says_so() {
    let world = World::new();
    world.write("certs/root.pem", &world.issuing.pem());
    let cms = world.signer.detached(&[&world.issuing.cert]);
    assert_eq!(refused(&world.verify(&cms)), (Chain, "E_UNTRUSTED"));
    world.trust(
        "CN=Signer,O=Test",
        &world.issuing,
        "[policy]\nintermediate_anchors = true",
    );
    accepted(&world.verify(&cms));
    let stranger = Owner::root("Root").issue(&Shape::signer("Signer"));
    assert!(!world.verify(&stranger.detached(&[])).verified);
}

#[test]
fn x13_a_signer_is_never_its_own_anchor() {
    let world = World::new();
    world.write("certs/root.pem", &world.signer.pem());
    let cms = world.signer.detached(&[&world.issuing.cert]);
    assert_eq!(refused(&world.verify(&cms)), (Chain, "E_UNTRUSTED"));
    world.trust(
        "CN=Signer,O=Test",
        &world.issuing,
        "[policy]\nintermediate_anchors = true",
    );
    assert_eq!(refused(&world.verify(&cms)), (Chain, "E_UNTRUSTED"));
    let shape = Shape::signer("Alone");
    let key = p256();
    let cert = certificate(&shape, &key, &shape.subject, None, &key);
    let alone = Owner { key, cert };
    world.write("certs/root.pem", &alone.pem());
    world.trust("CN=Alone,O=Test", &alone, "");
    assert_eq!(
        refused(&world.verify(&alone.detached(&[]))),
        (Chain, "E_UNTRUSTED")
    );
}

#[test]
fn x19_a_timestamp_keeps_an_expired_signer_usable() {
    let world = World::new();
    let expired = Shape {
        from: days(-300),
        to: days(-100),
        ..Shape::signer("Signer")
    };
    let signer = world.issuing.issue(&expired);
    let cms = signer.detached(&[&world.issuing.cert]);
    let verdict = world.verify_at(&cms, days(-200));
    accepted(&verdict);
    assert_eq!(verdict.timestamp.unwrap().time, days(-200));
    assert_eq!(verdict.signers[0].not_after, days(-100));
}

#[test]
fn x20_a_signer_expired_before_its_timestamp_is_refused() {
    let world = World::new();
    let expired = Shape {
        from: days(-300),
        to: days(-100),
        ..Shape::signer("Signer")
    };
    let signer = world.issuing.issue(&expired);
    let cms = signer.detached(&[&world.issuing.cert]);
    assert_eq!(
        refused(&world.verify_at(&cms, days(-99))),
        (Chain, "E_CERT_EXPIRED")
    );
    assert_eq!(
        refused(&world.verify_at(&cms, days(-301))),
        (Chain, "E_CERT_NOT_YET_VALID")
    );
    let alone = crate::pki::verdict(&world.store(), MANIFEST, &cms, &[]);
    assert_eq!(refused(&alone), (Chain, "E_CERT_EXPIRED"));
}

#[test]
fn x20_an_expired_authority_is_refused_too() {
    let world = World::new();
    let old = world.root.issue(&Shape {
        to: days(-1),
        ..Shape::authority("Old")
    });
    let signer = old.issue(&Shape::signer("Signer"));
    let verdict = world.verify(&signer.detached(&[&old.cert]));
    assert_eq!(refused(&verdict), (Chain, "E_CERT_EXPIRED"));
    assert_eq!(
        verdict.first_failure().unwrap().facts["subject"],
        "CN=Old,O=Test"
    );
}

/// Runs a case that must not take long.
fn quickly<T>(case: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = case();
    let took = started.elapsed();
    assert!(took < Duration::from_mins(1), "took {took:?}");
    result
}

#[test]
fn x32_a_cycle_of_authorities_ends() {
    let world = World::new();
    let (one, two) = (p256(), p256());
    let issue = |subject: &str, key: &PKey<_>, issuer: &str, issuer_key: &PKey<_>| {
        let above = name(&[("O", "Test"), ("CN", issuer)]);
        certificate(&Shape::authority(subject), key, &above, None, issuer_key)
    };
    let a = issue("A", &one, "B", &two);
    let b = issue("B", &two, "A", &one);
    let signer = Owner {
        key: one,
        cert: a.clone(),
    }
    .issue(&Shape::signer("Signer"));
    let cms = signer.detached(&[&a, &b]);
    assert_eq!(refused(&quickly(|| world.verify(&cms))).0, Chain);
}

/// Authorities one below the other, lowest last.
fn tower(world: &World, height: usize) -> Vec<Owner> {
    let mut tower: Vec<Owner> = Vec::new();
    for level in 0..height {
        let above = tower.last().unwrap_or(&world.root);
        let next = above.issue(&Shape::authority(&format!("Level {level}")));
        tower.push(next);
    }
    tower
}

fn sign_below(tower: &[Owner]) -> Vec<u8> {
    let signer = tower.last().unwrap().issue(&Shape::signer("Signer"));
    let chain: Vec<&X509> = tower.iter().map(|owner| &owner.cert).collect();
    signer.detached(&chain)
}

#[test]
fn x32_chains_are_five_long_and_no_longer() {
    let world = World::new();
    let tower = tower(&world, 4);
    world.trust("CN=Signer,O=Test", &tower[2], "");
    accepted(&world.verify(&sign_below(&tower[..3])));
    let verdict = quickly(|| world.verify(&sign_below(&tower)));
    assert_eq!(refused(&verdict), (Chain, "E_CHAIN_LENGTH"));
}

#[test]
fn x32_a_hundred_intermediates_are_refused_unread() {
    let world = World::new();
    let cms = sign_below(&tower(&world, 100));
    let verdict = quickly(|| world.verify(&cms));
    assert_eq!(refused(&verdict), (Signature, "E_TOO_MANY"));
    let cms = sign_below(&tower(&world, 31));
    assert_eq!(
        refused(&quickly(|| world.verify(&cms))),
        (Chain, "E_CHAIN_LENGTH")
    );
}

#[test]
fn x32_name_constraints_do_not_blow_up() {
    let world = World::new();
    let names: Vec<Vec<u8>> = (0..600)
        .map(|number| {
            let text = format!("d{number}.example");
            der(0x30, &[&der(0x82, &[text.as_bytes()])])
        })
        .collect();
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let constraints = der(0x30, &[&der(0xa0, &names)]);
    let many = extension("2.5.29.30", true, &constraints);
    let narrow = world.root.issue(&Shape {
        extra: vec![many],
        ..Shape::authority("Narrow")
    });
    let alternatives: Vec<Vec<u8>> = (0..600)
        .map(|number| der(0x82, &[format!("d{number}.example").as_bytes()]))
        .collect();
    let alternatives: Vec<&[u8]> = alternatives.iter().map(Vec::as_slice).collect();
    let wide = extension("2.5.29.17", false, &der(0x30, &alternatives));
    let signer = narrow.issue(&Shape {
        extra: vec![wide],
        ..Shape::signer("Signer")
    });
    let cms = signer.detached(&[&narrow.cert]);
    world.trust("CN=Signer,O=Test", &narrow, "");
    quickly(|| world.verify(&cms));
    let huge = extension(
        "2.5.29.30",
        true,
        &der(0x30, &[&der(0xa0, &vec![names[0]; 1200])]),
    );
    let narrow = world.root.issue(&Shape {
        extra: vec![huge],
        ..Shape::authority("Narrow")
    });
    let cms = narrow
        .issue(&Shape::signer("Signer"))
        .detached(&[&narrow.cert]);
    assert_eq!(
        refused(&quickly(|| world.verify(&cms))),
        (Signature, "E_TOO_LARGE")
    );
}

#[test]
fn x32_a_name_outside_its_constraints_is_refused() {
    let world = World::new();
    let other = name(&[("O", "Other")]).to_der().unwrap();
    let permitted = der(0x30, &[&der(0xa0, &[&der(0x30, &[&der(0xa4, &[&other])])])]);
    let only = extension("2.5.29.30", true, &permitted);
    let narrow = world.root.issue(&Shape {
        extra: vec![only],
        ..Shape::authority("Narrow")
    });
    let cms = narrow
        .issue(&Shape::signer("Signer"))
        .detached(&[&narrow.cert]);
    assert_eq!(refused(&world.verify(&cms)), (Chain, "E_CERT_PROFILE"));
}

#[test]
fn x32_rsa_16384_is_refused_before_it_is_used() {
    let world = World::new();
    let mut modulus = vec![0xff; 2048];
    openssl::rand::rand_bytes(&mut modulus).unwrap();
    modulus[0] |= 0x80;
    *modulus.last_mut().unwrap() |= 1;
    let modulus = BigNum::from_slice(&modulus).unwrap();
    let exponent = BigNum::from_u32(65_537).unwrap();
    let huge = PKey::from_rsa(Rsa::from_public_components(modulus, exponent).unwrap()).unwrap();
    let link = world.root.certify(&Shape::authority("Huge"), &huge);
    let cms = world.signer.detached(&[&world.issuing.cert, &link]);
    let verdict = quickly(|| world.verify(&cms));
    assert_eq!(refused(&verdict), (Signature, "E_KEY_SIZE"));
    let modulus = world.openssl(&["prime", "-generate", "-bits", "3072", "-hex"]);
    let modulus = BigNum::from_hex_str(std::str::from_utf8(&modulus).unwrap().trim()).unwrap();
    let exponent = BigNum::from_slice(&[0xff; 300]).unwrap();
    let slow = PKey::from_rsa(Rsa::from_public_components(modulus, exponent).unwrap()).unwrap();
    let link = world.root.certify(&Shape::authority("Slow"), &slow);
    let cms = world.signer.detached(&[&world.issuing.cert, &link]);
    assert_eq!(
        refused(&quickly(|| world.verify(&cms))),
        (Signature, "E_KEY_SIZE")
    );
}

#[test]
fn x33_certificates_out_of_profile_are_refused() {
    let world = World::new();
    let profile = |shape: Shape| {
        let signer = world.issuing.issue(&shape);
        let verdict = world.verify(&signer.detached(&[&world.issuing.cert]));
        let (name, code) = refused(&verdict);
        (name, code.to_owned())
    };
    let expected = (Chain, "E_CERT_PROFILE".to_owned());
    assert_eq!(
        profile(Shape {
            version: 0,
            ..Shape::signer("Signer")
        }),
        expected
    );
    assert_eq!(
        profile(Shape {
            serial: vec![0],
            ..Shape::signer("Signer")
        }),
        expected
    );
    assert_eq!(
        profile(Shape {
            serial: vec![1; 21],
            ..Shape::signer("Signer")
        }),
        expected
    );
    assert_eq!(
        profile(Shape {
            is_ca: true,
            ..Shape::signer("Signer")
        }),
        expected
    );
    for serial in [vec![1; 20], vec![0xff; 20]] {
        let signer = world.issuing.issue(&Shape {
            serial,
            ..Shape::signer("Signer")
        });
        accepted(&world.verify(&signer.detached(&[&world.issuing.cert])));
    }
}

#[test]
fn x33_what_rfc_5280_asks_beyond_openssls_habit_is_asked() {
    let world = World::new();
    let mut usage = KeyUsage::new();
    usage.critical().digital_signature().key_cert_sign();
    let signer = world.issuing.issue(&Shape {
        key_usage: Some(usage),
        ..Shape::signer("Signer")
    });
    let verdict = world.verify(&signer.detached(&[&world.issuing.cert]));
    assert_eq!(refused(&verdict), (Chain, "E_CERT_PROFILE"));
    let unlimited = world.root.issue(&Shape {
        key_usage: None,
        ..Shape::authority("Unlimited")
    });
    let signer = unlimited.issue(&Shape::signer("Signer"));
    let verdict = world.verify(&signer.detached(&[&unlimited.cert]));
    assert_eq!(refused(&verdict), (Chain, "E_CERT_PROFILE"));
}

#[test]
fn x33_an_issuer_that_is_no_authority_is_refused() {
    let world = World::new();
    let leaf = world.issuing.issue(&Shape::signer("Leaf"));
    let signer = leaf.issue(&Shape::signer("Signer"));
    let verdict = world.verify(&signer.detached(&[&world.issuing.cert, &leaf.cert]));
    assert_eq!(refused(&verdict), (Chain, "E_CERT_PROFILE"));
}

#[test]
fn x33_dsa_is_refused_by_name() {
    let world = World::new();
    world.openssl(&[
        "genpkey",
        "-genparam",
        "-algorithm",
        "DSA",
        "-pkeyopt",
        "dsa_paramgen_bits:2048",
        "-out",
        "dsa.param",
    ]);
    let key = world.openssl(&["genpkey", "-paramfile", "dsa.param"]);
    let key = PKey::private_key_from_pem(&key).unwrap();
    let signer = world.issuing.issue_for(&Shape::signer("Signer"), key);
    let verdict = world.verify(&signer.detached(&[&world.issuing.cert]));
    assert_eq!(refused(&verdict).0, Signature);
    assert!(
        verdict
            .checks
            .iter()
            .any(|check| check.name == Chain && check.code.as_deref() == Some("E_KEY_TYPE"))
    );
}
