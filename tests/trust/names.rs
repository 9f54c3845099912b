//! Rows X30, X31 and the sibling authority: who a signer is.

use isi_catalog::trust::CheckName;
use openssl::asn1::Asn1Type;
use openssl::x509::{X509Name, X509NameBuilder};

use crate::pki::{Owner, Shape, World, accepted, der, name, refused};

use CheckName::Identity;

impl World {
    /// Verifies a signer of this name, issued by the issuing authority.
    fn verify_named(&self, subject: X509Name) -> isi_catalog::trust::Verdict {
        let signer = self.issuing.issue(&Shape {
            subject,
            ..Shape::signer("x")
        });
        self.verify(&signer.detached(&[&self.issuing.cert]))
    }
}

#[test]
fn x30_only_the_exact_name_matches() {
    let world = World::new();
    accepted(&world.verify_named(name(&[("O", "Test"), ("CN", "Signer")])));
    for other in [
        &[("O", "Test"), ("CN", "signer")][..],
        &[("O", "Test"), ("CN", "Signer ")],
        &[("O", "Test"), ("CN", " Signer")],
        &[("O", "Te st"), ("CN", "Signer")],
        &[("O", "Test\t"), ("CN", "Signer")],
        &[("CN", "Signer"), ("O", "Test")],
        &[("C", "US"), ("O", "Test"), ("CN", "Signer")],
        &[("O", "Test"), ("CN", "Signer"), ("CN", "Signer")],
        &[("CN", "Signer")],
        &[("O", "Test"), ("CN", "S\u{456}gner")],
        &[("O", "Test"), ("OU", "Signer")],
    ] {
        let verdict = world.verify_named(name(other));
        assert_eq!(refused(&verdict), (Identity, "E_IDENTITY"), "{other:?}");
    }
}

/// A name of one attribute with this string type.
fn typed(value: &str, kind: Asn1Type) -> X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    builder.append_entry_by_text("O", "Test").unwrap();
    builder
        .append_entry_by_text_with_type("CN", value, kind)
        .unwrap();
    builder.build()
}

#[test]
fn x31_hostile_names_are_refused_without_a_panic() {
    let world = World::new();
    accepted(&world.verify_named(typed("Signer", Asn1Type::PRINTABLESTRING)));
    accepted(&world.verify_named(typed("Signer", Asn1Type::IA5STRING)));
    let value = |tag: u8, bytes: &[u8]| {
        let pair = |oid: &[u8], value: &[u8]| der(0x31, &[&der(0x30, &[&der(6, &[oid]), value])]);
        let organization = pair(&[0x55, 4, 10], &der(0x0c, &[b"Test"]));
        let common = pair(&[0x55, 4, 3], &der(tag, &[bytes]));
        X509Name::from_der(&der(0x30, &[&organization, &common])).unwrap()
    };
    for subject in [
        name(&[("O", "Test/CN=Signer")]),
        name(&[("CN", "Signer,O=Test")]),
        name(&[("O", "Test"), ("CN", "Signer\n")]),
        name(&[("O", "Test"), ("CN", "Signer"), ("1.2.3.4", "x")]),
        value(0x1e, b"\0S\0i\0g\0n\0e\0r"),
        value(0x14, b"Signer"),
        value(0x0c, b"Signer\0"),
        value(0x0c, b"Signer\0.evil"),
        value(0x13, b""),
    ] {
        let verdict = world.verify_named(subject);
        assert_eq!(refused(&verdict), (Identity, "E_IDENTITY"), "{verdict:#?}");
    }
}

#[test]
fn x31_sets_of_several_attributes_match_in_any_order_of_text() {
    let world = World::new();
    let pair = |oid: &[u8], value: &[u8]| der(0x30, &[&der(6, &[oid]), &der(0x0c, &[value])]);
    let set = der(
        0x31,
        &[
            &pair(&[0x55, 4, 3], b"Signer"),
            &pair(&[0x55, 4, 11], b"Unit"),
        ],
    );
    let subject = || X509Name::from_der(&der(0x30, &[&set])).unwrap();
    for text in ["CN=Signer+OU=Unit", "OU=Unit+CN=Signer"] {
        world.trust(text, &world.issuing, "");
        accepted(&world.verify_named(subject()));
    }
    world.trust("CN=Signer,OU=Unit", &world.issuing, "");
    assert_eq!(
        refused(&world.verify_named(subject())),
        (Identity, "E_IDENTITY")
    );
}

