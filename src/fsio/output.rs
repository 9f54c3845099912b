use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::FsError;
use super::error::errno;
use super::open::expect_regular_status;

/// What to do when the output's name is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnExisting {
    /// Fail and leave the existing file alone.
    Refuse,
    /// Replace it in one step, if it is a regular file: a device, a FIFO or a link is refused.
    Replace,
}

/// A file that appears under its name only when it is complete and on disk.
///
/// The file has no name at all while it is written, so an interrupted process leaves nothing behind;
/// on file systems without nameless files it has a temporary name that is removed on drop. It has one for
/// a moment, too, when it takes the place of another. What a process that was killed left under such a
/// name is removed by the next output of that name: who lives holds a lock on its own.
#[derive(Debug)]
pub struct OutputFile {
    file: File,
    path: PathBuf,
    directory: PathBuf,
    on_existing: OnExisting,
    /// Name of the temporary file, where the file system cannot do without one.
    temporary: Option<PathBuf>,
}

impl OutputFile {
    /// Starts an output that will be named `path`, with permissions `mode` less the umask.
    pub fn create(path: &Path, mode: u32, on_existing: OnExisting) -> Result<Self, FsError> {
        if on_existing == OnExisting::Refuse && path.symlink_metadata().is_ok() {
            return Err(FsError::Exists {
                path: path.to_owned(),
            });
        }
        if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(FsError::NotRegular {
                path: path.to_owned(),
                found: "a directory",
            });
        }
        if on_existing == OnExisting::Replace {
            expect_replaceable(path)?;
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        remove_leftover(&temporary_name(path, 0));
        let mode = Mode::from_raw_mode(mode);
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let nameless = rustix::fs::openat(CWD, &directory, flags | OFlags::TMPFILE, mode);
        let (file, temporary) = match nameless {
            Ok(file) => {
                hold(&file);
                (file, None)
            }
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                let flags = flags | OFlags::CREATE | OFlags::EXCL;
                let make = |name: &Path| {
                    let file = rustix::fs::openat(CWD, name, flags, mode)?;
                    hold(&file);
                    // Somebody may have taken it for a leftover before it was held.
                    is_still(name, &file).then_some(file).ok_or(Errno::EXIST)
                };
                let (name, file) =
                    hidden(path, make).map_err(errno("create a file in", &directory))?;
                (file, Some(name))
            }
            Err(error) => return Err(errno("create a file in", &directory)(error)),
        };
        Ok(Self {
            file: file.into(),
            path: path.to_owned(),
            directory,
            on_existing,
            temporary,
        })
    }

    /// The open file, for reading back what was written.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The name the file will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Syncs the file, gives it its name, and syncs the directory.
    pub fn commit(mut self) -> Result<File, FsError> {
        self.file
            .sync_all()
            .map_err(FsError::system("sync", &self.path))?;
        self.name()?;
        // What has its name is nobody's leftover; a file system that cannot unlock did not lock.
        rustix::fs::flock(&self.file, FlockOperation::Unlock).unwrap_or_default();
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(FsError::system("sync", &self.directory))?;
        self.file
            .try_clone()
            .map_err(FsError::system("keep open", &self.path))
    }

    fn name(&mut self) -> Result<(), FsError> {
        let exists = |errno| errno == Errno::EXIST;
        match (self.on_existing, self.temporary.take()) {
            (OnExisting::Refuse, None) => self.link(&self.path),
            (OnExisting::Refuse, Some(temporary)) => {
                let flags = rustix::fs::RenameFlags::NOREPLACE;
                let renamed = rustix::fs::renameat_with(CWD, &temporary, CWD, &self.path, flags);
                if renamed.is_err() {
                    self.temporary = Some(temporary);
                }
                renamed
            }
            (OnExisting::Replace, None) => match self.link(&self.path) {
                Err(error) if exists(error) => {
                    hidden(&self.path, |name| self.link(name)).and_then(|(temporary, ())| {
                        let renamed = rustix::fs::renameat(CWD, &temporary, CWD, &self.path);
                        self.temporary = renamed.is_err().then_some(temporary);
                        renamed
                    })
                }
                linked => linked,
            },
            (OnExisting::Replace, Some(temporary)) => {
                let renamed = rustix::fs::renameat(CWD, &temporary, CWD, &self.path);
                self.temporary = renamed.is_err().then_some(temporary);
                renamed
            }
        }
        .map_err(|error| {
            if exists(error) {
                FsError::Exists {
                    path: self.path.clone(),
                }
            } else {
                errno("create", &self.path)(error)
            }
        })
    }

    /// Names the nameless file through its entry in `/proc`, which needs no privilege.
    fn link(&self, name: &Path) -> Result<(), Errno> {
        use std::os::fd::AsRawFd as _;
        let entry = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        rustix::fs::linkat(CWD, entry, CWD, name, AtFlags::SYMLINK_FOLLOW)
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Nothing can be done about a failure here; the name says whose leftover it is.
            rustix::fs::unlink(temporary).unwrap_or_default();
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for OutputFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// Refuses to put a file in the place of what is none: `/dev/null` is not to be replaced.
fn expect_replaceable(path: &Path) -> Result<(), FsError> {
    match rustix::fs::lstat(path) {
        Ok(found) => expect_regular_status(&found, path),
        // What keeps it from being looked at is told when the output is made.
        Err(_) => Ok(()),
    }
}

/// Makes something under a hidden name beside `path` that nobody else uses.
fn hidden<T>(path: &Path, make: impl Fn(&Path) -> Result<T, Errno>) -> Result<(PathBuf, T), Errno> {
    let mut count = 0_u32;
    loop {
        let name = temporary_name(path, count);
        match make(&name) {
            Err(Errno::EXIST) if remove_leftover(&name) => {}
            Err(Errno::EXIST) if count < u32::MAX => count = count.saturating_add(1),
            result => return result.map(|thing| (name, thing)),
        }
    }
}

fn temporary_name(path: &Path, count: u32) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".isi-tmp-{count}"));
    path.with_file_name(name)
}

