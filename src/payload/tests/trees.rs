//! Trees to build from, and a way to compare them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::fsio::{Attributes, Dir, NodeKind, set_file_attributes};

/// A moment in 2001, when every file of a test tree was last changed.
pub(super) const MTIME: i64 = 1_000_000_000;

/// Bytes that look like nothing, the same for the same seed.
pub(super) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A tree with one of everything that can be put into a payload without privilege.
pub(super) fn make(root: &Path) -> Dir {
    let dir = Dir::open_or_create(root, 0o755).unwrap();
    for name in ["empty dir", "sub", "sub/deep", "z"] {
        dir.create_dir(name, 0o755).unwrap();
    }
    let mib = 1 << 20;
    let files: [(&[u8], Vec<u8>); 14] = [
        (b"empty", Vec::new()),
        (b"small", b"small\n".to_vec()),
        (b"sub-sibling", noise(700, 1)),
        (b"sub/new\nline", noise(511, 2)),
        (b"sub/\xff\xfe not utf-8", noise(512, 3)),
        (b"sub/block and one", noise(513, 4)),
        (b"sub/deep/just below", noise(mib - 513, 5)),
        (b"sub/deep/fits a frame", noise(mib - 512, 6)),
        (b"sub/deep/just above", noise(mib - 511, 7)),
        (b"sub/deep/mib", noise(mib, 8)),
        (b"sub/deep/mib and one", noise(mib + 1, 9)),
        (b"sub/deep/many frames", noise(3 * mib + 12345, 10)),
        (&[b'n'; 255], b"long name".to_vec()),
        (b"z/text", b"words and words ".repeat(20_000)),
    ];
    for (name, contents) in files {
        write(&dir, OsStr::from_bytes(name), &contents, 0o644);
    }
    write(&dir, OsStr::new("program"), b"#!/bin/sh\n", 0o755);
    write(&dir, OsStr::new("secret"), b"secret\n", 0o600);
    let sparse = dir.create_file("sparse", 0o644).unwrap();
    sparse.set_len(5 << 20).unwrap();
    drop(sparse);
    let long = [&[b'd'; 200][..]; 3].join(&b'/');
    let mut path = PathBuf::new();
    for part in Path::new(OsStr::from_bytes(&long)) {
        path.push(part);
        dir.create_dir(&path, 0o755).unwrap();
    }
    write(&dir, path.join("end").as_os_str(), b"far away", 0o644);
    dir.create_symlink(OsStr::new("small"), "link").unwrap();
    dir.create_symlink(OsStr::new("/nowhere/at all"), "sub/dangling")
        .unwrap();
    let text = OsStr::from_bytes(&[b't'; 300]);
    dir.create_symlink(text, "sub/long link").unwrap();
    dir.create_hard_link("small", "sub/also small").unwrap();
    dir.create_hard_link("sub/deep/many frames", "z/hard")
        .unwrap();
    dir.create_fifo("z/fifo", 0o640).unwrap();
    let noted = dir.create_file("sub/noted", 0o644).unwrap();
    let attributes = Attributes {
        xattrs: &[
            (OsStr::new("user.note"), b"a note\n"),
            (OsStr::new("user.odd"), &[0, 255, 10]),
        ],
        ..Attributes::default()
    };
    set_file_attributes(&noted, Path::new("noted"), &attributes).unwrap();
    dir.create_dir("read only", 0o755).unwrap();
    write(&dir, OsStr::new("read only/file"), b"x", 0o444);
    let attributes = Attributes {
        mode: Some(0o555),
        ..Attributes::default()
    };
    dir.set_attributes("read only", &attributes).unwrap();
    set_times(&dir);
    dir
}

pub(super) fn write(dir: &Dir, name: &OsStr, contents: &[u8], mode: u32) {
    use std::io::Write as _;
    let mut file = dir.create_file(name, 0o600).unwrap();
    file.write_all(contents).unwrap();
    let attributes = Attributes {
        mode: Some(mode),
        ..Attributes::default()
    };
    set_file_attributes(&file, Path::new(name), &attributes).unwrap();
}

/// Gives everything below `dir` the same time, so that a tree made again is the same tree.
pub(super) fn set_times(dir: &Dir) {
    let attributes = Attributes {
        mtime: Some((MTIME, 0)),
        ..Attributes::default()
    };
    for (path, fact) in facts(dir).iter().rev() {
        if fact.starts_with("SymbolicLink") {
            dir.set_link_attributes(path, &attributes).unwrap();
        } else {
            dir.set_attributes(path, &attributes).unwrap();
        }
    }
}

/// Everything about everything below `dir` that a payload keeps, by path.
pub(super) fn facts(dir: &Dir) -> BTreeMap<PathBuf, String> {
    let mut facts = BTreeMap::new();
    let mut inodes = BTreeMap::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(path) = directories.pop() {
        let opened = if path.as_os_str().is_empty() {
            None
        } else {
            Some(dir.open_dir(&path).unwrap())
        };
        for entry in opened.as_ref().unwrap_or(dir).entries().unwrap() {
            let path = path.join(&entry.name);
            let status = dir.status_of(&path).unwrap();
            let contents = match status.kind {
                NodeKind::File => {
                    let bytes = dir.read_bounded(&path, 1 << 30).unwrap();
                    crate::digest::Sha256Digest::of(&bytes).to_string()
                }
                NodeKind::SymbolicLink => format!("{:?}", dir.read_link(&path).unwrap()),
                NodeKind::Directory => {
                    directories.push(path.clone());
                    String::new()
                }
                _ => format!("{:?}", status.represents),
            };
            // Names of one file share the number of the first of them.
            let first = inodes.len();
            let same = *inodes.entry(status.inode).or_insert(first);
            let same = if status.links > 1 && status.kind == NodeKind::File {
                same
            } else {
                0
            };
            let xattrs = dir.xattrs(&path).unwrap();
            let fact = format!(
                "{:?} {:o} {}:{} {:?} links {} file {same} {xattrs:?} {contents}",
                status.kind,
                status.mode,
                status.uid,
                status.gid,
                status.mtime,
                if status.kind == NodeKind::Directory {
                    0
                } else {
                    status.links
                },
            );
            facts.insert(path, fact);
        }
    }
    facts
}
