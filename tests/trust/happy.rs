//! What must pass.

use isi_catalog::trust::{
    Credential, KeySigner, LocalAuthority, Outcome, Sign as _, TimestampAuthority as _, TrustStore,
    append_signature, check_signature_belongs, check_token_belongs, describe_signature,
    describe_timestamp, dev_pki,
};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::pki::{now, refused, verdict};

fn credential(keys: &Path, name: &str) -> Credential {
    let file = |ending: &str| keys.join(format!("{name}.{ending}"));
    Credential::load(&file("key"), &file("pem"), None, &mut || None).unwrap()
}

struct Dev {
    _home: tempfile::TempDir,
    store: TrustStore,
    pki: dev_pki::DevPki,
}

impl Dev {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let pki = dev_pki::generate(home.path(), now()).unwrap();
        let store = TrustStore::load(&pki.trust).unwrap();
        Self {
            _home: home,
            store,
            pki,
        }
    }

    fn signer(&self, name: &str) -> KeySigner {
        KeySigner::new(credential(&self.pki.keys, name)).unwrap()
    }

    fn timestamp(&self, signature: &[u8]) -> Vec<u8> {
        LocalAuthority::new(credential(&self.pki.keys, "tsa"), now())
            .unwrap()
            .timestamp(signature)
            .unwrap()
    }
}

#[test]
fn a_signed_and_timestamped_manifest_is_verified() {
    let dev = Dev::new();
    let manifest = b"manifest";
    let signature = dev.signer("signer").sign(manifest).unwrap();
    let timestamp = dev.timestamp(&signature);
    check_signature_belongs(&signature, manifest).unwrap();
    assert_eq!(check_token_belongs(&timestamp, &signature).unwrap(), now());
    let verdict = verdict(&dev.store, manifest, &signature, &timestamp);
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
    let parts: Vec<_> = certificate
        .subject_parts
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(parts, ["C", "ST", "L", "O", "CN"]);
    assert_eq!(describe_timestamp(&timestamp).unwrap().time, now());
}

#[test]
fn the_sibling_with_the_signers_name_is_refused() {
    let dev = Dev::new();
    let signature = dev.signer("sibling").sign(b"manifest").unwrap();
    let timestamp = dev.timestamp(&signature);
    let verdict = verdict(&dev.store, b"manifest", &signature, &timestamp);
    assert_eq!(refused(&verdict).1, "E_IDENTITY_ISSUER");
}

#[test]
fn two_signers_both_count() {
    let dev = Dev::new();
    let signature = dev.signer("signer").sign(b"manifest").unwrap();
    let approver = dev.signer("approver");
    let signature = append_signature(&signature, b"manifest", &approver).unwrap();
    let again = append_signature(&signature, b"manifest", &approver).unwrap_err();
    assert_eq!(again.code(), "E_ALREADY_SIGNED");
    let timestamp = dev.timestamp(&signature);
    let verdict = verdict(&dev.store, b"manifest", &signature, &timestamp);
    assert!(verdict.verified, "{verdict:#?}");
    let mut names: Vec<_> = verdict
        .signers
        .iter()
        .filter_map(|signer| signer.identity.clone())
        .collect();
    names.sort();
    assert_eq!(names, ["approval", "release"]);
}

#[test]
fn a_second_development_pki_does_not_replace_the_first() {
    let dev = Dev::new();
    let again = dev_pki::generate(&dev.pki.directory, now()).unwrap_err();
    assert_eq!(again.code(), "E_EXISTS");
    let mode = |name: &str| {
        let path = dev.pki.keys.join(name);
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("signer.key"), 0o600);
}
