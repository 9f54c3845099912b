//! Rows X1 to X9, X15 to X18 and X35: the signature itself.

use isi_catalog::trust::{
    CheckName, Credential, KeySigner, Sign as _, append_signature, check_signature_belongs,
};
use openssl::cms::CMSOptions;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::extension::KeyUsage;

use crate::forge;
use crate::pki::{MANIFEST, Owner, Shape, World, accepted, der, refused, verdict};

use CheckName::{Chain, Identity, Purpose, Signature};

#[test]
fn x01_a_certificate_for_code_signing_is_accepted() {
    let world = World::new();
    accepted(&world.verify(&world.signer.detached(&[&world.issuing.cert])));
    let own = world
        .signer
        .key_signer(&[&world.issuing.cert])
        .sign(MANIFEST)
        .unwrap();
    accepted(&world.verify(&own));
}

#[test]
fn x02_other_purposes_and_usages_are_refused() {
    let world = World::new();
    for purposes in [
        vec![],
        vec!["serverAuth"],
        vec!["anyExtendedKeyUsage"],
        vec!["codeSigning", "timeStamping"],
        vec!["codeSigning", "anyExtendedKeyUsage"],
    ] {
        let signer = world.issuing.issue(&Shape {
            purposes,
            ..Shape::signer("Signer")
        });
        let verdict = world.verify(&signer.detached(&[&world.issuing.cert]));
        assert_eq!(refused(&verdict), (Purpose, "E_EKU"));
    }
    let mut usage = KeyUsage::new();
    usage.critical().key_encipherment();
    let signer = world.issuing.issue(&Shape {
        key_usage: Some(usage),
        ..Shape::signer("Signer")
    });
    let verdict = world.verify(&signer.detached(&[&world.issuing.cert]));
    assert_eq!(refused(&verdict), (Purpose, "E_KEY_USAGE"));
    let limited = Shape {
        purposes: vec!["serverAuth"],
        ..Shape::authority("Web")
    };
    let web = world.root.issue(&limited);
    let signer = web.issue(&Shape::signer("Signer"));
    assert_eq!(
        refused(&world.verify(&signer.detached(&[&web.cert]))),
        (Purpose, "E_EKU")
    );
    let none = Shape {
        key_usage: None,
        ..Shape::signer("Signer")
    };
    accepted(&world.verify(&world.issuing.issue(&none).detached(&[&world.issuing.cert])));
}

#[test]
fn x04_one_rogue_among_good_signers_refuses_all() {
    let world = World::new();
    let rogue_root = Owner::root("Root");
    let rogue = rogue_root.issue(&Shape::signer("Signer"));
    let good = world
        .signer
        .key_signer(&[&world.issuing.cert])
        .sign(MANIFEST)
        .unwrap();
    let both = append_signature(&good, MANIFEST, &rogue.key_signer(&[])).unwrap();
    let verdict = world.verify(&both);
    assert_eq!(refused(&verdict), (Chain, "E_SIGNER_COUNT"));
    let facts = &verdict.first_failure().unwrap().facts;
    assert_eq!((&*facts["good"], &*facts["total"]), ("1", "2"));
}

#[test]
fn x04_a_signature_without_signers_is_refused() {
    let world = World::new();
    let oid = |content: &[u8]| der(6, &[content]);
    let data = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1]);
    let signed = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]);
    let body = der(
        0x30,
        &[
            &[2, 1, 1],
            &der(0x31, &[]),
            &der(0x30, &[&data]),
            &der(0x31, &[]),
        ],
    );
    let cms = der(0x30, &[&signed, &der(0xa0, &[&body])]);
    assert_eq!(refused(&world.verify(&cms)), (Signature, "E_SIGNER_COUNT"));
    assert_eq!(
        check_signature_belongs(&cms, MANIFEST).unwrap_err().code(),
        "E_SIGNER_COUNT"
    );
}

#[test]
fn x05_every_signer_must_have_an_identity() {
    let world = World::new();
    let other = world.issuing.issue(&Shape::signer("Somebody"));
    let chain = [&world.issuing.cert];
    let one = world.signer.key_signer(&chain).sign(MANIFEST).unwrap();
    let both = append_signature(&one, MANIFEST, &other.key_signer(&chain)).unwrap();
    let verdict = world.verify(&both);
    assert_eq!(refused(&verdict), (Identity, "E_IDENTITY"));
    assert_eq!(verdict.signers.len(), 2);
}