/// Lets others know that this process lives; where that cannot be said, nothing is ever removed.
fn hold(file: &OwnedFd) {
    rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).unwrap_or_default();
}

/// Removes what a process that was killed left under a hidden name; tells whether it did.
fn remove_leftover(name: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(CWD, name, flags, Mode::empty()) else {
        return false;
    };
    // Another one may have removed it and made its own meanwhile; from here on that would need this lock.
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        && is_still(name, &file)
        && rustix::fs::unlink(name).is_ok()
}

/// Whether a name is that of an open file.
fn is_still(name: &Path, file: &OwnedFd) -> bool {
    let named = rustix::fs::statat(CWD, name, AtFlags::SYMLINK_NOFOLLOW);
    let same = |named: rustix::fs::Stat, open: rustix::fs::Stat| {
        (named.st_dev, named.st_ino) == (open.st_dev, open.st_ino)
    };
    named.is_ok_and(|named| rustix::fs::fstat(file).is_ok_and(|open| same(named, open)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn has_no_name_before_commit_and_leaves_nothing_when_dropped() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out");
        let mut output = OutputFile::create(&path, 0o644, OnExisting::Refuse).unwrap();
        output.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(output);
        assert_eq!(names(home.path()), [""; 0]);
    }

    #[test]
    fn commit_names_the_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out");
        let mut output = OutputFile::create(&path, 0o644, OnExisting::Refuse).unwrap();
        output.write_all(b"whole").unwrap();
        output.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(home.path()), ["out"]);
    }

    #[test]
    fn refuses_or_replaces_an_existing_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out");
        let late = OutputFile::create(&path, 0o644, OnExisting::Refuse).unwrap();
        std::fs::write(&path, b"old").unwrap();
        assert_eq!(late.commit().unwrap_err().code(), "E_EXISTS");
        let early = OutputFile::create(&path, 0o644, OnExisting::Refuse);
        assert_eq!(early.unwrap_err().code(), "E_EXISTS");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let mut output = OutputFile::create(&path, 0o644, OnExisting::Replace).unwrap();
        output.write_all(b"new").unwrap();
        output.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(home.path()), ["out"]);
    }

    #[test]
    fn what_is_no_regular_file_is_not_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        std::fs::create_dir(path("directory")).unwrap();
        std::os::unix::fs::symlink("/dev/null", path("link")).unwrap();
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(CWD, path("fifo"), fifo, Mode::RUSR, 0).unwrap();
        let before = names(home.path());
        for (name, found) in [
            ("directory", "a directory"),
            ("link", "a symbolic link"),
            ("fifo", "a FIFO"),
        ] {
            let error = OutputFile::create(&path(name), 0o644, OnExisting::Replace).unwrap_err();
            assert_eq!(error.code(), "E_NOT_REGULAR", "{error}");
            assert!(error.to_string().contains(found), "{error}");
        }
        assert_eq!(names(home.path()), before);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out");
        let replace = |content: &[u8]| {
            let mut output = OutputFile::create(&path, 0o644, OnExisting::Replace).unwrap();
            output.write_all(content).unwrap();
            output.commit().unwrap()
        };
        let hidden = temporary_name(&path, 0);
        std::fs::write(&hidden, b"half").unwrap();
        replace(b"new");
        assert_eq!(names(home.path()), ["out"]);
        std::fs::write(&hidden, b"half").unwrap();
        let living = File::open(&hidden).unwrap();
        living.lock().unwrap();
        replace(b"newer");
        assert_eq!(std::fs::read(&path).unwrap(), b"newer");
        assert_eq!(names(home.path()), [".out.isi-tmp-0", "out"]);
        // A program that another test starts at this moment may have it open for a while yet.
        living.unlock().unwrap();
        drop(living);
        let kept = replace(b"newest");
        assert_eq!(names(home.path()), ["out"]);
        // What is done is not held any more, although it is open.
        File::open(&path).unwrap().try_lock().unwrap();
        drop(kept);
    }
}
