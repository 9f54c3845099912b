use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::error::errno;
use super::{Attributes, Dir, EntryKind, FsError, NodeKind, Status, clone_file, copy_range};
use crate::progress::Progress;

/// What a copy of a tree came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// Names made, the tree itself not counted.
    pub names: u64,
    /// Bytes of content, whether their blocks are shared or not.
    pub bytes: u64,
    /// Whether it stopped because the caller wanted that.
    pub cancelled: bool,
}

impl Dir {
    /// Copies everything below this directory into the empty directory `to`, and its own attributes.
    ///
    /// Blocks are shared where the file system can; holes stay holes, names of one file stay names of one
    /// file. Owners, modes, times and all extended attributes are those of the original. Links are not
    /// followed, and a directory that something else is mounted on is copied empty.
    pub fn copy_tree(&self, to: &Self, progress: &dyn Progress) -> Result<Copied, FsError> {
        self.copy_tree_without(&[], to, progress)
    }

    /// As [`Dir::copy_tree`], but of these directories nothing that is in them is copied.
    pub fn copy_tree_without(
        &self,
        left_out: &[&Self],
        to: &Self,
        progress: &dyn Progress,
    ) -> Result<Copied, FsError> {
        let mut copy = Copy::new(self, to);
        for directory in left_out {
            let status = directory.own_status()?;
            copy.left_out.push((status.device, status.inode));
        }
        // The list grows while it is worked off; parents stand before what is in them.
        let mut next = 0;
        while let Some(directory) = copy.directories.get(next).cloned() {
            if progress.cancelled() {
                copy.done.cancelled = true;
                return Ok(copy.done);
            }
            copy.directory(&directory, progress)?;
            next += 1;
        }
        copy.finish_directories()?;
        copy.finish_root()?;
        Ok(copy.done)
    }

