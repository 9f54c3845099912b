//! Makes many small signed packages fast, for `cargo xtask bench catalog`: `many HOME DIRECTORY COUNT`.
//!
//! HOME is a development PKI. The packages are real in every way; only their payload is a few bytes.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a tool of the developers that stops where it must"
)]

use std::path::{Path, PathBuf};

use isi_catalog::fsio::{OnExisting, OutputFile, open_regular};
use isi_catalog::manifest::{Manifest, Restart};
use isi_catalog::package::builder::{Draft, PayloadSource, build};
use isi_catalog::progress::Silent;
use isi_catalog::release::{PackageType, VersionRange};
use isi_catalog::trust::{
    Credential, KeySigner, LocalAuthority, Sign as _, TimestampAuthority as _,
};
use jiff::Timestamp;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [home, directory, count] = arguments.as_slice() else {
        panic!("expected HOME DIRECTORY COUNT");
    };
    let count: u64 = count.parse().unwrap();
    let maker = Maker {
        keys: Path::new(home).join("keys"),
        directory: directory.into(),
        // Packages know whole seconds.
        now: Timestamp::from_second(Timestamp::now().as_second()).unwrap(),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = u64::try_from(threads).unwrap();
    std::thread::scope(|scope| {
        for first in 0..threads {
            let maker = &maker;
            scope.spawn(move || maker.every(first, threads, count));
        }
    });
}

struct Maker {
    keys: PathBuf,
    directory: PathBuf,
    now: Timestamp,
}

impl Maker {
    /// Makes every `step`th package below `count`, from `first` on.
    fn every(&self, first: u64, step: u64, count: u64) {
        let signer = KeySigner::new(self.credential("signer")).unwrap();
        let authority = LocalAuthority::new(self.credential("tsa"), self.now).unwrap();
        let scratch = tempfile::NamedTempFile::new().unwrap();
        let mut number = first;
        while number < count {
            std::fs::write(scratch.path(), format!("payload {number}\n")).unwrap();
            let path = self.directory.join(format!("{number:06}.isi"));
            let mut output = OutputFile::create(&path, 0o644, OnExisting::Refuse).unwrap();
            let built = build(self.draft(number, scratch.path()), &mut output, &Silent).unwrap();
            let signature = signer.sign(built.manifest_bytes()).unwrap();
            let timestamp = authority.timestamp(&signature).unwrap();
            built.finish(&mut output, &signature, &timestamp).unwrap();
            output.commit().unwrap();
            number += step;
        }
    }

    fn credential(&self, name: &str) -> Credential {
        let file = |ending: &str| self.keys.join(format!("{name}.{ending}"));
        Credential::load(&file("key"), &file("pem"), None, &mut || None).unwrap()
    }

    fn draft(&self, number: u64, payload: &Path) -> Draft {
        let kinds = [
            PackageType::Patch,
            PackageType::Dsp,
            PackageType::Firmware,
            PackageType::Generic,
        ];
        let kind = usize::try_from(number).unwrap() % kinds.len();
        Draft {
            manifest: Manifest {
                read_version: 1,
                write_version: 1,
                package_type: kinds[kind],
                name: format!("package-{}", number / 10),
                version: format!("9.{}.{}", number % 10, number % 7).parse().unwrap(),
                build: String::new(),
                description: format!("Package {number} of many"),
                product: "onefs".to_owned(),
                architecture: "x86_64".to_owned(),
                branch: String::new(),
                created: self.now,
                release_counter: 0,
                source_versions: VersionRange::default(),
                requires: Vec::new(),
                conflicts: Vec::new(),
                obsoletes: Vec::new(),
                restart: Restart::None,
                rollback: true,
                services: Vec::new(),
                free_space: 0,
                minutes: 0,
                regions: Vec::new(),
                unknown: Vec::new(),
            },
            created: Some(self.now),
            payload: PayloadSource::File {
                file: open_regular(payload).unwrap(),
                media_type: String::new(),
            },
            payload_name: "payload".to_owned(),
            regions: Vec::new(),
        }
    }
}
