//! A vendor, an authority for timestamps, and a machine that trusts them.

use std::path::PathBuf;

use isi_catalog::release::PackageType;
use isi_catalog::trust::{
    Check, CheckName, Claims, LocalAuthority, Sealed, TimestampAuthority as _, TrustPaths,
    TrustStore, Verdict,
};
use jiff::Timestamp;
use openssl::cms::CMSOptions;
use openssl::x509::X509;
use tempfile::TempDir;

pub(crate) use crate::certificates::{
    Owner, Shape, certificate, days, der, extension, name, now, openssl, p256,
};

pub(crate) const MANIFEST: &[u8] = b"manifest\nof two lines\n";

impl Owner {
    /// A plain detached CMS made by openssl.
    pub(crate) fn detached(&self, chain: &[&X509]) -> Vec<u8> {
        self.cms(chain, MANIFEST, CMSOptions::BINARY | CMSOptions::DETACHED)
    }
}

/// A vendor, an authority for timestamps, and a machine that trusts both.
pub(crate) struct World {
    pub(crate) home: TempDir,
    pub(crate) root: Owner,
    pub(crate) issuing: Owner,
    pub(crate) signer: Owner,
    pub(crate) tsa_root: Owner,
    pub(crate) tsa: Owner,
}

impl World {
    pub(crate) fn new() -> Self {
        let root = Owner::root("Root");
        let issuing = root.issue(&Shape::authority("Issuing"));
        let signer = issuing.issue(&Shape::signer("Signer"));
        let tsa_root = Owner::root("Timestamp Root");
        let tsa = tsa_root.issue(&Shape::tsa("Timestamps"));
        let world = Self {
            home: tempfile::tempdir().unwrap(),
            root,
            issuing,
            signer,
            tsa_root,
            tsa,
        };
        for directory in ["certs", "tsa-certs", "crls"] {
            std::fs::create_dir(world.home.path().join(directory)).unwrap();
        }
        world.write("certs/root.pem", &world.root.pem());
        world.write("tsa-certs/root.pem", &world.tsa_root.pem());
        world.trust("CN=Signer,O=Test", &world.issuing, "");
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Writes an identities file of one rule.
    pub(crate) fn trust(&self, subject: &str, issuer: &Owner, more: &str) {
        let subject = toml::Value::String(subject.to_owned());
        let text = format!(
            "[[identity]]\nname = \"vendor\"\nsubject = {subject}\nissuer_spki_sha256 = \"{}\"\n{more}\n",
            issuer.spki()
        );
        self.write("identities.toml", text.as_bytes());
    }

    pub(crate) fn paths(&self) -> TrustPaths {
        let has_crls = std::fs::read_dir(self.path("crls"))
            .unwrap()
            .next()
            .is_some();
        TrustPaths {
            directory: Some(self.path("")),
            certs: self.path("certs"),
            tsa_certs: Some(self.path("tsa-certs")),
            crls: has_crls.then(|| self.path("crls")),
            identities: self.path("identities.toml"),
        }
    }

    pub(crate) fn store(&self) -> TrustStore {
        TrustStore::load(&self.paths()).unwrap()
    }

    pub(crate) fn timestamp_at(&self, signature: &[u8], time: Timestamp) -> Vec<u8> {
        LocalAuthority::new(self.tsa.credential(&[]), time)
            .unwrap()
            .timestamp(signature)
            .unwrap()
    }

    /// Verifies a signature over the manifest that was timestamped at `time`.
    pub(crate) fn verify_at(&self, signature: &[u8], time: Timestamp) -> Verdict {
        let timestamp = self.timestamp_at(signature, time);
        verdict(&self.store(), MANIFEST, signature, &timestamp)
    }

    /// Verifies a signature over the manifest that was timestamped just now.
    pub(crate) fn verify(&self, signature: &[u8]) -> Verdict {
        self.verify_at(signature, now())
    }

    /// Verifies a good signature with this token.
    pub(crate) fn verify_token(&self, signature: &[u8], token: &[u8]) -> Verdict {
        verdict(&self.store(), MANIFEST, signature, token)
    }

    /// Runs openssl below the home; the output is its standard output.
    pub(crate) fn openssl(&self, arguments: &[&str]) -> Vec<u8> {
        openssl(self.home.path(), arguments)
    }
}

pub(crate) fn verdict(
    store: &TrustStore,
    manifest: &[u8],
    signature: &[u8],
    timestamp: &[u8],
) -> Verdict {
    let version = "9.4.0.0".parse().unwrap();
    let claims = Claims {
        package_type: PackageType::Onefs,
        product: "onefs",
        version: &version,
    };
    let sealed = Sealed {
        manifest,
        signature,
        timestamp,
    };
    let authentication = store.authenticate(&sealed, now());
    let authorization = store.authorize(&authentication, &claims, None);
    let mut checks = authentication.checks().to_vec();
    checks.extend(authorization.checks);
    checks.extend([
        Check::passed(CheckName::Structure),
        Check::passed(CheckName::Digests),
    ]);
    Verdict::new(
        checks,
        authorization.signers,
        authentication.timestamp().cloned(),
    )
}

/// The code of the first row that refuses, with the row.
pub(crate) fn refused(verdict: &Verdict) -> (CheckName, &str) {
    assert!(!verdict.verified, "{verdict:#?}");
    let check = verdict
        .first_failure()
        .unwrap_or_else(|| panic!("nothing failed: {verdict:#?}"));
    (check.name, check.code.as_deref().unwrap())
}

#[track_caller]
pub(crate) fn accepted(verdict: &Verdict) {
    assert!(verdict.verified, "{verdict:#?}");
}
