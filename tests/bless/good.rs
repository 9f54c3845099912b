//! Packages that every reader must accept.

use std::fs::File;
use std::io::{Seek as _, Write as _};

use isi_catalog::fsio::{OnExisting, OutputFile};
use isi_catalog::manifest::{Manifest, Restart};
use isi_catalog::package::build::{Draft, PayloadSource, build};
use isi_catalog::progress::Silent;
use isi_catalog::release::PackageType;

use crate::keys::{self, Keys};
use crate::vector::Vector;
use crate::vectors::Stage;

pub(crate) fn vectors(keys: &Keys) -> Vec<Vector> {
    let mut vectors = vec![
        Vector::good(
            "tiny",
            "the smallest useful package: unsigned, its payload is \"hello\" and a line feed",
            Stage::Verify,
            tiny(),
        )
        .trust("unsigned-ask")
        .allow_unsigned("a test vector"),
    ];
    for (signer, kind) in [
        ("signer-p256", "P-256"),
        ("signer-p384", "P-384"),
        ("signer-rsa3072", "RSA-3072"),
    ] {
        let about = format!("signed with {kind}, timestamped");
        let draft = draft(b"hello\n");
        let bytes = finished(keys, draft, &[signer], true);
        let name = signer.replace("signer", "signed");
        vectors.push(Vector::good(&name, &about, Stage::Verify, bytes));
    }
    let about = "judged when the signer's certificate has expired: the timestamp is from before";
    let bytes = finished(keys, draft(b"hello\n"), &["signer-p256"], true);
    let expired = Vector::good("signed-expired-later", about, Stage::Verify, bytes);
    vectors.push(expired.at("2031-01-01T00:00:00Z".parse().unwrap()));
    vectors
}

/// The tiny package, unsigned.
pub(crate) fn tiny() -> Vec<u8> {
    finished_with(draft(b"hello\n"), |_| (Vec::new(), Vec::new()))
}

/// A whole package of `draft`, signed by `signers`.
pub(crate) fn finished(keys: &Keys, draft: Draft, signers: &[&str], timestamp: bool) -> Vec<u8> {
    finished_with(draft, |manifest| {
        let signature = keys.sign(signers, manifest);
        let token = if timestamp {
            keys.timestamp(&signature)
        } else {
            Vec::new()
        };
        (signature, token)
    })
}

fn finished_with(draft: Draft, seal: impl FnOnce(&[u8]) -> (Vec<u8>, Vec<u8>)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.isi");
    let mut output = OutputFile::create(&path, 0o644, OnExisting::Refuse).unwrap();
    let built = build(draft, &mut output, &Silent).unwrap();
    let (signature, timestamp) = seal(built.manifest_bytes());
    built.finish(&mut output, &signature, &timestamp).unwrap();
    drop(output.commit().unwrap());
    std::fs::read(path).unwrap()
}

/// A package with no more than it must have.
pub(crate) fn draft(payload: &[u8]) -> Draft {
    Draft {
        manifest: Manifest {
            read_version: 1,
            write_version: 1,
            package_type: PackageType::Generic,
            name: "tiny".to_owned(),
            version: "1.0".parse().unwrap(),
            build: String::new(),
            description: String::new(),
            product: String::new(),
            architecture: String::new(),
            branch: String::new(),
            created: keys::made(),
            release_counter: 0,
            source_versions: "*".parse().unwrap(),
            requires: Vec::new(),
            conflicts: Vec::new(),
            obsoletes: Vec::new(),
            restart: Restart::None,
            rollback: false,
            services: Vec::new(),
            free_space: 0,
            minutes: 0,
            regions: Vec::new(),
            unknown: Vec::new(),
        },
        created: Some(keys::made()),
        payload: PayloadSource::File {
            file: scratch(payload),
            media_type: String::new(),
        },
        payload_name: "payload".to_owned(),
        regions: Vec::new(),
    }
}

/// A nameless file with these bytes, at its start.
fn scratch(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}
