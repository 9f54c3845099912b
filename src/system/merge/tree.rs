use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;

use super::{Content, Node, Rights};
use crate::digest::Hasher;
use crate::fsio::{Dir, FsError, NodeKind, Status};
use crate::payload::EntryPath;
use crate::progress::Progress;
use crate::system::CarryError;
use crate::system::carry::join;

/// Everything at and below the directories that are merged.
pub(in crate::system) type Tree = BTreeMap<EntryPath, Node>;

/// Bytes that are hashed at a time.
const PIECE: usize = 1 << 16;

/// Reads what is at `top` and below it; nothing if there is nothing.
///
/// Sockets are not looked at, nor is what is mounted there.
pub(in crate::system) fn read_tree(
    root: &Dir,
    top: &EntryPath,
    progress: &dyn Progress,
) -> Result<Tree, CarryError> {
    let mut tree = Tree::new();
    let file_system = root.own_status()?.device;
    let mut waiting = vec![top.clone()];
    while let Some(path) = waiting.pop() {
        if progress.cancelled() {
            return Err(CarryError::Cancelled);
        }
        let Some(node) = read_node(root, &path)? else {
            continue;
        };
        let is_directory = node.content == Content::Directory;
        if is_directory && root.status_of(&path)?.device == file_system {
            for entry in root.open_dir(&path)?.entries()? {
                waiting.push(join(Some(&path), entry.name.as_bytes())?);
            }
        }
        tree.insert(path, node);
    }
    Ok(tree)
}

/// What is at `path`, without what is below it; nothing for a socket.
pub(in crate::system) fn read_node(
    root: &Dir,
    path: &EntryPath,
) -> Result<Option<Node>, CarryError> {
    let status = match root.status_of(path) {
        Ok(status) => status,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let content = match status.kind {
        NodeKind::File => Content::File {
            size: status.size,
            sha256: digest(root, path)?,
        },
        NodeKind::Directory => Content::Directory,
        NodeKind::SymbolicLink => Content::Link(root.read_link(path)?),
        NodeKind::Fifo => Content::Special("fifo", (0, 0)),
        NodeKind::CharacterDevice => Content::Special("char", status.represents),
        NodeKind::BlockDevice => Content::Special("block", status.represents),
        NodeKind::Socket | NodeKind::Unknown => return Ok(None),
    };
    let Status {
        mode,
        uid,
        gid,
        mtime,
        ..
    } = status;
    let xattrs = root.xattrs(path)?;
    let rights = Rights {
        mode,
        uid,
        gid,
        xattrs,
    };
    Ok(Some(Node {
        content,
        rights,
        mtime,
    }))
}

fn digest(root: &Dir, path: &EntryPath) -> Result<crate::digest::Sha256Digest, CarryError> {
    let mut file = root.open_file(path)?;
    let mut hasher = Hasher::new();
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece);
        let count = read.map_err(FsError::system("read", root.path().join(path)))?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(piece.get(..count).unwrap_or_default());
    }
}
