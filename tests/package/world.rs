//! A development PKI in a temporary home, and packages made with it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use isi_catalog::fsio::{OnExisting, OutputFile, open_regular};
use isi_catalog::manifest::{Manifest, RegionKind, Restart};
use isi_catalog::package::builder::{Content, Draft, DraftRegion, PayloadSource, build};
use isi_catalog::package::{Hashing, Package, Verified, VerifyError, VerifyRequest};
use isi_catalog::progress::Silent;
use isi_catalog::release::PackageType;
use isi_catalog::trust::{
    Credential, KeySigner, LocalAuthority, Sign as _, TimestampAuthority as _, TrustPaths,
    TrustStore, dev_pki,
};
use jiff::Timestamp;

/// The moment at which every test of this binary takes place.
pub(crate) fn now() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

/// Keys, certificates and trust of one vendor.
pub(crate) struct World {
    home: tempfile::TempDir,
    pub(crate) trust: TrustStore,
}

/// The vendor of most tests.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

impl World {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        dev_pki::generate(home.path(), now()).unwrap();
        let trust = TrustStore::load(&TrustPaths {
            directory: None,
            certs: home.path().join("trust/certs"),
            tsa_certs: Some(home.path().join("trust/tsa-certs")),
            crls: Some(home.path().join("trust/crls")),
            identities: home.path().join("trust/identities.toml"),
        });
        Self {
            trust: trust.unwrap(),
            home,
        }
    }

    fn credential(&self, name: &str) -> Credential {
        let keys = self.home.path().join("keys");
        let key = keys.join(format!("{name}.key"));
        let certificates = keys.join(format!("{name}.pem"));
        Credential::load(&key, &certificates, None, &mut || None).unwrap()
    }

    pub(crate) fn sign(&self, name: &str, manifest: &[u8]) -> Vec<u8> {
        KeySigner::new(self.credential(name))
            .unwrap()
            .sign(manifest)
            .unwrap()
    }

    pub(crate) fn timestamp(&self, signature: &[u8]) -> Vec<u8> {
        let authority = LocalAuthority::new(self.credential("tsa"), now()).unwrap();
        authority.timestamp(signature).unwrap()
    }

    pub(crate) fn verify(
        &self,
        file: File,
        hashing: Hashing,
    ) -> Result<Package<Verified>, VerifyError> {
        let request = VerifyRequest {
            now: now(),
            hashing,
            unsigned: None,
            progress: &Silent,
        };
        Package::open(file)?.verify(&self.trust, &request)
    }

    /// Builds, signs and timestamps.
    pub(crate) fn package(&self, path: &Path, draft: Draft) -> PathBuf {
        let mut output = OutputFile::create(path, 0o644, OnExisting::Refuse).unwrap();
        let built = build(draft, &mut output, &Silent).unwrap();
        let signature = self.sign("signer", built.manifest_bytes());
        let timestamp = self.timestamp(&signature);
        built.finish(&mut output, &signature, &timestamp).unwrap();
        output.commit().unwrap();
        path.to_owned()
    }

    /// The bytes of a small package with a README and a further region.
    pub(crate) fn bytes(&self, payload: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = self.package(&folder.path().join("p.isi"), draft(payload));
        std::fs::read(path).unwrap()
    }
}

/// Why bytes are refused, by the verdict's code; `None` if they are not.
pub(crate) fn refusal(world: &World, bytes: &[u8], hashing: Hashing) -> Option<String> {
    world
        .verify(scratch(bytes), hashing)
        .err()
        .map(|error| error.code().to_owned())
}

/// A nameless file with these bytes.
pub(crate) fn scratch(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

pub(crate) fn manifest() -> Manifest {
    Manifest {
        read_version: 1,
        write_version: 1,
        package_type: PackageType::Onefs,
        name: "OneFS_Install".to_owned(),
        version: "9.4.0.0".parse().unwrap(),
        build: "2797".to_owned(),
        description: "OneFS 9.4.0.0".to_owned(),
        product: "onefs".to_owned(),
        architecture: String::new(),
        branch: "B_MAIN".to_owned(),
        created: now(),
        release_counter: 7,
        source_versions: ">=9.0".parse().unwrap(),
        requires: Vec::new(),
        conflicts: Vec::new(),
        obsoletes: Vec::new(),
        restart: Restart::Reboot,
        rollback: true,
        services: Vec::new(),
        free_space: 0,
        minutes: 15,
        regions: Vec::new(),
        unknown: Vec::new(),
    }
}

pub(crate) fn draft(payload: &[u8]) -> Draft {
    let region = |kind, name: &str, bytes: &[u8]| DraftRegion {
        kind,
        name: name.to_owned(),
        media_type: String::new(),
        content: Content::Bytes(bytes.to_vec()),
    };
    Draft {
        manifest: manifest(),
        created: Some(now()),
        payload: PayloadSource::File {
            file: named(payload),
            media_type: String::new(),
        },
        payload_name: "payload".to_owned(),
        regions: vec![
            region(RegionKind::Readme, "README", b"Read me.\n"),
            region(RegionKind::SkipList, "skip", b"etc/passwd\n"),
        ],
    }
}

/// An open file with these bytes whose position is at its start.
fn named(bytes: &[u8]) -> File {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    open_regular(file.path()).unwrap()
}
