//! A vector through our own reader, stage by stage.

use std::fs::File;
use std::io::Write as _;

use isi_catalog::fsio::Dir;
use isi_catalog::manifest::RegionKind;
use isi_catalog::package::{Hashing, Package, Verified, VerifyRequest};
use isi_catalog::payload::{
    FileEntry, FileKind, FileTable, PayloadError, PayloadIndex, UnpackOptions, unpack,
};
use isi_catalog::progress::Silent;

use super::expectation::{Expectation, FileFacts, HashedBy, PackageFacts, RegionFacts, Stage};
use super::trust::trust;

/// What the reader found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The last stage it reached.
    pub(crate) stage: Stage,
    /// The code of the refusal there.
    pub(crate) code: Option<String>,
    /// What the package is.
    pub(crate) package: Option<PackageFacts>,
    /// Its regions.
    pub(crate) regions: Vec<RegionFacts>,
    /// Its files.
    pub(crate) files: Vec<FileFacts>,
}

impl Answer {
    fn refused(stage: Stage, code: &str) -> Self {
        Self {
            stage,
            code: Some(code.to_owned()),
            package: None,
            regions: Vec::new(),
            files: Vec::new(),
        }
    }
}

/// Reads `bytes` as far as `expectation` says, with its time and trust.
pub(crate) fn read(bytes: &[u8], expectation: &Expectation, hashing: HashedBy) -> Answer {
    let package = match Package::open(scratch(bytes)) {
        Ok(package) => package,
        Err(error) => return Answer::refused(Stage::Open, error.code()),
    };
    let mut answer = Answer {
        stage: Stage::Open,
        code: None,
        package: None,
        regions: Vec::new(),
        files: Vec::new(),
    };
    if expectation.stage == Stage::Open {
        return answer;
    }
    let request = VerifyRequest {
        now: expectation.at,
        hashing: match hashing {
            HashedBy::Chunks => Hashing::Chunks,
            HashedBy::Whole => Hashing::Sequential,
        },
        unsigned: expectation.allow_unsigned.as_deref(),
        progress: &Silent,
    };
    let package = match package.verify(&trust(&expectation.trust), &request) {
        Ok(package) => package,
        Err(error) => return Answer::refused(Stage::Verify, error.code()),
    };
    answer.stage = Stage::Verify;
    answer.package = Some(package_facts(&package, bytes));
    answer.regions = region_facts(&package);
    if expectation.stage == Stage::Files {
        match files(&package) {
            Ok(files) => answer.files = files,
            Err(error) => return Answer::refused(Stage::Files, error.code()),
        }
        answer.stage = Stage::Files;
    }
    answer
}

fn package_facts(package: &Package<Verified>, bytes: &[u8]) -> PackageFacts {
    let manifest = package.manifest();
    let verdict = package.verdict();
    let id = isi_catalog::digest::Sha256Digest::of(bytes);
    if let Some(found) = package.id() {
        assert_eq!(found.digest(), id, "the ID is the digest of the file");
    }
    PackageFacts {
        id: id.to_string(),
        size: package.length(),
        package_type: manifest.package_type.name().to_owned(),
        name: manifest.name.clone(),
        version: manifest.version.to_string(),
        signers: verdict.signers.iter().map(|s| s.subject.clone()).collect(),
        timestamp: verdict.timestamp.as_ref().map(|timestamp| timestamp.time),
    }
}

fn region_facts(package: &Package<Verified>) -> Vec<RegionFacts> {
    let regions = (0..).map_while(|index| package.region(index));
    regions
        .map(|(region, extent)| RegionFacts {
            kind: region.kind.to_string(),
            name: region.name.clone(),
            offset: extent.offset,
            size: extent.length,
            sha256: region.sha256.to_string(),
        })
        .collect()
}

fn files(package: &Package<Verified>) -> Result<Vec<FileFacts>, PayloadError> {
    let region = |kind| {
        let (region, extent) = package.region_of(kind).expect("a described payload");
        package.read_region(region, extent).expect("a region")
    };
    let index = PayloadIndex::decode(&region(RegionKind::PayloadIndex))?;
    let table = FileTable::decode(&region(RegionKind::FileTable))?;
    let target = tempfile::tempdir().expect("a directory");
    let directory = Dir::open(target.path()).expect("a directory");
    let (options, progress) = (UnpackOptions::default(), &Silent);
    // Region 1 and nothing behind it.
    let payload = region(RegionKind::Payload);
    let unpacked = unpack(&payload, &index, &table, &directory, &options, progress);
    if unpacked.is_err() {
        let left = std::fs::read_dir(target.path()).expect("a directory");
        assert_eq!(left.count(), 0, "nothing stays behind after a refusal");
    }
    unpacked?;
    for entry in table.entries() {
        let path = target.path().join(entry.path.to_string());
        assert!(path.symlink_metadata().is_ok(), "{}", path.display());
    }
    Ok(table.entries().iter().map(file_facts).collect())
}

fn file_facts(entry: &FileEntry) -> FileFacts {
    let (mut size, mut sha256, mut target) = (None, None, None);
    let file_type = match &entry.kind {
        FileKind::Regular {
            size: length,
            sha256: digest,
        } => {
            size = Some(*length);
            sha256 = Some(digest.to_string());
            1
        }
        FileKind::Directory => 2,
        FileKind::Symlink { target: text } => {
            target = Some(text.to_str().expect("text").to_owned());
            3
        }
        FileKind::HardLink { target: path } => {
            target = Some(path.to_string());
            4
        }
        FileKind::Fifo => 5,
        FileKind::CharacterDevice(_) => 6,
        FileKind::BlockDevice(_) => 7,
    };
    FileFacts {
        path: entry.path.to_string(),
        file_type,
        mode: format!("{:04o}", entry.mode),
        mtime: entry.mtime.seconds,
        size,
        sha256,
        target,
    }
}

/// A nameless file with these bytes.
fn scratch(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("a written file");
    file
}
