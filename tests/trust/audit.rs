//! What a check of the trust itself finds.

use std::time::Duration;

use isi_catalog::trust::{Severity, TrustItemKind, TrustStore};
use openssl::pkey::PKey;
use openssl::rsa::Rsa;

use crate::pki::{Owner, Shape, World, certificate, days, now};

/// Severity and code of every finding.
fn found(world: &World) -> Vec<(Severity, String)> {
    let within = Duration::from_hours(30 * 24);
    let store = TrustStore::load(&world.paths()).unwrap();
    let findings = store.findings(now(), within).into_iter();
    findings
        .map(|finding| (finding.severity, finding.code))
        .collect()
}

/// The codes of the findings that are more than a note.
fn serious(world: &World) -> Vec<String> {
    let serious = found(world)
        .into_iter()
        .filter(|(severity, _)| *severity != Severity::Note);
    serious.map(|(_, code)| code).collect()
}

/// A root of another shape, with a key of its own.
fn root(shape: &Shape) -> Owner {
    let key = crate::pki::p256();
    let cert = certificate(shape, &key, &shape.subject, None, &key);
    Owner { key, cert }
}

#[test]
fn a_usual_trust_has_notes_only() {
    let world = World::new();
    let notes: Vec<_> = found(&world);
    let expected = ["T_NO_CRLS", "T_ISSUER_UNKNOWN"].map(|code| (Severity::Note, code.to_owned()));
    assert_eq!(notes, expected);
    // Once the issuer is an anchor that only completes chains, everything is known and used.
    world.write("certs/issuing.pem", &world.issuing.pem());
    assert_eq!(found(&world), [(Severity::Note, "T_NO_CRLS".to_owned())]);
}

#[test]
fn anchors_that_end_ended_or_have_not_begun() {
    for (from, to, expected) in [
        (days(-1), days(31), &[][..]),
        (days(-1), days(29), &["T_EXPIRES_SOON"]),
        (days(-20), days(-1), &["T_EXPIRED"]),
        (days(1), days(100), &["T_NOT_YET_VALID"]),
    ] {
        for directory in ["certs", "tsa-certs"] {
            let world = World::new();
            let shape = Shape {
                from,
                to,
                ..Shape::authority("Other")
            };
            world.write(&format!("{directory}/other.pem"), &root(&shape).pem());
            assert_eq!(serious(&world), expected, "{directory}");
        }
    }
}

#[test]
fn anchors_that_no_chain_can_end_in() {
    let world = World::new();
    world.write("certs/signer.pem", &world.signer.pem());
    assert_eq!(serious(&world), ["T_NO_AUTHORITY"]);
    let world = World::new();
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let shape = Shape::authority("Short");
    let cert = certificate(&shape, &key, &shape.subject, None, &key);
    let short = Owner { key, cert };
    world.write("certs/short.pem", &short.pem());
    assert_eq!(serious(&world), ["T_WEAK_KEY"]);
    // Long enough for a timestamp authority.
    std::fs::remove_file(world.path("certs/short.pem")).unwrap();
    world.write("tsa-certs/short.pem", &short.pem());
    assert!(serious(&world).is_empty());
    let world = World::new();
    world.write("certs/root.pem", &world.issuing.pem());
    assert_eq!(serious(&world), ["T_NO_ROOT"]);
    world.trust(
        "CN=Signer,O=Test",
        &world.issuing,
        "[policy]\nintermediate_anchors = true",
    );
    assert!(serious(&world).is_empty());
}

#[test]
fn an_anchor_that_nothing_needs() {
    let world = World::new();
    world.write("certs/issuing.pem", &world.issuing.pem());
    world.write("certs/other.pem", &root(&Shape::authority("Other")).pem());
    assert_eq!(serious(&world), ["T_ANCHOR_UNUSED"]);
    // The root of one that is needed is needed, too; and nobody knows what comes with packages.
    std::fs::remove_file(world.path("certs/issuing.pem")).unwrap();
    assert!(serious(&world).is_empty());
}

#[test]
fn stores_that_do_not_fit_each_other() {
    let world = World::new();
    world.write("tsa-certs/more.pem", &world.root.pem());
    assert_eq!(serious(&world), ["T_SHARED_ANCHOR"]);
    let world = World::new();
    let mut paths = world.paths();
    paths.tsa_certs = None;
    let codes = |paths| {
        let store = TrustStore::load(paths).unwrap();
        let found = store.findings(now(), Duration::ZERO).into_iter();
        found.map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(&paths)[0], "T_NO_TSA");
    world.trust(
        "CN=Signer,O=Test",
        &world.issuing,
        "[policy]\ntimestamp = \"if-present\"\nthreshold = 2",
    );
    assert_eq!(codes(&paths)[0], "T_FEW_IDENTITIES");
}

#[test]
fn items_say_what_is_in_force_and_until_when() {
    use TrustItemKind::{Anchor, Identity, TsaAnchor};
    let world = World::new();
    world.write("certs/issuing.pem", &world.issuing.pem());
    let items = world.store().items(now());
    let kinds: Vec<_> = items.iter().map(|item| item.kind).collect();
    assert_eq!(kinds, [Anchor, Anchor, TsaAnchor, Identity]);
    let anchor = items
        .iter()
        .find(|item| item.name == "CN=Root,O=Test")
        .unwrap();
    assert_eq!(anchor.days_left, Some(3650));
    assert_eq!(
        (anchor.from, anchor.until),
        (Some(days(-365)), Some(days(3650)))
    );
    let rule = items[3].rule.as_ref().unwrap();
    assert_eq!(rule.subject, "CN=Signer,O=Test");
    assert_eq!(rule.issuer.as_deref(), Some("CN=Issuing,O=Test"));
    assert_eq!(rule.issuer_spki_sha256, world.issuing.spki());
    let past = world.store().items(days(3651));
    assert!(past.iter().any(|item| item.days_left == Some(-1)));
}
