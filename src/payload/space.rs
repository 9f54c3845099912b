//! Whether there is room for what will be unpacked, asked before the first byte is written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::convert::wide;
use super::entry::FileKind;
use super::select::Selection;
use super::{FileTable, PayloadError};
use crate::fsio::{Dir, FsError, NodeKind, Status};

/// Bytes that a file system gives out at a time; nearly all use 4 KiB.
const BLOCK: u64 = 4 << 10;
/// Bytes from which on the text of a symbolic link takes a block.
const IN_INODE: u64 = 60;

/// The bytes of disk that unpacking all of `table` takes, at most; metadata of the file system's own not counted.
///
/// Runs of zeros count, although they become holes: the table does not tell where they are.
pub fn space_needed(table: &FileTable) -> u64 {
    needed(table, &Selection::whole(table)).0
}

/// The bytes of disk that all below `root` takes, in the measure of [`space_needed`], while somebody unpacks there.
///
/// What is gone when it is looked at takes none. Nothing is followed, and no mount point crossed.
pub fn space_taken(root: &Dir) -> Result<u64, FsError> {
    let (mut bytes, mut named) = (0_u64, BTreeSet::new());
    let mut waiting: Vec<Option<PathBuf>> = vec![None];
    while let Some(directory) = waiting.pop() {
        let opened = directory.as_ref().map(|path| root.open_dir_within(path));
        let opened = match opened.transpose() {
            Err(error) if error.is_not_found() => continue,
            opened => opened?,
        };
        let here = opened.as_ref().unwrap_or(root);
        for entry in here.entries()? {
            let status = match here.status_of(&entry.name) {
                Err(error) if error.is_not_found() => continue,
                status => status?,
            };
            if status.kind == NodeKind::Directory {
                let parent = directory.as_deref().unwrap_or(Path::new(""));
                waiting.push(Some(parent.join(&entry.name)));
            } else if status.links > 1 && !named.insert(status.inode) {
                continue;
            }
            bytes = bytes.saturating_add(taken(&status));
        }
    }
    Ok(bytes)
}

/// What one of them takes; a file gets its length first, and then its blocks.
fn taken(status: &Status) -> u64 {
    match status.kind {
        NodeKind::Directory => BLOCK,
        NodeKind::File if status.size > BLOCK => {
            in_blocks(status.size).min(in_blocks(status.allocated))
        }
        NodeKind::File => in_blocks(status.size),
        NodeKind::SymbolicLink if status.size >= IN_INODE => in_blocks(status.size),
        _ => 0,
    }
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
            FileKind::Symlink { target } if wide(target.len()) < IN_INODE => 0,
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
    fn what_is_there_is_counted_as_what_comes() {
        let home = tempfile::tempdir().unwrap();
        let root = Dir::open(home.path()).unwrap();
        assert_eq!(space_taken(&root).unwrap(), 0);
        let path = |name: &str| home.path().join(name);
        std::fs::create_dir_all(path("d/deep")).unwrap();
        std::fs::write(path("d/a"), "a").unwrap();
        std::fs::write(path("d/deep/empty"), "").unwrap();
        std::fs::write(path("d/deep/more"), vec![1; 4097]).unwrap();
        // What is on its way to the disk may be counted on neither side.
        let more = std::fs::File::open(path("d/deep/more")).unwrap();
        more.sync_all().unwrap();
        std::fs::hard_link(path("d/deep/more"), path("d/again")).unwrap();
        std::os::unix::fs::symlink("t".repeat(60), path("d/long")).unwrap();
        std::os::unix::fs::symlink("t".repeat(59), path("short")).unwrap();
        assert_eq!(space_taken(&root).unwrap(), (2 + 1 + 2 + 1) * BLOCK);
        // A file that has its length and nothing of its contents takes nothing yet.
        let begun = std::fs::File::create(path("begun")).unwrap();
        begun.set_len(1 << 20).unwrap();
        assert_eq!(space_taken(&root).unwrap(), (2 + 1 + 2 + 1) * BLOCK);
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