#[test]
fn x05_a_threshold_counts_identities_and_keys() {
    let world = World::new();
    let chain = [&world.issuing.cert];
    let rule = |name: &str| {
        format!(
            "[[identity]]\nname = \"{name}\"\nsubject = \"CN={name},O=Test\"\nissuer_spki_sha256 = \"{}\"\n",
            world.issuing.spki()
        )
    };
    let text = format!(
        "{}{}[policy]\nthreshold = 2\n",
        rule("Signer"),
        rule("Second")
    );
    world.write("identities.toml", text.as_bytes());
    let one = world.signer.key_signer(&chain).sign(MANIFEST).unwrap();
    assert_eq!(
        refused(&world.verify(&one)),
        (CheckName::Policy, "E_THRESHOLD")
    );
    let second = world.issuing.issue(&Shape::signer("Second"));
    let two = append_signature(&one, MANIFEST, &second.key_signer(&chain)).unwrap();
    accepted(&world.verify(&two));
    let renewed = world.issuing.issue(&Shape::signer("Signer"));
    let same = append_signature(&one, MANIFEST, &renewed.key_signer(&chain)).unwrap();
    assert_eq!(
        refused(&world.verify(&same)),
        (CheckName::Policy, "E_THRESHOLD")
    );
    let one_key = world
        .issuing
        .issue_for(&Shape::signer("Second"), world.signer.key.clone());
    let same = append_signature(&one, MANIFEST, &one_key.key_signer(&chain)).unwrap();
    assert_eq!(
        refused(&world.verify(&same)),
        (CheckName::Policy, "E_THRESHOLD")
    );
}

#[test]
fn x06_signed_attributes_are_required() {
    let world = World::new();
    let options = CMSOptions::BINARY | CMSOptions::DETACHED | CMSOptions::NOATTR;
    let cms = world.signer.cms(&[&world.issuing.cert], MANIFEST, options);
    assert_eq!(refused(&world.verify(&cms)), (Signature, "E_SIGNED_ATTRS"));
}

/// Signs with the command-line tool and these arguments.
fn tool(world: &World, signer: &Owner, more: &[&str]) -> Vec<u8> {
    forge::cms(
        world.home.path(),
        signer,
        &[&world.issuing.cert],
        MANIFEST,
        more,
    )
}

#[test]
fn x07_weak_digests_are_refused() {
    let world = World::new();
    let rsa = PKey::from_rsa(Rsa::generate(3072).unwrap()).unwrap();
    let rsa = world.issuing.issue_for(&Shape::signer("Signer"), rsa);
    let md5 = tool(&world, &rsa, &["-md", "md5"]);
    assert_eq!(refused(&world.verify(&md5)), (Signature, "E_WEAK_DIGEST"));
    for digest in ["sha1", "sha224"] {
        let cms = tool(&world, &world.signer, &["-md", digest]);
        assert_eq!(
            refused(&world.verify(&cms)),
            (Signature, "E_WEAK_DIGEST"),
            "{digest}"
        );
    }
    for digest in ["sha256", "sha384", "sha512"] {
        accepted(&world.verify(&tool(&world, &world.signer, &["-md", digest])));
    }
}

#[test]
fn x08_content_that_comes_along_or_differs_is_refused() {
    let world = World::new();
    let attached = world
        .signer
        .cms(&[&world.issuing.cert], MANIFEST, CMSOptions::BINARY);
    assert_eq!(
        refused(&world.verify(&attached)),
        (Signature, "E_NOT_DETACHED")
    );
    let good = world.signer.detached(&[&world.issuing.cert]);
    let token = world.timestamp_at(&good, crate::pki::now());
    for other in [&b"other"[..], b""] {
        let verdict = verdict(&world.store(), other, &good, &token);
        assert_eq!(refused(&verdict), (Signature, "E_SIGNATURE"));
        assert_eq!(
            check_signature_belongs(&good, other).unwrap_err().code(),
            "E_SIGNATURE"
        );
    }
}

#[test]
fn x09_another_content_type_is_refused() {
    let world = World::new();
    let cms = tool(&world, &world.signer, &["-econtent_type", "1.2.3.4"]);
    assert_eq!(refused(&world.verify(&cms)), (Signature, "E_CONTENT_TYPE"));
}

#[test]
fn x15_no_flag_turns_the_signers_certificate_check_off() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/trust");
    let mut directories = vec![source];
    let mut files = 0;
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            files += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            for flag in [
                "NO_SIGNER_CERT_VERIFY",
                "NOVERIFY",
                "NO_CONTENT_VERIFY",
                "NO_ATTR_VERIFY",
                "set_default_paths",
            ] {
                assert!(!text.contains(flag), "{flag} in {}", path.display());
            }
        }
    }
    assert!(files > 20);
}

