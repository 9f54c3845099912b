//! Packages that every reader must accept.

use std::fs::{File, Permissions};
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use isi_catalog::fsio::{OnExisting, OutputFile};
use isi_catalog::isi_file::layout::section;
use isi_catalog::isi_file::{Envelope, section_header};
use isi_catalog::manifest::{Dependency, Manifest, RegionKind, Restart, tags};
use isi_catalog::package::builder::{Content, Draft, DraftRegion, PayloadSource, build};
use isi_catalog::payload::Compression;
use isi_catalog::progress::Silent;
use isi_catalog::release::PackageType;

use crate::block::{Fields, list};
use crate::container::set;
use crate::keys::{self, Keys};
use crate::payload::Described;
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
    vectors.push(without_timestamp(keys));
    vectors.push(two_signers(keys));
    vectors.extend(contents(keys));
    vectors.push(newer(keys));
    vectors.extend(trees(keys));
    vectors
}

fn without_timestamp(keys: &Keys) -> Vector {
    let about = "signed, and no timestamp, where the policy does not ask for one";
    let bytes = finished(keys, draft(b"hello\n"), &["signer-p256"], false);
    Vector::good("signed-no-timestamp", about, Stage::Verify, bytes).trust("timestamp-if-present")
}

fn two_signers(keys: &Keys) -> Vector {
    let about = "signed by two, where the policy asks for two";
    let signers = ["signer-p384", "approver-p256"];
    let bytes = finished(keys, draft(b"hello\n"), &signers, true);
    Vector::good("two-signers", about, Stage::Verify, bytes).trust("two-signers")
}

/// Packages with all that a manifest can say, and with nothing in the payload.
fn contents(keys: &Keys) -> [Vector; 3] {
    let good = |name, about, draft| {
        let bytes = finished(keys, draft, &["signer-p256"], true);
        Vector::good(name, about, Stage::Verify, bytes)
    };
    let mut every_kind = draft(b"hello\n");
    for kind in RegionKind::KNOWN {
        let described = matches!(kind, RegionKind::FileTable | RegionKind::PayloadIndex);
        if kind != RegionKind::Payload && !described {
            let text = format!("The content of the {kind}.\n");
            every_kind
                .regions
                .push(region(kind, kind.name(), text.as_bytes()));
        }
    }
    let described = Described::small(Compression::None);
    every_kind.regions.extend(described.clone().draft().regions);
    every_kind.payload = described.draft().payload;
    let mut every_field = draft(b"hello\n");
    fill(&mut every_field.manifest);
    [
        good("every-kind", "a region of every kind", every_kind),
        good(
            "every-field",
            "every field of the manifest is there",
            every_field,
        ),
        good(
            "empty-payload",
            "a payload of no bytes, which has no chunk list",
            draft(b""),
        ),
    ]
}

fn region(kind: RegionKind, name: &str, content: &[u8]) -> DraftRegion {
    DraftRegion {
        kind,
        name: name.to_owned(),
        media_type: "text/plain".to_owned(),
        content: Content::Bytes(content.to_vec()),
    }
}

fn fill(manifest: &mut Manifest) {
    let dependency = |name: &str, versions: &str| Dependency {
        name: name.to_owned(),
        versions: versions.parse().unwrap(),
    };
    manifest.package_type = PackageType::Onefs;
    "OneFS_Install \u{dc}bung".clone_into(&mut manifest.name);
    manifest.version = "9.4.0.0-rc.1".parse().unwrap();
    "2797".clone_into(&mut manifest.build);
    "Everything there is to say".clone_into(&mut manifest.description);
    "onefs".clone_into(&mut manifest.product);
    "x86_64".clone_into(&mut manifest.architecture);
    "B_MAIN".clone_into(&mut manifest.branch);
    manifest.release_counter = 7;
    manifest.source_versions = ">=9.0, <9.4, !=9.1.0.3".parse().unwrap();
    manifest.requires = vec![dependency("firmware", ">=10.3"), dependency("tools", "*")];
    manifest.conflicts = vec![dependency("beta", "*")];
    manifest.obsoletes = vec![dependency("old-tools", "<2")];
    manifest.restart = Restart::Reboot;
    manifest.rollback = true;
    manifest.services = vec!["nfs".to_owned(), "smb".to_owned()];
    manifest.free_space = 4 << 30;
    manifest.minutes = 45;
}

