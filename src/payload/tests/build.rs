//! Trees become payloads.

use std::ffi::OsStr;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use super::trees::{MTIME, make, noise, set_times, write};
use crate::digest::Sha256Digest;
use crate::fsio::Dir;
use crate::payload::limits::{MAX_COMPONENT_LENGTH, MAX_DEPTH, MAX_FRAME_LENGTH};
use crate::payload::{
    BuiltTree, Compression, FileKind, FileTable, Frame, Owners, PayloadError, PayloadIndex,
    TreeOptions, XattrSelection, build_tree,
};
use crate::progress::{Progress, Silent};

pub(super) fn build(dir: &Dir, options: &TreeOptions) -> (Vec<u8>, BuiltTree) {
    let mut payload = Vec::new();
    let built = build_tree(dir, &mut payload, options, &Silent).unwrap();
    assert_eq!(built.size, payload.len() as u64);
    assert_eq!(built.index.stored_length(), built.size);
    assert_eq!(built.index.plain_length(), built.table.stream_length());
    (payload, built)
}

pub(super) fn plain() -> TreeOptions {
    TreeOptions {
        compression: Compression::None,
        ..TreeOptions::default()
    }
}

/// As [`plain`], on any machine only a few frames ahead of what was written.
fn plain_and_close() -> TreeOptions {
    TreeOptions {
        threads: NonZeroUsize::new(2),
        ..plain()
    }
}

/// The whole tar stream, decoded frame by frame and compared with the index on the way.
fn decoded(payload: &[u8], built: &BuiltTree) -> Vec<u8> {
    let (mut stream, mut at) = (Vec::new(), 0);
    for frame in built.index.frames() {
        let stored = &payload[at..at + frame.stored_size as usize];
        assert_eq!(Sha256Digest::of(stored), frame.stored_sha256);
        let plain = match built.media_type {
            "application/x-tar" => stored.to_vec(),
            _ => zstd::bulk::decompress(stored, frame.plain_size as usize).unwrap(),
        };
        assert_eq!(plain.len(), frame.plain_size as usize);
        assert_eq!(Sha256Digest::of(&plain), frame.plain_sha256);
        stream.extend(plain);
        at += frame.stored_size as usize;
    }
    assert_eq!(at, payload.len());
    stream
}

#[test]
fn the_same_tree_gives_the_same_bytes_on_any_number_of_threads() {
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let trees = homes.each_ref().map(|home| make(home.path()));
    for compression in [
        Compression::None,
        Compression::Zstd(1),
        Compression::Zstd(3),
    ] {
        let of = |tree: &Dir, threads| {
            let options = TreeOptions {
                compression,
                threads: NonZeroUsize::new(threads),
                ..TreeOptions::default()
            };
            build(tree, &options)
        };
        let first = of(&trees[0], 1);
        for threads in [2, 3, 7, 16] {
            assert_eq!(of(&trees[0], threads), first, "{threads} threads");
        }
        assert_eq!(of(&trees[1], 0), first);
    }
}

#[test]
fn all_compressions_hold_the_same_stream() {
    let home = tempfile::tempdir().unwrap();
    let tree = make(home.path());
    let (stream, plain) = build(&tree, &plain());
    assert_eq!(decoded(&stream, &plain), stream);
    for level in [1, 3, 19] {
        let options = TreeOptions {
            compression: Compression::Zstd(level),
            ..TreeOptions::default()
        };
        let (payload, built) = build(&tree, &options);
        assert_eq!(decoded(&payload, &built), stream, "level {level}");
        assert_eq!(zstd::stream::decode_all(&payload[..]).unwrap(), stream);
        assert_eq!(built.table, plain.table);
        assert!(payload.len() < stream.len());
    }
}

#[test]
fn codecs_take_what_was_built() {
    let home = tempfile::tempdir().unwrap();
    let (_, built) = build(&make(home.path()), &TreeOptions::default());
    let (table, index) = (built.table.encode(), built.index.encode());
    assert_eq!(FileTable::decode(&table).unwrap(), built.table);
    assert_eq!(PayloadIndex::decode(&index).unwrap(), built.index);
}

#[test]
fn the_table_says_where_each_file_is() {
    let home = tempfile::tempdir().unwrap();
    let (stream, built) = build(&make(home.path()), &plain());
    let mut files = 0;
    for (entry, place) in built.table.entries().iter().zip(built.table.places()) {
        if let FileKind::Regular { size, sha256 } = &entry.kind {
            let start = place.data as usize;
            let contents = &stream[start..start + *size as usize];
            assert_eq!(Sha256Digest::of(contents), *sha256, "{}", entry.path);
            files += 1;
        }
    }
    assert_eq!(files, 20);
    assert!(stream.ends_with(&[0; 1024]));
}