#[test]
fn x16_text_mode_is_refused() {
    let world = World::new();
    let text = world
        .signer
        .cms(&[&world.issuing.cert], MANIFEST, CMSOptions::DETACHED);
    assert_eq!(refused(&world.verify(&text)), (Signature, "E_SIGNATURE"));
}

#[test]
fn x17_rsa_is_pkcs1_and_pss_is_refused_by_name() {
    let world = World::new();
    let rsa = PKey::from_rsa(Rsa::generate(3072).unwrap()).unwrap();
    let signer = world.issuing.issue_for(&Shape::signer("Signer"), rsa);
    accepted(&world.verify(&signer.detached(&[&world.issuing.cert])));
    let own = signer
        .key_signer(&[&world.issuing.cert])
        .sign(MANIFEST)
        .unwrap();
    accepted(&world.verify(&own));
    let pss = tool(&world, &signer, &["-keyopt", "rsa_padding_mode:pss"]);
    assert_eq!(
        refused(&world.verify(&pss)),
        (Signature, "E_SIGNATURE_ALGORITHM")
    );
    let pss_key = world.openssl(&[
        "genpkey",
        "-algorithm",
        "RSA-PSS",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
    ]);
    let pss_key = PKey::private_key_from_pem(&pss_key).unwrap();
    let keyed = world.issuing.issue_for(&Shape::signer("Signer"), pss_key);
    assert_eq!(unfit(&keyed), "E_KEY_TYPE");
}

#[test]
fn x17_short_rsa_is_refused() {
    let world = World::new();
    let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let signer = world.issuing.issue_for(&Shape::signer("Signer"), rsa);
    assert_eq!(
        refused(&world.verify(&signer.detached(&[&world.issuing.cert]))),
        (Chain, "E_WEAK_KEY")
    );
    assert_eq!(unfit(&signer), "E_WEAK_KEY");
}

#[test]
fn x18_ed25519_is_refused_by_name() {
    let world = World::new();
    let key = PKey::generate_ed25519().unwrap();
    let signer = world.issuing.issue_for(&Shape::signer("Signer"), key);
    assert_eq!(unfit(&signer), "E_KEY_TYPE");
}

/// The code with which a credential or a signer made of it is refused.
fn unfit(owner: &Owner) -> &'static str {
    let key = owner.key.private_key_to_pem_pkcs8().unwrap();
    match Credential::from_bytes(&key, &owner.pem(), None, &mut || None) {
        Err(error) => error.code(),
        Ok(credential) => KeySigner::new(credential).unwrap_err().code(),
    }
}

#[test]
fn x18_p384_signs_with_sha384() {
    let world = World::new();
    let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::SECP384R1).unwrap();
    let key = PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
    let signer = world.issuing.issue_for(&Shape::signer("Signer"), key);
    let own = signer
        .key_signer(&[&world.issuing.cert])
        .sign(MANIFEST)
        .unwrap();
    accepted(&world.verify(&own));
    let described = isi_catalog::trust::describe_signature(&own).unwrap();
    assert_eq!(described[0].digest, "SHA-384");
}

#[test]
fn x35_only_one_encoding_is_accepted() {
    let world = World::new();
    let good = world.signer.detached(&[&world.issuing.cert]);
    accepted(&world.verify(&good));
    let trailing = [good.as_slice(), &[0]].concat();
    assert_eq!(refused(&world.verify(&trailing)), (Signature, "E_FORMAT"));
    let cut = &good[..good.len() - 1];
    assert_eq!(refused(&world.verify(cut)), (Signature, "E_FORMAT"));
    let streamed = tool(&world, &world.signer, &["-stream"]);
    assert_eq!(streamed.get(1), Some(&0x80));
    assert_eq!(refused(&world.verify(&streamed)), (Signature, "E_FORMAT"));
    let (one, two) = (world.signer.der(), world.issuing.der());
    let (one, two) = if find(&good, &one) < find(&good, &two) {
        (one, two)
    } else {
        (two, one)
    };
    let at = find(&good, &one);
    let mut swapped = good.clone();
    swapped.splice(at..at + one.len() + two.len(), [two, one].concat());
    assert_eq!(swapped.len(), good.len());
    let verdict = world.verify(&swapped);
    assert_eq!(refused(&verdict), (Signature, "E_FORMAT"));
    assert!(
        verdict
            .first_failure()
            .unwrap()
            .detail
            .as_ref()
            .unwrap()
            .contains("not DER")
    );
}

fn find(text: &[u8], part: &[u8]) -> usize {
    text.windows(part.len())
        .position(|window| window == part)
        .unwrap()
}

