//! The name of everything that is trusted, as `format-spec/catalog.md` defines it.

use std::collections::BTreeSet;
use std::path::Path;

use isi_catalog::digest::Sha256Digest;
use isi_catalog::trust::{TrustPaths, TrustStore, dev_pki};
use jiff::{Timestamp, ToSpan as _};
use openssl::x509::{X509, X509Crl};

use crate::pki::now;

fn at(paths: &TrustPaths, time: Timestamp) -> Sha256Digest {
    TrustStore::load(paths).unwrap().fingerprint(time)
}

fn fingerprint(paths: &TrustPaths) -> Sha256Digest {
    at(paths, now())
}

/// The set of a directory, each entry made by `entry` of a file's text.
fn set(directory: &Path, entry: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let files = std::fs::read_dir(directory).unwrap();
    let texts = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let entries: BTreeSet<_> = texts.map(|text| entry(&text)).collect();
    let count = (entries.len() as u64).to_le_bytes().to_vec();
    entries
        .into_iter()
        .fold(count, |all, entry| [all, entry].concat())
}

#[test]
fn is_what_the_specification_says() {
    let home = tempfile::tempdir().unwrap();
    let mut paths = dev_pki::generate(home.path(), now()).unwrap().trust;
    let hash = |bytes: &[u8]| Sha256Digest::of(bytes).as_bytes().to_vec();
    let certificate = |text: &[u8]| hash(&X509::from_pem(text).unwrap().to_der().unwrap());
    let list = |text: &[u8]| {
        let der = X509Crl::from_pem(text).unwrap().to_der().unwrap();
        [hash(&der), vec![1]].concat()
    };
    let start = [
        b"isi-catalog trust 1\n".to_vec(),
        hash(&std::fs::read(&paths.identities).unwrap()),
        set(&paths.certs, &certificate),
    ]
    .concat();
    let tsa = set(paths.tsa_certs.as_ref().unwrap(), &certificate);
    let lists = set(paths.crls.as_ref().unwrap(), &list);
    let whole = [start.clone(), tsa.clone(), lists].concat();
    assert_eq!(fingerprint(&paths), Sha256Digest::of(&whole));
    paths.crls = None;
    let without = [start, tsa, vec![255; 8]].concat();
    assert_eq!(fingerprint(&paths), Sha256Digest::of(&without));
}

#[test]
fn content_counts_and_names_of_files_do_not() {
    let home = tempfile::tempdir().unwrap();
    let paths = dev_pki::generate(home.path(), now()).unwrap().trust;
    let (certs, crls) = (&paths.certs, paths.crls.as_ref().unwrap());
    let before = fingerprint(&paths);
    std::fs::rename(certs.join("root.pem"), certs.join("0a1b2c3d.0")).unwrap();
    std::fs::copy(certs.join("0a1b2c3d.0"), certs.join("again.pem")).unwrap();
    std::fs::copy(crls.join("root.crl"), crls.join("again.crl")).unwrap();
    assert_eq!(fingerprint(&paths), before);
    // The lists of a development PKI are in force for ten years.
    assert_eq!(at(&paths, now() + (24 * 365).hours()), before);
    assert_ne!(at(&paths, now() + (24 * 365 * 11).hours()), before);
    let tsa = paths.tsa_certs.as_ref().unwrap().join("tsa-root.pem");
    std::fs::copy(tsa, certs.join("other.pem")).unwrap();
    let more = fingerprint(&paths);
    assert_ne!(more, before);
    std::fs::remove_file(certs.join("other.pem")).unwrap();
    assert_eq!(fingerprint(&paths), before);
    std::fs::remove_file(crls.join("sibling.crl")).unwrap();
    assert_ne!(fingerprint(&paths), before);
}