#[test]
fn a_small_file_is_never_cut() {
    let home = tempfile::tempdir().unwrap();
    let (_, built) = build(&make(home.path()), &plain());
    let mut ends = Vec::new();
    for frame in built.index.frames() {
        assert!(frame.plain_size <= MAX_FRAME_LENGTH);
        ends.push(ends.last().unwrap_or(&0) + u64::from(frame.plain_size));
    }
    let places = built.table.places();
    for (number, place) in places.iter().enumerate() {
        let end = match places.get(number + 1) {
            Some(next) => next.headers,
            None => built.table.stream_length() - 1024,
        };
        let cuts = ends
            .iter()
            .filter(|cut| place.headers < **cut && **cut < end);
        let needed = (end - place.headers).div_ceil(u64::from(MAX_FRAME_LENGTH)) - 1;
        assert_eq!(
            cuts.count() as u64,
            needed,
            "{}",
            built.table.entries()[number].path
        );
    }
}

#[test]
fn an_empty_tree_is_an_empty_archive() {
    let home = tempfile::tempdir().unwrap();
    let dir = Dir::open(home.path()).unwrap();
    let (stream, built) = build(&dir, &plain());
    assert_eq!(stream, [0; 1024]);
    assert_eq!(built.table.entries(), []);
    let zeros = Sha256Digest::of(&[0; 1024]);
    let frame = Frame {
        stored_size: 1024,
        plain_size: 1024,
        stored_sha256: zeros,
        plain_sha256: zeros,
    };
    assert_eq!(built.index.frames(), [frame]);
}

#[test]
fn times_are_clamped_and_owners_fixed_as_asked() {
    let home = tempfile::tempdir().unwrap();
    let dir = Dir::open(home.path()).unwrap();
    write(&dir, OsStr::new("file"), b"x", 0o644);
    let precise = |nanoseconds, clock: Option<i64>| {
        let options = TreeOptions {
            nanoseconds,
            clock: clock.map(|clock| jiff::Timestamp::from_second(clock).unwrap()),
            owners: Owners::Fixed {
                uid: 7,
                gid: 3_000_000,
            },
            ..plain()
        };
        let entry = build(&dir, &options).1.table.entries()[0].clone();
        assert_eq!((entry.uid, entry.gid), (7, 3_000_000));
        (entry.mtime.seconds, entry.mtime.nanoseconds)
    };
    let (seconds, nanoseconds) = dir.status_of("file").unwrap().mtime;
    assert_eq!(precise(true, None), (seconds, nanoseconds));
    assert_eq!(precise(false, None), (seconds, 0));
    assert_eq!(precise(true, Some(MTIME)), (MTIME, 0));
    assert_eq!(precise(true, Some(seconds + 1)), (seconds, nanoseconds));
}

#[test]
fn attributes_are_recorded_as_asked() {
    let home = tempfile::tempdir().unwrap();
    let tree = make(home.path());
    let count = |xattrs| {
        let options = TreeOptions { xattrs, ..plain() };
        let (_, built) = build(&tree, &options);
        built
            .table
            .entries()
            .iter()
            .map(|entry| entry.xattrs.len())
            .sum::<usize>()
    };
    assert_eq!(count(XattrSelection::None), 0);
    assert_eq!(count(XattrSelection::Portable), 2);
    assert!(count(XattrSelection::All) >= 2);
}

#[test]
fn links_are_recorded_and_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "s").unwrap();
    let home = tempfile::tempdir().unwrap();
    let dir = Dir::open(home.path()).unwrap();
    dir.create_symlink(outside.path().as_os_str(), "link")
        .unwrap();
    let (_, built) = build(&dir, &plain());
    let target = outside.path().as_os_str().to_owned();
    assert_eq!(built.table.entries().len(), 1);
    assert_eq!(built.table.entries()[0].kind, FileKind::Symlink { target });
}

