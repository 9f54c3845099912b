//! Single files come out of a payload as they went in, and nothing else is read for them.

use std::sync::Mutex;

use super::build::build;
use super::trees::{make, noise, write};
use crate::fsio::{Dir, ReadAt};
use crate::payload::{Compression, FileKind, Members, PayloadError, TreeOptions};
use crate::progress::Silent;

/// Notes the places that are read.
struct Watched {
    bytes: Vec<u8>,
    read: Mutex<Vec<(u64, usize)>>,
}

impl ReadAt for Watched {
    fn length(&self) -> std::io::Result<u64> {
        self.bytes.length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.read.lock().unwrap().push((offset, buffer.len()));
        self.bytes.read_exact_at(buffer, offset)
    }
}

fn watched(bytes: Vec<u8>) -> Watched {
    let read = Mutex::new(Vec::new());
    Watched { bytes, read }
}

/// Reads entry `number` into a new file and gives its bytes.
fn contents(members: &mut Members<'_>, number: usize) -> Result<Vec<u8>, PayloadError> {
    let home = tempfile::tempdir().unwrap();
    let dir = Dir::open(home.path()).unwrap();
    let file = dir.create_file("out", 0o600).unwrap();
    members.write(number, &file, "out".as_ref(), &Silent)?;
    Ok(std::fs::read(home.path().join("out")).unwrap())
}

#[test]
fn every_file_comes_out_alone_in_any_order() {
    let home = tempfile::tempdir().unwrap();
    let tree = make(home.path());
    for compression in [Compression::None, Compression::Zstd(3)] {
        let options = TreeOptions {
            compression,
            ..TreeOptions::default()
        };
        let (payload, built) = build(&tree, &options);
        let mut members = Members::new(&payload, &built.index, &built.table).unwrap();
        let mut numbers: Vec<_> = (0..built.table.entries().len()).collect();
        for _ in 0..2 {
            for &number in &numbers {
                let entry = &built.table.entries()[number];
                let result = contents(&mut members, number);
                if let FileKind::Regular { .. } = entry.kind {
                    let expected = std::fs::read(home.path().join(&entry.path)).unwrap();
                    assert!(result.unwrap() == expected, "{}", entry.path);
                } else {
                    assert_eq!(result.unwrap_err().code(), "E_NOT_FOUND");
                }
            }
            numbers.reverse();
        }
        assert_eq!(
            contents(&mut members, numbers.len()).unwrap_err().code(),
            "E_NOT_FOUND"
        );
    }
}

#[test]
fn only_the_frames_of_the_file_are_read_and_each_once() {
    let home = tempfile::tempdir().unwrap();
    let tree = Dir::open(home.path()).unwrap();
    for (number, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        write(
            &tree,
            name.as_ref(),
            &noise(1_000_000, number as u64),
            0o644,
        );
    }
    write(&tree, "e".as_ref(), b"small", 0o644);
    write(&tree, "f".as_ref(), b"as small", 0o644);
    let (payload, built) = build(&tree, &TreeOptions::default());
    let payload = watched(payload);
    let mut members = Members::new(&payload, &built.index, &built.table).unwrap();
    let number = |name: &[u8]| built.table.find(name).unwrap();
    contents(&mut members, number(b"c")).unwrap();
    let length: usize = payload
        .read
        .lock()
        .unwrap()
        .iter()
        .map(|(_, length)| length)
        .sum();
    assert!((1_000_000..1_100_000).contains(&length), "{length}");
    contents(&mut members, number(b"e")).unwrap();
    let reads = payload.read.lock().unwrap().len();
    contents(&mut members, number(b"f")).unwrap();
    assert_eq!(
        payload.read.lock().unwrap().len(),
        reads,
        "the frame was held"
    );
}

#[test]
fn c14_a_damaged_frame_gives_out_nothing_and_harms_no_other() {
    let home = tempfile::tempdir().unwrap();
    let tree = Dir::open(home.path()).unwrap();
    write(&tree, "a".as_ref(), &noise(1_000_000, 1), 0o644);
    write(&tree, "b".as_ref(), &noise(1_000_000, 2), 0o644);
    let (mut payload, built) = build(&tree, &TreeOptions::default());
    let last = payload.len() - 1;
    payload[last / 4] ^= 1;
    let mut members = Members::new(&payload, &built.index, &built.table).unwrap();
    for _ in 0..2 {
        let error = contents(&mut members, 0).unwrap_err();
        assert_eq!(error.code(), "E_HASH_MISMATCH");
        contents(&mut members, 1).unwrap();
    }
}
