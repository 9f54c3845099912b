use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::OpenError;
use crate::digest::Sha256Digest;
use crate::fsio::{
    Dir, FsError, OnExisting, OutputFile, clone_file, copy_mode_and_owner, open_regular_for_update,
    real_path,
};
use crate::isi_file::{Envelope, SealError, seal};
use crate::limits;

/// Gives the package at `path` another signature and timestamp.
///
/// Regions and manifest stay as they are, byte for byte, and are not copied: on file systems that share
/// blocks a clone takes the file's place in one step; elsewhere the file is changed in place, with the
/// old ending kept beside it until the new one is on disk. Whatever is interrupted is undone by the next
/// call.
pub fn replace_seal(path: &Path, change: &SealChange<'_>) -> Result<(), SealPackageError> {
    let path = real_path(path).map_err(SealPackageError::File)?;
    let file = open_regular_for_update(&path).map_err(SealPackageError::File)?;
    file.try_lock()
        .map_err(|_| SealPackageError::Busy { path: path.clone() })?;
    let beside = Beside::of(&path)?;
    beside.undo_interrupted(&file, &path)?;
    let envelope = Envelope::read(&file)
        .map_err(|error| SealPackageError::Open(OpenError::Container(error)))?;
    let Seal {
        signature,
        timestamp,
    } = change(&envelope)?;
    let tail = seal(
        envelope.regions_end,
        &envelope.manifest,
        &signature,
        &timestamp,
    )
    .map_err(SealPackageError::Seal)?;
    if replace_by_clone(&file, &path, envelope.regions_end, &tail)? {
        return Ok(());
    }
    beside.keep_old_ending(&file, envelope.regions_end, &path)?;
    write_ending(&file, envelope.regions_end, &tail).map_err(system("write", &path))?;
    beside.forget()
}

/// The two parts that may be given anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// CMS signature, DER; empty for none.
    pub signature: Vec<u8>,
    /// Timestamp token, DER; empty for none.
    pub timestamp: Vec<u8>,
}

/// Makes the new seal from the package as it is.
pub type SealChange<'a> = dyn Fn(&Envelope) -> Result<Seal, SealPackageError> + 'a;

/// A package whose seal could not be replaced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealPackageError {
    /// The file is no package.
    #[error(transparent)]
    Open(OpenError),
    /// A part is too large.
    #[error(transparent)]
    Seal(SealError),
    /// A file operation failed.
    #[error(transparent)]
    File(FsError),
    /// Another process is changing the package.
    #[error("{} is being changed by another process", path.display())]
    Busy {
        /// The package.
        path: PathBuf,
    },
    /// The caller could not make the new seal.
    #[error("cannot make the new seal")]
    Change(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl SealPackageError {
    /// Stable code of the refusal; a failed change has the code of its own error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open(error) => error.code(),
            Self::Seal(error) => error.code(),
            Self::File(error) => error.code(),
            Self::Busy { .. } => "E_BUSY",
            Self::Change(_) => "E_SEAL",
        }
    }
}

fn system(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SealPackageError {
    let wrap = FsError::system(operation, path);
    move |error| SealPackageError::File(wrap(error))
}

/// `false` where the file system does not share blocks.
fn replace_by_clone(
    file: &File,
    path: &Path,
    regions_end: u64,
    tail: &[u8],
) -> Result<bool, SealPackageError> {
    let output = OutputFile::create(path, 0o600, OnExisting::Replace);
    let mut output = output.map_err(SealPackageError::File)?;
    if !clone_file(file, output.file(), path).map_err(SealPackageError::File)? {
        return Ok(false);
    }
    output
        .file()
        .set_len(regions_end)
        .and_then(|()| output.seek(SeekFrom::Start(regions_end)))
        .and_then(|_| output.write_all(tail))
        .map_err(system("write", path))?;
    copy_mode_and_owner(file, output.file(), path).map_err(SealPackageError::File)?;
    output
        .commit()
        .map(|_| true)
        .map_err(SealPackageError::File)
}

fn write_ending(file: &File, regions_end: u64, tail: &[u8]) -> io::Result<()> {
    file.write_all_at(tail, regions_end)?;
    file.set_len(regions_end.saturating_add(u64::try_from(tail.len()).unwrap_or(0)))?;
    file.sync_all()
}

/// The file beside a package that holds its old ending while it is changed in place.
///
/// Eight bytes for where the ending begins, little-endian, the ending, and the SHA-256 of all that.
struct Beside {
    directory: Dir,
    name: OsString,
}

impl Beside {
    fn of(path: &Path) -> Result<Self, SealPackageError> {
        let parent = path.parent().unwrap_or(Path::new("/"));
        let directory = Dir::open(parent).map_err(SealPackageError::File)?;
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".isi-undo");
        Ok(Self { directory, name })
    }

    fn keep_old_ending(
        &self,
        file: &File,
        regions_end: u64,
        path: &Path,
    ) -> Result<(), SealPackageError> {
        let length = file.metadata().map_err(system("examine", path))?.len();
        let size = usize::try_from(length.saturating_sub(regions_end)).unwrap_or(0);
        let mut kept = regions_end.to_le_bytes().to_vec();
        let start = kept.len();
        kept.resize(start.saturating_add(size), 0);
        let ending = kept.get_mut(start..).unwrap_or_default();
        file.read_exact_at(ending, regions_end)
            .map_err(system("read", path))?;
        let digest = Sha256Digest::of(&kept);
        kept.extend(digest.as_bytes());
        let beside = self.directory.path().join(&self.name);
        let output = OutputFile::create(&beside, 0o600, OnExisting::Refuse);
        let mut output = output.map_err(SealPackageError::File)?;
        output.write_all(&kept).map_err(system("write", &beside))?;
        output.commit().map(drop).map_err(SealPackageError::File)
    }

    /// Puts the old ending back if a change was interrupted halfway.
    fn undo_interrupted(&self, file: &File, path: &Path) -> Result<(), SealPackageError> {
        const LIMIT: u64 =
            limits::MAX_MANIFEST + limits::MAX_SIGNATURE + limits::MAX_TIMESTAMP + 4096;
        let kept = match self.directory.read_bounded(&self.name, LIMIT) {
            Ok(kept) => kept,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(SealPackageError::File(error)),
        };
        let whole = kept
            .split_last_chunk::<{ Sha256Digest::LENGTH }>()
            .filter(|(kept, digest)| Sha256Digest::of(kept) == Sha256Digest::from_bytes(**digest));
        let ending = whole.and_then(|(kept, _)| kept.split_first_chunk::<8>());
        if let (Some((start, ending)), Err(_)) = (ending, Envelope::read(file)) {
            let restored = write_ending(file, u64::from_le_bytes(*start), ending);
            restored.map_err(system("restore", path))?;
        }
        self.forget()
    }

    fn forget(&self) -> Result<(), SealPackageError> {
        self.directory
            .remove_file(&self.name)
            .and_then(|()| self.directory.sync())
            .map_err(SealPackageError::File)
    }
}