#[test]
fn what_cannot_be_packed_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let dir = Dir::open(home.path()).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(home.path().join("socket")).unwrap();
    let error = build_tree(&dir, &mut Vec::new(), &plain(), &Silent).unwrap_err();
    assert_eq!(error.code(), "E_FILE_KIND");
    assert!(error.to_string().contains("socket is a socket"), "{error}");
    for level in [0, -1, Compression::HIGHEST_LEVEL + 1] {
        let options = TreeOptions {
            compression: Compression::Zstd(level),
            ..TreeOptions::default()
        };
        let error = build_tree(&dir, &mut Vec::new(), &options, &Silent).unwrap_err();
        assert_eq!(error.code(), "E_LEVEL");
    }
}

#[test]
fn trees_are_as_deep_as_the_limit_and_no_deeper() {
    let home = tempfile::tempdir().unwrap();
    let dir = Dir::open(home.path()).unwrap();
    let mut path = std::path::PathBuf::new();
    for _ in 0..MAX_DEPTH {
        path.push("d");
        dir.create_dir(&path, 0o755).unwrap();
    }
    assert_eq!(build(&dir, &plain()).1.table.entries().len(), MAX_DEPTH);
    dir.create_dir(path.join("d"), 0o755).unwrap();
    let error = build_tree(&dir, &mut Vec::new(), &plain(), &Silent).unwrap_err();
    assert_eq!(error.code(), "E_NAME");
    // Longer than a component may be is more than this file system holds.
    assert!(
        dir.create_dir("n".repeat(MAX_COMPONENT_LENGTH + 1), 0o755)
            .is_err()
    );
}

/// Does something to the tree once the first frame has been written.
struct Meddler<F: Fn()>(F);

impl<F: Fn()> std::io::Write for Meddler<F> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        (self.0)();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    type Change = fn(&std::path::Path);
    let changes: [Change; 5] = [
        |path| {
            let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(b"more").unwrap();
        },
        |path| {
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(10).unwrap();
        },
        |path| {
            // The same length, other bytes.
            use std::os::unix::fs::FileExt as _;
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            file.write_all_at(b"other", 5).unwrap();
        },
        |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::write(path, noise(40 << 20, 2)).unwrap();
        },
        |path| {
            let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(path, permissions).unwrap();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        std::fs::write(&path, noise(40 << 20, 1)).unwrap();
        let dir = Dir::open(home.path()).unwrap();
        set_times(&dir);
        let mut output = Meddler(|| change(&path));
        let error = build_tree(&dir, &mut output, &plain_and_close(), &Silent).unwrap_err();
        assert_eq!(error.code(), "E_FILE_CHANGED", "{number}: {error}");
        assert!(error.to_string().contains("file changed"), "{error}");
    }
}

/// A file system decides late where a file's blocks are, and may need more of them to find the others.
#[test]
fn a_file_that_reaches_the_disk_while_it_is_read_has_not_changed() {
    use std::os::unix::fs::FileExt as _;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    let file = std::fs::File::create(&path).unwrap();
    for piece in 0..40 {
        file.write_all_at(&noise(4096, 1), piece << 20).unwrap();
    }
    let dir = Dir::open(home.path()).unwrap();
    set_times(&dir);
    let mut output = Meddler(|| file.sync_all().unwrap());
    build_tree(&dir, &mut output, &plain_and_close(), &Silent).unwrap();
}

/// Asks to stop after some bytes.
#[derive(Debug, Default)]
pub(super) struct Stopper {
    pub(super) after: u64,
    seen: AtomicU64,
}

impl Stopper {
    pub(super) fn after(after: u64) -> Self {
        let seen = AtomicU64::new(0);
        Self { after, seen }
    }
}

impl Progress for Stopper {
    fn begin(&self, _name: &str, _total: u64) {}

    fn advance(&self, bytes: u64) {
        self.seen.fetch_add(bytes, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.seen.load(Ordering::Relaxed) >= self.after
    }
}

#[test]
fn stops_when_asked() {
    let home = tempfile::tempdir().unwrap();
    let tree = make(home.path());
    for after in [0, 1, 2 << 20] {
        let mut out = Vec::new();
        let stopper = Stopper::after(after);
        let error = build_tree(&tree, &mut out, &plain_and_close(), &stopper).unwrap_err();
        assert_eq!(error.code(), "E_CANCELLED");
        assert!(out.len() as u64 <= after + 4 * u64::from(MAX_FRAME_LENGTH) * 16);
    }
}

#[test]
fn an_output_that_fails_ends_the_work() {
    let home = tempfile::tempdir().unwrap();
    let tree = make(home.path());
    let mut small = [0; 1000];
    let error = build_tree(&tree, &mut &mut small[..], &plain(), &Silent).unwrap_err();
    assert!(matches!(error, PayloadError::Write { .. }), "{error}");
}
