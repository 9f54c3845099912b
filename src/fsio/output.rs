use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::FsError;
use super::error::errno;

/// What to do when the output's name is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnExisting {
    /// Fail and leave the existing file alone.
    Refuse,
    /// Replace it in one step.
    Replace,
}

/// A file that appears under its name only when it is complete and on disk.
///
/// The file has no name at all while it is written, so an interrupted process leaves nothing behind;
/// on file systems without nameless files it has a temporary name that is removed on drop.
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
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let mode = Mode::from_raw_mode(mode);
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let nameless = rustix::fs::openat(CWD, &directory, flags | OFlags::TMPFILE, mode);
        let (file, temporary) = match nameless {
            Ok(file) => (file, None),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                let name = temporary_name(path);
                let flags = flags | OFlags::CREATE | OFlags::EXCL;
                let file = rustix::fs::openat(CWD, &name, flags, mode)
                    .map_err(errno("create a file in", &directory))?;
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
                    let temporary = temporary_name(&self.path);
                    self.link(&temporary).and_then(|()| {
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

/// A hidden name beside `path` that no other process uses.
fn temporary_name(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".isi-tmp-{}-{count}", std::process::id()));
    path.with_file_name(name)
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
}