    /// Whether something else is mounted on the directory `name`.
    fn is_mounted_on(&self, name: &Path) -> Result<bool, FsError> {
        match self.open_dir_within(name) {
            Ok(_) => Ok(false),
            Err(error) if error.is_mount_point() => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Copies chosen names of one tree to the same places of another.
///
/// As [`Dir::copy_tree`], but the names are told one by one, parents before what is in them.
#[derive(Debug)]
pub struct TreeCopy<'a>(Copy<'a>);

impl<'a> TreeCopy<'a> {
    /// Begins to copy from one tree to another.
    pub fn new(from: &'a Dir, to: &'a Dir) -> Self {
        Self(Copy::new(from, to))
    }

    /// Copies what has this name, of a directory nothing but itself; it may be there already.
    ///
    /// Anything but a directory in the place of a directory must not be there.
    pub fn name(&mut self, path: impl AsRef<Path>) -> Result<(), FsError> {
        let copy = &mut self.0;
        let path = path.as_ref();
        copy.done.names += 1;
        let is_directory = |dir: &Dir| Ok(dir.kind_of(path)? == Some(EntryKind::Directory));
        if is_directory(copy.from)? && is_directory(copy.to)? {
            copy.directories.push(path.to_owned());
            return Ok(());
        }
        let parent = path.parent().unwrap_or(Path::new(""));
        let (here, there) = (open_below(copy.from, parent)?, open_below(copy.to, parent)?);
        let (from, to) = (copy.from, copy.to);
        let name = path.file_name().unwrap_or_default();
        copy.entry(
            here.as_ref().unwrap_or(from),
            there.as_ref().unwrap_or(to),
            parent,
            name,
        )
    }

    /// Gives the directories their attributes; nothing may be made in them afterwards.
    pub fn finish(self) -> Result<Copied, FsError> {
        self.0.finish_directories()?;
        Ok(self.0.done)
    }
}

#[derive(Debug)]
struct Copy<'a> {
    from: &'a Dir,
    to: &'a Dir,
    /// The first name made of each file that has several.
    first_names: HashMap<((u32, u32), u64), PathBuf>,
    /// Every directory, relative to the tree; the first is the tree itself.
    directories: Vec<PathBuf>,
    /// Directories whose contents are not copied: device and inode.
    left_out: Vec<((u32, u32), u64)>,
    done: Copied,
}

impl<'a> Copy<'a> {
    fn new(from: &'a Dir, to: &'a Dir) -> Self {
        Self {
            from,
            to,
            first_names: HashMap::new(),
            directories: vec![PathBuf::new()],
            left_out: Vec::new(),
            done: Copied::default(),
        }
    }
}

impl Copy<'_> {
    fn directory(&mut self, path: &Path, progress: &dyn Progress) -> Result<(), FsError> {
        let opened = open_below(self.from, path)?;
        let made = open_below(self.to, path)?;
        let (here, there) = (
            opened.as_ref().unwrap_or(self.from),
            made.as_ref().unwrap_or(self.to),
        );
        for entry in here.entries()? {
            if progress.cancelled() {
                return Ok(());
            }
            self.entry(here, there, path, &entry.name)?;
            self.done.names += 1;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        here: &Dir,
        there: &Dir,
        directory: &Path,
        name: &OsStr,
    ) -> Result<(), FsError> {
        let status = here.status_of(name)?;
        let path = directory.join(name);
        if status.kind != NodeKind::Directory && status.links > 1 {
            let file = (status.device, status.inode);
            if let Some(first) = self.first_names.get(&file) {
                return self.to.create_hard_link(first, &path);
            }
            self.first_names.insert(file, path.clone());
        }
        match status.kind {
            NodeKind::File => return self.file(here, there, name, &status),
            NodeKind::Directory => {
                there.create_dir(name, 0o700)?;
                if here.is_mounted_on(Path::new(name))? {
                    // What it would have inside is somebody else's; nor is it known what it is itself.
                    let attributes = Attributes {
                        mode: Some(0o755),
                        ..Attributes::default()
                    };
                    return there.set_attributes(name, &attributes);
                }
                if !self.left_out.contains(&(status.device, status.inode)) {
                    self.directories.push(path);
                    return Ok(());
                }
            }
            NodeKind::SymbolicLink => there.create_symlink(&here.read_link(name)?, name)?,
            NodeKind::Fifo => there.create_fifo(name, 0o600)?,
            NodeKind::Socket => there.create_socket(name, 0o600)?,
            NodeKind::CharacterDevice => {
                there.create_device(name, false, 0o600, status.represents)?;
            }
            NodeKind::BlockDevice => there.create_device(name, true, 0o600, status.represents)?,
            NodeKind::Unknown => {
                return Err(FsError::NotRegular {
                    path: here.path().join(name),
                    found: "of a kind unknown to this program",
                });
            }
        }
        set_attributes(here, there, Path::new(name), &status)
    }

    fn file(
        &mut self,
        here: &Dir,
        there: &Dir,
        name: &OsStr,
        status: &Status,
    ) -> Result<(), FsError> {
        let source = here.open_file(name)?;
        let target = there.create_file(name, 0o600)?;
        let path = there.path().join(name);
        if !clone_file(&source, &target, &path)? {
            target
                .set_len(status.size)
                .map_err(FsError::system("write", &path))?;
            copy_data(&source, &target, status.size, &path)?;
        }
        self.done.bytes = self.done.bytes.saturating_add(status.size);
        set_attributes(here, there, Path::new(name), status)
    }

    /// Attributes of the directories, the deepest first: what is made in one changes its time.
    fn finish_directories(&self) -> Result<(), FsError> {
        for path in self.directories.iter().skip(1).rev() {
            let status = self.from.status_of(path)?;
            set_attributes(self.from, self.to, path, &status)?;
        }
        Ok(())
    }

    /// Attributes of the tree's own directory.
    fn finish_root(&self) -> Result<(), FsError> {
        let stat = self.from.own_status()?;
        let xattrs = self.from.own_xattrs()?;
        let xattrs: Vec<_> = borrowed(&xattrs);
        self.to.set_own_attributes(&attributes(&stat, &xattrs))
    }
}

fn open_below(root: &Dir, path: &Path) -> Result<Option<Dir>, FsError> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    root.open_dir(path).map(Some)
}

