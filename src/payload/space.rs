//! Whether there is room for what will be unpacked, asked before the first byte is written.

use super::convert::wide;
use super::entry::FileKind;
use super::select::Selection;
use super::{FileTable, PayloadError};
use crate::fsio::Dir;

/// Bytes that a file system gives out at a time; nearly all use 4 KiB.
const BLOCK: u64 = 4 << 10;

/// The bytes of disk that unpacking all of `table` takes, at most; metadata of the file system's own not counted.
///
/// Runs of zeros count, although they become holes: the table does not tell where they are.
pub fn space_needed(table: &FileTable) -> u64 {
    needed(table, &Selection::whole(table)).0
}

/// The room that so many bytes of a file take, in whole blocks.
pub fn in_blocks(length: u64) -> u64 {
    length.div_ceil(BLOCK).saturating_mul(BLOCK)
}

/// Refuses a place on whose file system there is no room for `bytes` more.
pub fn expect_space(place: &Dir, bytes: u64) -> Result<(), PayloadError> {
    expect(place, "bytes", bytes, place.free_space()?)
}

/// Refuses a target on whose file system there is no room for what is selected.
pub(super) fn check(
    target: &Dir,
    table: &FileTable,
    selection: &Selection,
) -> Result<(), PayloadError> {
    let (bytes, files) = needed(table, selection);
    expect_space(target, bytes)?;
    match target.free_files()? {
        Some(free) => expect(target, "files", files, free),
        None => Ok(()),
    }
}

fn expect(target: &Dir, unit: &'static str, needed: u64, free: u64) -> Result<(), PayloadError> {
    if needed <= free {
        return Ok(());
    }
    let path = target.path().to_owned();
    Err(PayloadError::NoSpace {
        path,
        unit,
        needed,
        free,
    })
}

/// Bytes of contents in whole blocks, and how many files and directories will be made.
fn needed(table: &FileTable, selection: &Selection) -> (u64, u64) {
    let (mut bytes, mut files) = (0_u64, 0_u64);
    for (number, entry) in table.entries().iter().enumerate() {
        let is_file = matches!(entry.kind, FileKind::Regular { .. });
        let wanted = if is_file {
            selection.name(table, number).is_some()
        } else {
            selection.wants(number)
        };
        let length = match &entry.kind {
            _ if !wanted => continue,
            // Another name takes no room worth counting.
            FileKind::HardLink { .. } => continue,
            FileKind::Regular { size, .. } => *size,
            FileKind::Directory => BLOCK,
            // Short ones are kept in the inode.
            FileKind::Symlink { target } if target.len() < 60 => 0,
            FileKind::Symlink { target } => wide(target.len()),
            _ => 0,
        };
        bytes = bytes.saturating_add(in_blocks(length));
        files += 1;
    }
    (bytes, files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;
    use crate::payload::{EntryPath, FileEntry, Mtime};

    fn entry(path: &str, kind: FileKind) -> FileEntry {
        let symlink = matches!(kind, FileKind::Symlink { .. });
        FileEntry {
            path: EntryPath::new(path.as_bytes()).unwrap(),
            kind,
            mode: if symlink { 0o777 } else { 0o755 },
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            xattrs: Vec::new(),
        }
    }

    fn file(path: &str, size: u64) -> FileEntry {
        let sha256 = Sha256Digest::of(b"");
        entry(path, FileKind::Regular { size, sha256 })
    }

    #[test]
    fn contents_count_in_blocks() {
        let link = |length: usize| FileKind::Symlink {
            target: "t".repeat(length).into(),
        };
        let target = EntryPath::new(b"d/a").unwrap();
        let table = FileTable::new(vec![
            entry("d", FileKind::Directory),
            file("d/a", 1),
            file("d/b", 4096),
            file("d/c", 4097),
            file("d/empty", 0),
            entry("d/hard", FileKind::HardLink { target }),
            entry("d/long", link(60)),
            entry("d/short", link(59)),
        ])
        .unwrap();
        assert_eq!(space_needed(&table), (1 + 1 + 1 + 2 + 1) * BLOCK);
        assert_eq!(needed(&table, &Selection::whole(&table)).1, 7);
        // A hard link alone is the file it links to.
        let only = Selection::only(&table, &["d/hard".into()]).unwrap();
        assert_eq!(needed(&table, &only), (2 * BLOCK, 2));
    }

    #[test]
    fn one_byte_too_few_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        expect(&dir, "bytes", 100, 100).unwrap();
        let error = expect(&dir, "bytes", 101, 100).unwrap_err();
        assert_eq!(error.code(), "E_NO_SPACE");
        assert!(
            error.to_string().starts_with("101 bytes are needed at "),
            "{error}"
        );
        assert!(error.hint().is_some());
    }
}
