//! Sealing again: regions untouched, nothing lost when it is interrupted.

use std::io::Write as _;
use std::path::Path;

use isi_catalog::isi_file::Envelope;
use isi_catalog::package::{Hashing, Seal, SealPackageError, replace_seal};

use crate::world::{draft, refusal, world};

fn package(folder: &Path) -> std::path::PathBuf {
    world().package(&folder.join("p.isi"), draft(b"payload"))
}

/// Signs and timestamps anew.
#[expect(clippy::unnecessary_wraps, reason = "it has the form of every change")]
fn renew(envelope: &Envelope) -> Result<Seal, SealPackageError> {
    let signature = world().sign("signer", &envelope.manifest);
    let timestamp = world().timestamp(&signature);
    Ok(Seal {
        signature,
        timestamp,
    })
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_seal_leaves_regions_and_manifest_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = package(folder.path());
    let before = std::fs::read(&path).unwrap();
    replace_seal(&path, &renew).unwrap();
    let after = std::fs::read(&path).unwrap();
    assert_ne!(before, after);
    let end = Envelope::read(&before).unwrap().regions_end as usize;
    let manifest = Envelope::read(&before).unwrap().manifest.len();
    assert_eq!(before[..end + 8 + manifest], after[..end + 8 + manifest]);
    assert_eq!(refusal(world(), &after, Hashing::Chunks), None);
    assert_eq!(names(folder.path()), ["p.isi"]);
}

#[test]
fn a_refused_change_leaves_the_package_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = package(folder.path());
    let before = std::fs::read(&path).unwrap();
    let refuse = |_: &Envelope| Err(SealPackageError::Change("no key".into()));
    assert_eq!(replace_seal(&path, &refuse).unwrap_err().code(), "E_SEAL");
    let too_large = |_: &Envelope| {
        Ok(Seal {
            signature: vec![0; 300 << 10],
            timestamp: Vec::new(),
        })
    };
    assert_eq!(
        replace_seal(&path, &too_large).unwrap_err().code(),
        "E_FORMAT_SIZE"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(names(folder.path()), ["p.isi"]);
}

#[test]
fn what_was_interrupted_is_undone_by_the_next_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = package(folder.path());
    let before = std::fs::read(&path).unwrap();
    let end = Envelope::read(&before).unwrap().regions_end;
    // What an in-place change leaves when it is killed after the first bytes of the new ending.
    let mut kept = end.to_le_bytes().to_vec();
    kept.extend(&before[end as usize..]);
    let digest = isi_catalog::digest::Sha256Digest::of(&kept);
    kept.extend(digest.as_bytes());
    std::fs::write(folder.path().join(".p.isi.isi-undo"), &kept).unwrap();
    let mut torn = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::io::Seek::seek(&mut torn, std::io::SeekFrom::Start(end + 300)).unwrap();
    torn.write_all(&[0xaa; 5000]).unwrap();
    drop(torn);
    assert!(refusal(world(), &std::fs::read(&path).unwrap(), Hashing::Chunks).is_some());
    let keep = |envelope: &Envelope| {
        Ok(Seal {
            signature: envelope.signature.clone(),
            timestamp: envelope.timestamp.clone(),
        })
    };
    replace_seal(&path, &keep).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(names(folder.path()), ["p.isi"]);
}

#[test]
fn a_kept_ending_that_is_itself_damaged_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = package(folder.path());
    std::fs::write(folder.path().join(".p.isi.isi-undo"), b"half of it").unwrap();
    replace_seal(&path, &renew).unwrap();
    let after = std::fs::read(&path).unwrap();
    assert_eq!(refusal(world(), &after, Hashing::Chunks), None);
    assert_eq!(names(folder.path()), ["p.isi"]);
}

#[test]
fn two_at_once_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = package(folder.path());
    let other = std::fs::File::open(&path).unwrap();
    other.lock().unwrap();
    assert_eq!(replace_seal(&path, &renew).unwrap_err().code(), "E_BUSY");
}