#[test]
fn x35_every_bit_of_a_signature_counts_or_changes_nothing() {
    let world = World::new();
    let good = world
        .signer
        .key_signer(&[&world.issuing.cert])
        .sign(MANIFEST)
        .unwrap();
    let store = world.store();
    let sealed = |signature: &[u8]| {
        let sealed = isi_catalog::trust::Sealed {
            manifest: MANIFEST,
            signature,
            timestamp: &[],
        };
        store.authenticate(&sealed, crate::pki::now()).is_sound()
    };
    assert!(sealed(&good));
    let start = find(&good, &world.signer.der());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(!sealed(&bad), "byte {at}, certificates start at {start}");
    }
}

#[test]
fn limits_hold_at_their_edge() {
    use isi_catalog::trust::limits;
    let world = World::new();
    let large = vec![0x30; limits::MAX_SIGNATURE_LENGTH + 1];
    assert_eq!(refused(&world.verify(&large)), (Signature, "E_TOO_LARGE"));
    assert_eq!(refused(&world.verify(&large[1..])), (Signature, "E_FORMAT"));
    let chain = [&world.issuing.cert];
    let mut all = world.signer.key_signer(&chain).sign(MANIFEST).unwrap();
    for number in 1..limits::MAX_SIGNERS {
        let other = world
            .issuing
            .issue(&Shape::signer(&format!("Signer {number}")));
        all = append_signature(&all, MANIFEST, &other.key_signer(&chain)).unwrap();
    }
    assert_eq!(refused(&world.verify(&all)), (Identity, "E_IDENTITY"));
    let one_more = world.issuing.issue(&Shape::signer("One more"));
    let refused = append_signature(&all, MANIFEST, &one_more.key_signer(&chain)).unwrap_err();
    assert_eq!(refused.code(), "E_TOO_MANY");
}

#[test]
fn a_certificate_signed_with_sha1_is_refused() {
    let world = World::new();
    let signer = world.issuing.issue(&Shape {
        digest: MessageDigest::sha1(),
        ..Shape::signer("Signer")
    });
    let verdict = world.verify(&signer.detached(&[&world.issuing.cert]));
    assert_eq!(refused(&verdict), (Chain, "E_CERT_PROFILE"));
}

#[test]
fn an_authority_signed_with_sha1_or_with_a_short_key_is_refused() {
    let world = World::new();
    let shape = || Shape::authority("Weak");
    let weak = world.root.issue(&Shape {
        digest: MessageDigest::sha1(),
        ..shape()
    });
    let cms = weak.issue(&Shape::signer("Signer")).detached(&[&weak.cert]);
    assert_eq!(refused(&world.verify(&cms)), (Chain, "E_CERT_PROFILE"));
    for bits in [1024, 2048] {
        let short = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
        let weak = world.root.issue_for(&shape(), short);
        let cms = weak.issue(&Shape::signer("Signer")).detached(&[&weak.cert]);
        assert_eq!(
            refused(&world.verify(&cms)),
            (Chain, "E_WEAK_KEY"),
            "{bits}"
        );
    }
}

/// The values one after the other in `der`, each with its tag and length.
fn values(mut der: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !der.is_empty() {
        let (head, length) = match der[1] {
            0x81 => (3, usize::from(der[2])),
            0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
            short => (2, usize::from(short)),
        };
        let (value, rest) = der.split_at(head + length);
        found.push(value);
        der = rest;
    }
    found
}

/// Appends a value to the last of the last ... `depth` levels down.
fn append(whole: &[u8], depth: usize, value: &[u8]) -> Vec<u8> {
    let head = match whole[1] {
        0x81 => 3,
        0x82 => 4,
        _ => 2,
    };
    let content = &whole[head..];
    let content = if depth == 0 {
        [content, value].concat()
    } else {
        let mut inside: Vec<Vec<u8>> = values(content).iter().map(|part| part.to_vec()).collect();
        let last = inside.pop().unwrap();
        inside.push(append(&last, depth - 1, value));
        inside.concat()
    };
    der(whole[0], &[&content])
}

#[test]
fn what_no_signature_covers_is_refused() {
    let world = World::new();
    let good = world
        .signer
        .key_signer(&[&world.issuing.cert])
        .sign(MANIFEST)
        .unwrap();
    let attribute = der(0x30, &[&der(6, &[&[0x2a, 3, 4]]), &der(0x31, &[&[5, 0]])]);
    let extended = append(&good, 4, &der(0xa1, &[&attribute]));
    let verdict = world.verify(&extended);
    assert_eq!(refused(&verdict), (Signature, "E_FORMAT"));
    assert_eq!(
        verdict.first_failure().unwrap().facts["field"],
        "unsignedAttrs"
    );
}
