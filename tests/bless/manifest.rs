//! Packages whose manifest is wrong, under a good signature and timestamp: so that it is reached.

use isi_catalog::digest::Sha256Digest;
use isi_catalog::isi_file::Envelope;
use isi_catalog::manifest::{Manifest, decode, encode};

use crate::good::tiny;
use crate::keys::Keys;
use crate::vector::Vector;
use crate::vectors::{HashedBy, Stage};

pub(crate) fn vectors(keys: &Keys) -> Vec<Vector> {
    let (regions, mut manifest) = parts();
    manifest.regions[0].chunks = vec![Sha256Digest::of(b"another payload")];
    let bytes = keys.seal(&regions, &encode(&manifest).unwrap());
    let about = "the payload has the digest of the manifest, and its only chunk has not";
    vec![Vector::bad("E_CHUNK_LIST", "", about, Stage::Verify, bytes).only_by(HashedBy::Chunks)]
}

/// The regions of the tiny package as they stand in the file, and its manifest.
fn parts() -> (Vec<u8>, Manifest) {
    let package = tiny();
    let envelope = Envelope::read(&package).unwrap();
    let end = usize::try_from(envelope.regions_end).unwrap();
    let manifest = decode(&envelope.manifest).unwrap();
    (package[..end].to_vec(), manifest)
}