fn set_attributes(here: &Dir, there: &Dir, name: &Path, status: &Status) -> Result<(), FsError> {
    let xattrs = here.xattrs(name)?;
    let xattrs = borrowed(&xattrs);
    let attributes = attributes(status, &xattrs);
    if status.kind == NodeKind::SymbolicLink {
        there.set_link_attributes(name, &attributes)
    } else {
        there.set_attributes(name, &attributes)
    }
}

fn borrowed(xattrs: &[(OsString, Vec<u8>)]) -> Vec<(&OsStr, &[u8])> {
    let pairs = xattrs.iter();
    pairs
        .map(|(name, value)| (name.as_os_str(), value.as_slice()))
        .collect()
}

fn attributes<'a>(status: &Status, xattrs: &'a [(&'a OsStr, &'a [u8])]) -> Attributes<'a> {
    Attributes {
        owner: Some((status.uid, status.gid)),
        mode: Some(status.mode),
        xattrs,
        mtime: Some(status.mtime),
    }
}

/// Copies what is not a hole; `to` has its full length already.
fn copy_data(from: &File, to: &File, length: u64, path: &Path) -> Result<(), FsError> {
    let mut at = 0;
    while at < length {
        let start = match rustix::fs::seek(from, SeekFrom::Data(at)) {
            Ok(start) => start.min(length),
            // Nothing but a hole up to the end.
            Err(Errno::NXIO) => return Ok(()),
            // A file system that knows no holes.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => at,
            Err(error) => return Err(errno("read for", path)(error)),
        };
        let end = match rustix::fs::seek(from, SeekFrom::Hole(start)) {
            Ok(end) => end.min(length),
            Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NXIO) => length,
            Err(error) => return Err(errno("read for", path)(error)),
        };
        copy_range(from, start, to, start, end.saturating_sub(start), path)?;
        at = end.max(start.saturating_add(1));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use std::os::unix::fs::{FileExt as _, MetadataExt as _};

    /// Copies a tree into a new directory beside it.
    fn copied(home: &Path) -> (Dir, Dir) {
        let from = Dir::open(&home.join("from")).unwrap();
        let to = Dir::open_or_create(&home.join("to"), 0o700).unwrap();
        from.copy_tree(&to, &Silent).unwrap();
        (from, to)
    }

    #[test]
    fn a_copy_has_everything_of_the_original() {
        let home = tempfile::tempdir().unwrap();
        let from = Dir::open_or_create(&home.path().join("from"), 0o700).unwrap();
        from.create_dir("sub", 0o700).unwrap();
        let file = from.create_file("sub/file", 0o600).unwrap();
        file.write_all_at(b"end", 1 << 20).unwrap();
        from.create_hard_link("sub/file", "again").unwrap();
        from.create_symlink(OsStr::new("../nowhere"), "sub/link")
            .unwrap();
        from.create_fifo("fifo", 0o600).unwrap();
        let noted = Attributes {
            mode: Some(0o750),
            xattrs: &[(OsStr::new("user.note"), b"x")],
            mtime: Some((1_000_000_000, 7)),
            owner: None,
        };
        for name in ["sub/file", "sub"] {
            from.set_attributes(name, &noted).unwrap();
        }
        let (from, to) = copied(home.path());
        for name in ["sub", "sub/file", "sub/link", "again", "fifo"] {
            let (one, other) = (from.status_of(name).unwrap(), to.status_of(name).unwrap());
            assert_eq!((one.kind, one.mode), (other.kind, other.mode), "{name}");
            assert_eq!((one.uid, one.gid), (other.uid, other.gid), "{name}");
            assert_eq!((one.mtime, one.links), (other.mtime, other.links), "{name}");
            assert_eq!(from.xattrs(name).unwrap(), to.xattrs(name).unwrap());
        }
        assert_eq!(
            to.status_of("again").unwrap().inode,
            to.status_of("sub/file").unwrap().inode
        );
        assert_eq!(
            from.read_bounded("again", 2 << 20).unwrap(),
            to.read_bounded("again", 2 << 20).unwrap()
        );
        // Not how many blocks there are, which a file system may count late.
        let data = |dir: &str| {
            let file = File::open(home.path().join(dir).join("again")).unwrap();
            rustix::fs::seek(&file, SeekFrom::Data(0)).unwrap()
        };
        assert!(data("to") >= data("from"), "the hole was filled");
        assert_eq!(to.read_link("sub/link").unwrap(), "../nowhere");
        let mode = |dir: &str| std::fs::metadata(home.path().join(dir)).unwrap().mode();
        assert_eq!(mode("from"), mode("to"));
    }

    #[test]
    fn what_is_left_out_is_an_empty_directory_and_a_copy_does_not_copy_itself() {
        let home = tempfile::tempdir().unwrap();
        let from = Dir::open_or_create(&home.path().join("from"), 0o755).unwrap();
        for (directory, mode) in [("out", 0o710), ("to", 0o700), ("in", 0o700)] {
            from.create_dir(directory, mode).unwrap();
            let file = Path::new(directory).join("file");
            std::fs::write(home.path().join("from").join(file), "x").unwrap();
        }
        let (out, to) = (from.open_dir("out").unwrap(), from.open_dir("to").unwrap());
        to.remove_file("file").unwrap();
        from.copy_tree_without(&[&out, &to], &to, &Silent).unwrap();
        let names = |directory: &str| {
            let entries = to.open_dir(directory).unwrap().entries().unwrap();
            entries.len()
        };
        assert_eq!((names("in"), names("out"), names("to")), (1, 0, 0));
        assert_eq!(to.status_of("out").unwrap().mode, 0o710);
    }

    #[test]
    fn chosen_names_are_copied_to_their_places() {
        let home = tempfile::tempdir().unwrap();
        let from = Dir::open_or_create(&home.path().join("from"), 0o700).unwrap();
        let to = Dir::open_or_create(&home.path().join("to"), 0o700).unwrap();
        from.create_dir("sub", 0o750).unwrap();
        from.create_dir("not", 0o700).unwrap();
        std::fs::write(home.path().join("from/sub/file"), "x").unwrap();
        from.create_hard_link("sub/file", "sub/again").unwrap();
        from.create_hard_link("sub/file", "not/this").unwrap();
        to.create_dir("sub", 0o700).unwrap();
        to.create_dir("not", 0o700).unwrap();
        let mut copy = TreeCopy::new(&from, &to);
        for path in ["sub", "sub/again", "sub/file"] {
            copy.name(path).unwrap();
        }
        assert_eq!(copy.finish().unwrap().names, 3);
        assert_eq!(to.status_of("sub").unwrap().mode, 0o750);
        let (one, other) = (to.status_of("sub/file"), to.status_of("sub/again"));
        assert!(one.unwrap().is_unchanged(&other.unwrap()));
        assert_eq!(to.status_of("sub/file").unwrap().links, 2);
        assert_eq!(to.open_dir("not").unwrap().entries().unwrap(), []);
    }

    #[test]
    fn who_wants_to_stop_is_heard() {
        struct Stop;
        impl Progress for Stop {
            fn begin(&self, _: &str, _: u64) {}
            fn advance(&self, _: u64) {}
            fn cancelled(&self) -> bool {
                true
            }
        }
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open_or_create(&home.path().join("from"), 0o700).unwrap();
        dir.create_dir("sub", 0o700).unwrap();
        let to = Dir::open_or_create(&home.path().join("to"), 0o700).unwrap();
        assert!(dir.copy_tree(&to, &Stop).unwrap().cancelled);
        assert_eq!(to.entries().unwrap(), []);
    }
}
