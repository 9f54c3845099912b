//! What must pass, and that other tools agree.

use isi_catalog::release::PackageType;
use isi_catalog::trust::{
    Claims, Credential, KeySigner, LocalAuthority, Outcome, Sealed, Sign as _,
    TimestampAuthority as _, TrustStore, Verdict, append_signature, check_signature_belongs,
    check_token_belongs, describe_signature, describe_timestamp, dev_pki,
};
use jiff::Timestamp;
use std::path::Path;

const NOW: &str = "2026-06-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn credential(keys: &Path, name: &str) -> Credential {
    let file = |ending: &str| keys.join(format!("{name}.{ending}"));
    Credential::load(&file("key"), &file("pem"), None, &mut || None).unwrap()
}

fn verdict(store: &TrustStore, sealed: &Sealed<'_>) -> Verdict {
    let version = "9.4.0.0".parse().unwrap();
    let claims = Claims {
        package_type: PackageType::Onefs,
        product: "onefs",
        version: &version,
    };
    let authentication = store.authenticate(sealed, now());
    let authorization = store.authorize(&authentication, &claims, None);
    let mut checks = authentication.checks().to_vec();
    checks.extend(authorization.checks);
    Verdict::new(
        checks,
        authorization.signers,
        authentication.timestamp().cloned(),
    )
}

#[test]
fn a_signed_and_timestamped_manifest_is_verified() {
    let home = tempfile::tempdir().unwrap();
    let pki = dev_pki::generate(home.path(), now()).unwrap();
    let store = TrustStore::load(&pki.trust).unwrap();
    let signer = KeySigner::new(credential(&pki.keys, "signer")).unwrap();
    let tsa = LocalAuthority::new(credential(&pki.keys, "tsa"), now()).unwrap();
    let manifest = b"manifest";
    let signature = signer.sign(manifest).unwrap();
    let timestamp = tsa.timestamp(&signature).unwrap();
    check_signature_belongs(&signature, manifest).unwrap();
    assert_eq!(check_token_belongs(&timestamp, &signature).unwrap(), now());
    let sealed = Sealed {
        manifest,
        signature: &signature,
        timestamp: &timestamp,
    };
    let verdict = verdict(&store, &sealed);
    assert!(verdict.verified, "{verdict:#?}");
    assert!(
        verdict
            .checks
            .iter()
            .all(|check| check.outcome == Outcome::Passed)
    );
    assert_eq!(verdict.signers[0].identity.as_deref(), Some("release"));
    assert_eq!(verdict.timestamp.unwrap().time, now());

    let described = describe_signature(&signature).unwrap();
    let certificate = described[0].certificate.as_ref().unwrap();
    assert_eq!(
        certificate.organization.as_deref(),
        Some("Example Appliances")
    );
    assert_eq!(certificate.extended_key_usage, ["codeSigning"]);
    assert_eq!(certificate.issuer_name, "Example Issuing Authority");
    assert_eq!(describe_timestamp(&timestamp).unwrap().time, now());
}

#[test]
fn the_sibling_with_the_signers_name_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let pki = dev_pki::generate(home.path(), now()).unwrap();
    let store = TrustStore::load(&pki.trust).unwrap();
    let signer = KeySigner::new(credential(&pki.keys, "sibling")).unwrap();
    let tsa = LocalAuthority::new(credential(&pki.keys, "tsa"), now()).unwrap();
    let signature = signer.sign(b"manifest").unwrap();
    let timestamp = tsa.timestamp(&signature).unwrap();
    let sealed = Sealed {
        manifest: b"manifest",
        signature: &signature,
        timestamp: &timestamp,
    };
    let verdict = verdict(&store, &sealed);
    let failure = verdict.first_failure().unwrap();
    assert_eq!(
        failure.code.as_deref(),
        Some("E_IDENTITY_ISSUER"),
        "{verdict:#?}"
    );
}

#[test]
fn two_signers_both_count() {
    let home = tempfile::tempdir().unwrap();
    let pki = dev_pki::generate(home.path(), now()).unwrap();
    let store = TrustStore::load(&pki.trust).unwrap();
    let first = KeySigner::new(credential(&pki.keys, "signer")).unwrap();
    let second = KeySigner::new(credential(&pki.keys, "approver")).unwrap();
    let tsa = LocalAuthority::new(credential(&pki.keys, "tsa"), now()).unwrap();
    let signature = first.sign(b"manifest").unwrap();
    let signature = append_signature(&signature, b"manifest", &second).unwrap();
    let again = append_signature(&signature, b"manifest", &second).unwrap_err();
    assert_eq!(again.code(), "E_ALREADY_SIGNED");
    let timestamp = tsa.timestamp(&signature).unwrap();
    let sealed = Sealed {
        manifest: b"manifest",
        signature: &signature,
        timestamp: &timestamp,
    };
    let verdict = verdict(&store, &sealed);
    assert!(verdict.verified, "{verdict:#?}");
    let mut names: Vec<_> = verdict
        .signers
        .iter()
        .filter_map(|signer| signer.identity.clone())
        .collect();
    names.sort();
    assert_eq!(names, ["approval", "release"]);
}
