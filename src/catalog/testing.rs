//! Catalogs with made-up rows, for the tests of what looks at rows only.

use std::time::Duration;

use jiff::Timestamp;

use super::database::insert_artifact;
use super::{Access, Artifact, Catalog, Context, State};
use crate::digest::{PackageId, Sha256Digest};
use crate::progress::Silent;
use crate::release::PackageType;
use crate::trust::{Signer, Verdict};

/// A new catalog with one row for each artifact.
pub(super) fn catalog(artifacts: &[Artifact]) -> (tempfile::TempDir, Catalog) {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("catalog");
    let mut catalog = Catalog::open(&root, Access::Write, Duration::ZERO, &Silent).unwrap();
    catalog
        .database
        .write("test", |transaction| {
            artifacts
                .iter()
                .try_for_each(|artifact| insert_artifact(transaction, artifact, &verdict(artifact)))
        })
        .unwrap();
    (home, catalog)
}

/// Somebody at some time.
pub(super) fn context() -> Context<'static> {
    Context {
        now: Timestamp::from_second(1_700_000_300).unwrap(),
        actor: "tester",
        progress: &Silent,
    }
}

/// An artifact whose ID begins with these hex digits and goes on with zeros.
pub(super) fn artifact(digits: &str) -> Artifact {
    let id = format!("{digits:0<64}").parse().unwrap();
    Artifact {
        id,
        package_type: PackageType::Generic,
        name: "name".to_owned(),
        version: "1.0".parse().unwrap(),
        build: String::new(),
        description: "a package".to_owned(),
        product: String::new(),
        architecture: String::new(),
        branch: String::new(),
        release_counter: 1,
        created: Timestamp::from_second(1_700_000_000).unwrap(),
        size: 1000,
        readme: true,
        signed: true,
        unsigned_reason: None,
        signed_at: Some(Timestamp::from_second(1_700_000_100).unwrap()),
        manifest: Sha256Digest::of(b"manifest"),
        footer: Sha256Digest::of(b"footer"),
        imported_at: Timestamp::from_second(1_700_000_200).unwrap(),
        state: State::Verified,
        state_code: None,
        checked_at: Timestamp::from_second(1_700_000_200).unwrap(),
    }
}

/// The ID that [`artifact`] makes of these digits.
pub(super) fn id(digits: &str) -> PackageId {
    artifact(digits).id
}

pub(super) fn verdict(artifact: &Artifact) -> Verdict {
    let signer = |name: &str| Signer {
        subject: format!("CN={name}"),
        issuer: "CN=issuer".to_owned(),
        sha256: Sha256Digest::of(name.as_bytes()),
        sha1: "00".repeat(20),
        identity: Some(name.to_owned()),
        not_before: artifact.created,
        not_after: artifact.imported_at,
    };
    Verdict::new(
        Vec::new(),
        vec![signer("release"), signer("approval")],
        None,
    )
}