#[test]
fn x31_our_text_of_a_name_is_openssls() {
    let world = World::new();
    for subject in [
        name(&[
            ("C", "US"),
            ("ST", "WA"),
            ("L", "Sea"),
            ("O", "Isln Powerscale OneFS"),
            ("CN", "Isln OneFS."),
        ]),
        name(&[
            ("O", " a,b+c\"d\\e<f>g;h=i/j# "),
            ("CN", "#\u{fc}\n\u{1F600}"),
        ]),
        name(&[
            ("emailAddress", "a@b.c"),
            ("serialNumber", "1"),
            ("1.2.3.4", "x"),
            ("DC", "d"),
            ("UID", "u"),
        ]),
        X509Name::from_der(&der(
            0x30,
            &[&der(
                0x31,
                &[&der(
                    0x30,
                    &[&der(6, &[&[0x55, 4, 3]]), &der(0x1e, &[b"\0\xfc\0b"])],
                )],
            )],
        ))
        .unwrap(),
        X509Name::from_der(&der(
            0x30,
            &[&der(
                0x31,
                &[
                    &der(0x30, &[&der(6, &[&[0x55, 4, 3]]), &der(0x0c, &[b"a"])]),
                    &der(0x30, &[&der(6, &[&[0x55, 4, 11]]), &der(0x0c, &[b"b"])]),
                ],
            )],
        ))
        .unwrap(),
    ] {
        let signer = world.issuing.issue(&Shape {
            subject,
            ..Shape::signer("x")
        });
        let path = world.write("signer.pem", &signer.pem());
        let path = path.to_str().unwrap();
        let printed = world.openssl(&[
            "x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in", path,
        ]);
        let printed = String::from_utf8(printed).unwrap();
        let printed = printed
            .strip_prefix("subject=")
            .unwrap()
            .trim_end_matches('\n');
        let verdict = world.verify(&signer.detached(&[&world.issuing.cert]));
        assert_eq!(verdict.signers[0].subject, printed);
        if printed != "CN=\\C3\\BCb" {
            world.trust(printed, &world.issuing, "");
            accepted(&world.verify(&signer.detached(&[&world.issuing.cert])));
        }
    }
}

#[test]
fn a_name_issued_by_a_sibling_authority_is_refused() {
    let world = World::new();
    let sibling = world.root.issue(&Shape::authority("Sibling"));
    let signer = sibling.issue(&Shape::signer("Signer"));
    let verdict = world.verify(&signer.detached(&[&sibling.cert]));
    assert_eq!(refused(&verdict), (Identity, "E_IDENTITY_ISSUER"));
    // An authority of the very same name and another key does not help.
    let double = world.root.issue(&Shape::authority("Issuing"));
    let signer = double.issue(&Shape::signer("Signer"));
    let verdict = world.verify(&signer.detached(&[&double.cert, &world.issuing.cert]));
    assert_eq!(refused(&verdict), (Identity, "E_IDENTITY_ISSUER"));
    // A new certificate of the same authority key is the same authority.
    let renewed = world
        .root
        .issue_for(&Shape::authority("Issuing"), world.issuing.key.clone());
    let signer = renewed.issue(&Shape::signer("Signer"));
    accepted(&world.verify(&signer.detached(&[&renewed.cert])));
}

#[test]
fn an_identity_covers_what_it_names_and_no_more() {
    let world = World::new();
    let cms = world.signer.detached(&[&world.issuing.cert]);
    for (rule, expected) in [
        ("types = [\"onefs\"]", None),
        ("types = [\"patch\", \"dsp\"]", Some("E_IDENTITY_SCOPE")),
        ("products = [\"onefs\", \"other\"]", None),
        ("products = [\"*\"]", None),
        ("products = [\"OneFS\"]", Some("E_IDENTITY_SCOPE")),
        ("versions = \">=9.4, <10\"", None),
        ("versions = \">9.4\"", Some("E_IDENTITY_SCOPE")),
    ] {
        world.trust("CN=Signer,O=Test", &world.issuing, rule);
        let verdict = world.verify(&cms);
        match expected {
            None => accepted(&verdict),
            Some(code) => assert_eq!(refused(&verdict), (Identity, code), "{rule}"),
        }
    }
}

#[test]
fn without_a_rule_nobody_may_sign() {
    let world = World::new();
    world.write("identities.toml", b"");
    let verdict = world.verify(&world.signer.detached(&[&world.issuing.cert]));
    assert_eq!(refused(&verdict), (Identity, "E_IDENTITY"));
    assert_eq!(verdict.signers[0].identity, None);
    let stranger = Owner::root("Stranger").issue(&Shape::signer("Signer"));
    let verdict = world.verify(&stranger.detached(&[]));
    assert!(
        verdict
            .signers
            .iter()
            .all(|signer| signer.identity.is_none())
    );
}
