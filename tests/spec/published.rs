//! The published test vectors: our reader makes of each what its `.toml` says, and none has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use isi_catalog::digest::Sha256Digest;
use isi_catalog::isi_file::ParseErrorKind;
use isi_catalog::manifest::ManifestErrorKind;

use crate::vectors::{Expectation, Outcome, Stage, check, folder};

/// Codes that no file can cause, each with the reason.
const UNREACHABLE: [(&str, &str); 1] = [(
    "E_FORMAT_REGIONS",
    "the manifest's own rules refuse no region and more than 1024 before regions are placed",
)];

/// Codes that a payload with an index and a file table can cause.
const PAYLOAD: [&str; 8] = [
    "E_PAYLOAD_INDEX",
    "E_FILE_TABLE",
    "E_NAME",
    "E_TOO_LARGE",
    "E_HASH_MISMATCH",
    "E_FILE_TABLE_MISMATCH",
    "E_FRAME",
    "E_DEVICE",
];

/// Codes of the package as a whole.
const PACKAGE: [&str; 4] = ["E_HASH_MISMATCH", "E_CHUNK_LIST", "E_README", "E_UNSIGNED"];

/// Every file below the folder of the vectors, by its relative path.
fn files() -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    add(&folder(), &mut found);
    found
}

fn add(directory: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            add(&path, found);
            continue;
        }
        let relative = path.strip_prefix(folder()).expect("a path below");
        let relative = relative.to_str().expect("text").to_owned();
        found.insert(relative, std::fs::read(&path).expect("a file"));
    }
}

/// Every vector: its name, package and expectation.
fn published() -> Vec<(String, Vec<u8>, Expectation)> {
    let files = files();
    let packages = files.iter().filter_map(|(path, bytes)| {
        let name = path.strip_suffix(".isi")?;
        let text = files.get(&format!("{name}.toml"));
        let text = text.unwrap_or_else(|| panic!("{name}.toml is missing"));
        let text = std::str::from_utf8(text).expect("UTF-8");
        let expectation = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Some((name.to_owned(), bytes.clone(), expectation))
    });
    packages.collect()
}

#[test]
fn our_reader_agrees_with_every_vector() {
    let vectors = published();
    assert!(vectors.len() > 100, "{} vectors", vectors.len());
    let differences: Vec<String> = vectors
        .iter()
        .filter_map(|(name, bytes, expectation)| {
            let difference = check(bytes, expectation).err()?;
            Some(format!("{name}: {difference}"))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn an_expectation_says_all_that_its_outcome_needs() {
    for (name, _, expectation) in published() {
        let is_good = expectation.outcome == Outcome::Accepted;
        assert_eq!(name.starts_with("good/"), is_good, "{name}");
        assert_eq!(expectation.package.is_some(), is_good, "{name}");
        assert_eq!(expectation.regions.is_empty(), !is_good, "{name}");
        match &expectation.code {
            None => assert!(is_good, "{name} needs a code"),
            Some(code) => {
                let own = name.strip_prefix("bad/").expect("a bad vector");
                let own = own.split('-').next().unwrap_or_default();
                assert_eq!(own, code, "a bad vector is named after its code");
            }
        }
        assert!(
            expectation.about.len() > 5,
            "{name} needs a word on what it is about"
        );
    }
}

#[test]
fn every_expectation_stands_beside_a_package() {
    let files = files();
    for path in files.keys() {
        let is_trust = path.starts_with("trust/");
        if let Some(name) = path.strip_suffix(".toml").filter(|_| !is_trust) {
            assert!(
                files.contains_key(&format!("{name}.isi")),
                "{name}.isi is missing"
            );
        }
    }
}

#[test]
fn every_code_has_a_vector() {
    let vectors = published();
    let with = |stages: &[Stage]| -> BTreeSet<String> {
        let matching = vectors
            .iter()
            .filter(|(_, _, it)| stages.contains(&it.stage));
        matching.filter_map(|(_, _, it)| it.code.clone()).collect()
    };
    let (reading, files) = (with(&[Stage::Open, Stage::Verify]), with(&[Stage::Files]));
    for code in ParseErrorKind::CODES
        .iter()
        .chain(&ManifestErrorKind::CODES)
        .chain(&PACKAGE)
    {
        let unreachable = UNREACHABLE.iter().any(|(known, _)| known == code);
        assert_eq!(reading.contains(*code), !unreachable, "{code}");
    }
    for code in PAYLOAD {
        assert!(files.contains(code), "{code}");
    }
}

/// The vectors are what other people's readers are tested with: none changes after it was published.
#[test]
fn no_vector_has_changed() {
    let mut files = files();
    let list = files.remove("SHA256SUMS").expect("the list of digests");
    files.remove("README.md").expect("the description");
    let list = String::from_utf8(list).expect("UTF-8");
    let lines = files
        .iter()
        .map(|(path, bytes)| format!("{}  {path}", Sha256Digest::of(bytes)));
    let (listed, found): (BTreeSet<_>, BTreeSet<_>) =
        (list.lines().map(str::to_owned).collect(), lines.collect());
    let changed: Vec<_> = listed.symmetric_difference(&found).collect();
    assert!(changed.is_empty(), "changed, new or gone: {changed:#?}");
    assert_eq!(list.lines().count(), listed.len(), "each file once");
}

/// The trust of the repository's top is that of the vectors, which a stranger gets with the specification.
#[test]
fn the_default_trust_is_that_of_the_repository() {
    let top = folder().join("../..");
    let default = folder().join("trust/default");
    for (ours, theirs) in [
        ("certs/packages", "certs"),
        ("certs/tsa", "tsa-certs"),
        ("certs/crls", "crls"),
        ("identities/identities.toml", "identities.toml"),
    ] {
        let (ours, theirs) = (top.join(ours), default.join(theirs));
        assert_eq!(contents(&ours), contents(&theirs), "{}", ours.display());
    }
}

/// A file, or the files of a directory.
fn contents(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            found.insert(name, std::fs::read(path).expect("a file"));
        }
    } else {
        found.insert(String::new(), std::fs::read(path).expect("a file"));
    }
    assert!(!found.is_empty(), "{} is empty", path.display());
    found
}