/// What a later version may write, and this one reads: more fields, more kinds, a newer write version.
fn newer(keys: &Keys) -> Vector {
    let mut manifest = tiny_manifest();
    *manifest.value(tags::FORMAT) = vec![1, 0, 2, 0];
    manifest.put(31, b"a field of version 2");
    manifest.put(0x7fff, b"");
    let mut payload = crate::manifest::region(RegionKind::Payload, "payload", b"hello\n");
    payload.put(7, b"a field of version 2");
    let other = crate::manifest::region(RegionKind::Unknown(13), "newer", b"");
    *manifest.value(tags::REGIONS) = list(&[payload.bytes(), other.bytes()]);
    let regions = [b"hello\n", &section_header(section::REGION, 0)[..]].concat();
    let mut bytes = keys.seal(&regions, &manifest.bytes());
    set(&mut bytes, "write_version", &2_u16.to_le_bytes());
    let about = "write version 2, with unknown fields and a region of an unknown kind";
    Vector::good("newer", about, Stage::Verify, bytes)
}

/// Payloads that were built from a directory.
fn trees(keys: &Keys) -> Vec<Vector> {
    let tree = tree();
    let good = |name, about, described: Described| {
        let bytes = finished(keys, described.draft(), &["signer-p256"], true);
        Vector::good(name, about, Stage::Files, bytes)
    };
    let plain = Described::of(tree.path(), Compression::None);
    let length = plain.payload.len();
    let cut = plain.clone().cut(&[1, 511, 700, 1, length - 1213]);
    // More than a frame of zeros, which compress well.
    std::fs::write(tree.path().join("zeros"), vec![0; 2_500_000]).unwrap();
    let large = Described::of(tree.path(), Compression::Zstd(3));
    std::fs::remove_file(tree.path().join("zeros")).unwrap();
    let compressed = Described::of(tree.path(), Compression::Zstd(19));
    let empty = tempfile::tempdir().unwrap();
    let empty = Described::of(empty.path(), Compression::None);
    vec![
        good(
            "tree-plain",
            "a tree with every type of entry but devices, as plain tar",
            plain,
        ),
        good(
            "tree-cut",
            "the same, in frames that no writer of ours would cut",
            cut,
        ),
        good("tree-zstd", "the same in one Zstandard frame", compressed),
        good(
            "tree-frames",
            "the same with a file of 2.5 MB, in several frames",
            large,
        ),
        good("tree-empty", "a tree of nothing", empty),
    ]
}

/// A tree with a long path, an empty file, links and a FIFO.
fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let long = format!("d/{}", "a long name ".repeat(10).trim_end());
    std::fs::create_dir_all(path("d/e")).unwrap();
    std::fs::write(path("d/hello"), "hello\n").unwrap();
    std::fs::write(path("d/empty"), "").unwrap();
    std::fs::write(path(&long), "a path that needs a PAX header\n").unwrap();
    std::fs::write(path("run"), "#!/bin/sh\necho hello\n").unwrap();
    std::fs::write(path("\u{fc}\u{4e2d}"), "a name beyond ASCII\n").unwrap();
    std::fs::hard_link(path("d/hello"), path("d/same")).unwrap();
    std::os::unix::fs::symlink("../../anywhere", path("link")).unwrap();
    let mode = |name: &str, mode| {
        std::fs::set_permissions(path(name), Permissions::from_mode(mode)).unwrap();
    };
    for name in ["d", "d/e", "run"] {
        mode(name, 0o755);
    }
    for name in ["d/hello", "d/empty", &long, "\u{fc}\u{4e2d}"] {
        mode(name, 0o644);
    }
    let fifo = std::process::Command::new("mkfifo")
        .args(["-m", "0600"])
        .arg(path("pipe"))
        .status();
    assert!(fifo.unwrap().success(), "mkfifo");
    folder
}

/// The tiny package, unsigned.
pub(crate) fn tiny() -> Vec<u8> {
    unsigned(draft(b"hello\n"))
}

/// An unsigned package of `draft`.
pub(crate) fn unsigned(draft: Draft) -> Vec<u8> {
    finished_with(draft, |_| (Vec::new(), Vec::new()))
}

/// The manifest of the tiny package.
pub(crate) fn tiny_manifest() -> Fields {
    Fields::of(&Envelope::read(&tiny()).unwrap().manifest)
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
pub(crate) fn scratch(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}
