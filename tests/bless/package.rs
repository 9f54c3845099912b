//! Packages whose regions are not what the signed manifest says, and those that nobody signed.

use isi_catalog::digest::Sha256Digest;
use isi_catalog::isi_file::{layout::section, section_header};
use isi_catalog::manifest::{RegionKind, tags};

use crate::block::{Fields, list};
use crate::good::{tiny, tiny_manifest};
use crate::keys::Keys;
use crate::manifest::region;
use crate::vector::Vector;
use crate::vectors::{HashedBy, Stage};

/// A payload and a second region, as they stand in the file and in the manifest.
struct Two {
    header: [u8; 8],
    regions: [Fields; 2],
    second: Vec<u8>,
}

impl Two {
    fn new(kind: RegionKind, content: &[u8]) -> Self {
        let length = u32::try_from(content.len()).unwrap();
        Self {
            header: section_header(section::REGION, length),
            regions: [
                region(RegionKind::Payload, "payload", b"hello\n"),
                region(kind, "second", content),
            ],
            second: content.to_vec(),
        }
    }

    fn bytes(&self, keys: &Keys) -> Vec<u8> {
        let mut manifest = tiny_manifest();
        *manifest.value(tags::REGIONS) = list(&self.regions.each_ref().map(Fields::bytes));
        let regions = [b"hello\n", &self.header[..], &self.second].concat();
        keys.seal(&regions, &manifest.bytes())
    }
}

pub(crate) fn vectors(keys: &Keys) -> Vec<Vector> {
    [digests(keys), places(keys), unsigned()].concat()
}

fn bad(code: &str, variant: &str, about: &str, bytes: Vec<u8>) -> Vector {
    Vector::bad(code, variant, about, Stage::Verify, bytes)
}

fn digests(keys: &Keys) -> Vec<Vector> {
    let manifest = tiny_manifest().bytes();
    let other_payload = keys.seal(b"jello\n", &manifest);
    let mut other_chunk = region(RegionKind::Payload, "payload", b"hello\n");
    *other_chunk.value(tags::REGION_CHUNKS) =
        Sha256Digest::of(b"another payload").as_bytes().to_vec();
    let mut lying = tiny_manifest();
    *lying.value(tags::REGIONS) = list(&[other_chunk.bytes()]);
    let lying = keys.seal(b"hello\n", &lying.bytes());
    let mut second = Two::new(RegionKind::Hook, b"#!/bin/sh\n");
    second.second[2] = b'#';
    let mut list = Two::new(RegionKind::Hook, b"#!/bin/sh\n");
    list.regions[1].value(tags::REGION_CHUNKS)[31] ^= 1;
    let mut whole = Two::new(RegionKind::Hook, b"#!/bin/sh\n");
    whole.regions[1].value(tags::REGION_SHA256)[31] ^= 1;
    let readme = Two::new(RegionKind::Readme, b"R\xe9sum\xe9\n");
    vec![
        bad(
            "E_HASH_MISMATCH",
            "payload",
            "the payload is another than was signed",
            other_payload,
        ),
        bad(
            "E_HASH_MISMATCH",
            "region",
            "the second region is another than was signed",
            second.bytes(keys),
        ),
        bad(
            "E_HASH_MISMATCH",
            "whole",
            "the chunk list is right, the digest of the whole region is not",
            whole.bytes(keys),
        )
        .only_by(HashedBy::Whole),
        bad(
            "E_CHUNK_LIST",
            "",
            "the payload has the digest of the manifest, and its only chunk has not",
            lying,
        )
        .only_by(HashedBy::Chunks),
        bad(
            "E_CHUNK_LIST",
            "region",
            "the second region's digest is right, that of its only chunk is not",
            list.bytes(keys),
        )
        .only_by(HashedBy::Chunks),
        bad("E_README", "", "the README is Latin-1", readme.bytes(keys)),
    ]
}

fn places(keys: &Keys) -> Vec<Vector> {
    let mut magic = Two::new(RegionKind::Other, b"other");
    magic.header = section_header(section::MANIFEST, 5);
    let mut length = Two::new(RegionKind::Other, b"other");
    length.header = section_header(section::REGION, 4);
    let manifest = tiny_manifest().bytes();
    let mut beyond = Two::new(RegionKind::Other, b"other");
    beyond.second.pop();
    vec![
        bad(
            "E_FORMAT_SECTION",
            "region",
            "the second region stands behind the manifest's magic",
            magic.bytes(keys),
        ),
        bad(
            "E_FORMAT_SECTION",
            "region-length",
            "the second region's header says 4 bytes, the manifest 5",
            length.bytes(keys),
        ),
        bad(
            "E_FORMAT_TILING",
            "gap",
            "a byte that belongs to nothing stands between payload and manifest",
            keys.seal(b"hello\n\0", &manifest),
        ),
        bad(
            "E_FORMAT_TILING",
            "beyond",
            "the last region ends behind the place where the manifest begins",
            beyond.bytes(keys),
        ),
    ]
}

fn unsigned() -> Vec<Vector> {
    vec![
        bad(
            "E_UNSIGNED",
            "policy",
            "somebody asked for an unsigned package, and the policy refuses it",
            tiny(),
        )
        .allow_unsigned("a test vector"),
        bad(
            "E_UNSIGNED",
            "not-asked",
            "the policy leaves it to the user, and nobody asked for an unsigned package",
            tiny(),
        )
        .trust("unsigned-ask"),
    ]
}
