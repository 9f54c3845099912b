//! A vector that is to be written, and the folder it is written to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use isi_catalog::digest::Sha256Digest;
use jiff::Timestamp;

use crate::keys;
use crate::vectors::{Expectation, HashedBy, Outcome, Stage, check, folder, read};

/// A package, and what a reader has to make of it.
#[derive(Debug, Clone)]
pub(crate) struct Vector {
    /// Its place below the folder of the vectors, without an ending.
    pub(crate) path: String,
    /// The package.
    pub(crate) bytes: Vec<u8>,
    /// What is expected.
    pub(crate) expectation: Expectation,
}

impl Vector {
    /// A package that must pass `stage`; what it says of itself is added when it is written.
    pub(crate) fn good(name: &str, about: &str, stage: Stage, bytes: Vec<u8>) -> Self {
        Self {
            path: format!("good/{name}"),
            bytes,
            expectation: Expectation {
                about: about.to_owned(),
                stage,
                outcome: Outcome::Accepted,
                code: None,
                at: keys::later(),
                trust: "default".to_owned(),
                allow_unsigned: None,
                hashing: None,
                package: None,
                regions: Vec::new(),
                files: Vec::new(),
            },
        }
    }

    /// A package that must be refused in `stage` with `code`; `variant` tells several of one code apart.
    pub(crate) fn bad(
        code: &str,
        variant: &str,
        about: &str,
        stage: Stage,
        bytes: Vec<u8>,
    ) -> Self {
        let dash = if variant.is_empty() { "" } else { "-" };
        let mut vector = Self::good("", about, stage, bytes);
        vector.path = format!("bad/{code}{dash}{variant}");
        vector.expectation.outcome = Outcome::Refused;
        vector.expectation.code = Some(code.to_owned());
        vector
    }

    /// Judged with the trust of another folder below `trust/`.
    pub(crate) fn trust(mut self, name: &str) -> Self {
        name.clone_into(&mut self.expectation.trust);
        self
    }

    /// Judged at another moment.
    pub(crate) fn at(mut self, moment: Timestamp) -> Self {
        self.expectation.at = moment;
        self
    }

    /// Judged by somebody who asks for an unsigned package.
    pub(crate) fn allow_unsigned(mut self, reason: &str) -> Self {
        self.expectation.allow_unsigned = Some(reason.to_owned());
        self
    }

    /// Refused only by a reader that hashes like this.
    pub(crate) fn only_by(mut self, hashing: HashedBy) -> Self {
        self.expectation.hashing = Some(hashing);
        self
    }

    /// Fills in what an accepted package says of itself, and makes sure that our reader agrees.
    fn complete(mut self) -> Self {
        if self.expectation.outcome == Outcome::Accepted {
            let answer = read(&self.bytes, &self.expectation, HashedBy::Whole);
            self.expectation.package = answer.package;
            self.expectation.regions = answer.regions;
            self.expectation.files = answer.files;
        }
        if let Err(difference) = check(&self.bytes, &self.expectation) {
            panic!("{}: {difference}", self.path);
        }
        self
    }
}

/// Writes the vectors that are not there yet, and the list of all digests.
pub(crate) fn write(vectors: &[Vector]) {
    let mut written = 0;
    for vector in vectors {
        let (package, expectation) = (file(&vector.path, "isi"), file(&vector.path, "toml"));
        match (package.exists(), expectation.exists()) {
            (true, true) => {}
            (false, false) => {
                let vector = vector.clone().complete();
                let text = toml::to_string(&vector.expectation).expect("a table");
                create(&package, &vector.bytes);
                create(&expectation, text.as_bytes());
                println!("wrote {}.isi and .toml", vector.path);
                written += 1;
            }
            _ => panic!("{}: one of .isi and .toml is missing", vector.path),
        }
    }
    let kept = vectors.len() - written;
    println!("{written} vectors written, {kept} were there and stay as they are");
    write_sums();
}

fn file(path: &str, ending: &str) -> PathBuf {
    folder().join(format!("{path}.{ending}"))
}

/// Writes a new file and the directories above it.
pub(crate) fn create(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(path);
    let file = file
        .as_mut()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    std::io::Write::write_all(file, bytes).expect("a written file");
}

/// Adds new files to `SHA256SUMS`; those that are in it have to be as they were.
fn write_sums() {
    let list = folder().join("SHA256SUMS");
    let known = std::fs::read_to_string(&list).unwrap_or_default();
    let mut sums = BTreeMap::new();
    add_sums(&folder(), &mut sums);
    for line in known.lines() {
        let (digest, path) = line.split_once("  ").expect("a digest and a path");
        let found = sums.get(path).map(String::as_str);
        assert_eq!(found, Some(digest), "{path} changed, and vectors never do");
    }
    let lines = sums
        .iter()
        .map(|(path, digest)| format!("{digest}  {path}\n"));
    std::fs::write(list, lines.collect::<String>()).expect("a written list");
}

fn add_sums(directory: &Path, sums: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let relative = path
            .strip_prefix(folder())
            .expect("a path below the vectors");
        let relative = relative.to_str().expect("text").to_owned();
        if path.is_dir() {
            add_sums(&path, sums);
        } else if !["README.md", "SHA256SUMS"].contains(&relative.as_str()) {
            let bytes = std::fs::read(&path).expect("a file");
            sums.insert(relative, Sha256Digest::of(&bytes).to_string());
        }
    }
}
