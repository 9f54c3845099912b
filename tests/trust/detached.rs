//! Row X36 and the vectors of project Wycheproof, through our own check.

use isi_catalog::trust::{DigestAlgorithm, PublicKey, verify_detached};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use wycheproof::{TestResult, ecdsa, rsa_pkcs1_verify};

use crate::pki::{MANIFEST, der};

#[test]
fn x36_degenerate_signatures_are_refused() {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = EcKey::generate(&group).unwrap();
    let public = PKey::from_ec_key(key.clone())
        .unwrap()
        .public_key_to_der()
        .unwrap();
    let public = PublicKey::from_der(&public).unwrap();
    let verify = |signature: &[u8]| {
        verify_detached(&public, DigestAlgorithm::Sha256, MANIFEST, signature).is_ok()
    };
    let good = EcdsaSig::sign(&DigestAlgorithm::Sha256.digest(MANIFEST), &key).unwrap();
    let encoded = good.to_der().unwrap();
    assert!(verify(&encoded));
    let mut context = openssl::bn::BigNumContext::new().unwrap();
    let mut order = BigNum::new().unwrap();
    group.order(&mut order, &mut context).unwrap();
    let mut high_s = BigNum::new().unwrap();
    high_s.checked_sub(&order, good.s()).unwrap();
    let number = |number: &BigNum| {
        let bytes = number.to_vec();
        let pad: &[u8] = if bytes.first().is_none_or(|byte| *byte > 0x7f) {
            &[0]
        } else {
            &[]
        };
        der(2, &[pad, &bytes])
    };
    let pair = |r: &[u8], s: &[u8]| der(0x30, &[r, s]);
    let (r, s) = (
        number(&good.r().to_owned().unwrap()),
        number(&good.s().to_owned().unwrap()),
    );
    assert_eq!(pair(&r, &s), encoded);
    // Both values of s are signatures of the same key: that is how ECDSA is, and nothing here counts
    // signatures or compares them by their bytes.
    assert!(verify(&pair(&r, &number(&high_s))));
    let zero = der(2, &[&[0]]);
    let mut above = BigNum::new().unwrap();
    above.checked_add(good.r(), &order).unwrap();
    for bad in [
        pair(&zero, &zero),
        pair(&r, &zero),
        pair(&zero, &s),
        pair(&number(&order), &s),
        pair(&number(&above), &s),
        pair(&r, &number(&order)),
        pair(&der(2, &[&[0, 0], &good.r().to_vec()]), &s),
        pair(&der(2, &[&[0xff]]), &s),
        [encoded.as_slice(), &[0]].concat(),
        der(0x30, &[&r, &s, &[5, 0]]),
        der(0x30, &[&r]),
        encoded[..encoded.len() - 1].to_vec(),
        [&[0x30, 0x81][..], &encoded[1..]].concat(),
        [&[0x30, 0x80][..], &encoded[2..], &[0, 0]].concat(),
        Vec::new(),
        vec![0; 64],
        [
            good.r().to_vec_padded(32).unwrap(),
            good.s().to_vec_padded(32).unwrap(),
        ]
        .concat(),
    ] {
        assert!(!verify(&bad), "{bad:02x?}");
    }
    let error = verify_detached(&public, DigestAlgorithm::Sha256, b"other", &encoded).unwrap_err();
    assert_eq!(error.code(), "E_SIGNATURE");
}

#[test]
fn keys_that_are_not_supported_are_refused() {
    let ed25519 = PKey::generate_ed25519()
        .unwrap()
        .public_key_to_der()
        .unwrap();
    assert_eq!(
        PublicKey::from_der(&ed25519).unwrap_err().code(),
        "E_KEY_TYPE"
    );
    let weak = PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap();
    let weak = weak.public_key_to_der().unwrap();
    assert_eq!(PublicKey::from_der(&weak).unwrap_err().code(), "E_KEY_TYPE");
    assert_eq!(PublicKey::from_der(&[0x30, 0]).unwrap_err().code(), "E_KEY");
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let pem = key.public_key_to_pem().unwrap();
    assert!(PublicKey::from_pem(&pem).is_ok());
    let mut off_curve = key.public_key_to_der().unwrap();
    *off_curve.last_mut().unwrap() ^= 1;
    assert_eq!(PublicKey::from_der(&off_curve).unwrap_err().code(), "E_KEY");
}

/// Runs one case; the answer is whether ours agrees.
fn agrees(
    key: &PublicKey,
    digest: DigestAlgorithm,
    message: &[u8],
    signature: &[u8],
    expected: TestResult,
) -> bool {
    let valid = verify_detached(key, digest, message, signature).is_ok();
    match expected {
        TestResult::Valid => valid,
        // Acceptable are legacy encodings that a verifier may take or leave: ours leaves them.
        TestResult::Invalid | TestResult::Acceptable => !valid,
    }
}

fn ecdsa_cases(name: ecdsa::TestName, digest: DigestAlgorithm) -> (usize, Vec<usize>) {
    let set = ecdsa::TestSet::load(name).unwrap();
    let (mut count, mut differ) = (0, Vec::new());
    for group in set.test_groups {
        let key = PublicKey::from_der(&group.der).unwrap();
        for case in group.tests {
            count += 1;
            if !agrees(&key, digest, &case.msg, &case.sig, case.result) {
                differ.push(case.tc_id);
            }
        }
    }
    (count, differ)
}

#[test]
fn wycheproof_ecdsa_p256_sha256() {
    let (count, differ) = ecdsa_cases(
        ecdsa::TestName::EcdsaSecp256r1Sha256,
        DigestAlgorithm::Sha256,
    );
    assert_eq!((count, differ), (484, Vec::new()));
}

#[test]
fn wycheproof_ecdsa_p384_sha384() {
    let (count, differ) = ecdsa_cases(
        ecdsa::TestName::EcdsaSecp384r1Sha384,
        DigestAlgorithm::Sha384,
    );
    assert_eq!((count, differ), (504, Vec::new()));
}

#[test]
fn wycheproof_rsa_3072_sha256() {
    let set = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa3072Sha256).unwrap();
    let (mut count, mut differ) = (0, Vec::new());
    for group in set.test_groups {
        let key = PublicKey::from_der(&group.der).unwrap();
        for case in group.tests {
            count += 1;
            if !agrees(
                &key,
                DigestAlgorithm::Sha256,
                &case.msg,
                &case.sig,
                case.result,
            ) {
                differ.push(case.tc_id);
            }
        }
    }
    assert_eq!((count, differ), (259, Vec::new()));
}
