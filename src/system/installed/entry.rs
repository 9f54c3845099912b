//! Compares one entry of the table with what is under its name.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::attributes::{self, difference};
use super::finding::{Aspect, Class, Difference, Finding, Present};
use super::{Depth, Expected, InstalledError};
use crate::digest::{Hasher, Sha256Digest};
use crate::fsio::{Dir, FsError, NodeKind, Status, xattrs_of_file};
use crate::payload::{DeviceNumber, FileEntry, FileKind};
use crate::progress::Progress;

/// What all entries are compared with, and how.
pub(super) struct Comparer<'a> {
    pub(super) root: &'a Dir,
    pub(super) expected: &'a Expected<'a>,
    pub(super) depth: Depth,
    pub(super) progress: &'a dyn Progress,
}

/// What comparing one entry came to.
#[derive(Default)]
struct Compared {
    differences: Vec<Difference>,
    present: Present,
    surplus: Vec<std::ffi::OsString>,
    /// Digest of the contents, if they were read.
    digest: Option<Sha256Digest>,
}

impl Comparer<'_> {
    /// Compares entry `number` with what is in `dir`, the directory it belongs to; none if it is the same.
    ///
    /// Adds the bytes of contents that were read to `bytes`.
    pub(super) fn entry(
        &self,
        number: usize,
        dir: &Dir,
        buffer: &mut [u8],
        bytes: &mut u64,
    ) -> Result<Option<Finding>, InstalledError> {
        let Some(entry) = self.expected.table.entries().get(number) else {
            return Ok(None);
        };
        let name = entry.path.as_path().file_name().map(Path::new);
        let name = name.unwrap_or_else(|| entry.path.as_path());
        let mut compared = Compared::default();
        match dir.status_of(name) {
            Ok(status) if status.mounted => return Ok(Some(hidden(number, entry))),
            Ok(status) => {
                let result = self.present(dir, name, entry, &status, buffer, &mut compared);
                match result {
                    Ok(read) => *bytes = bytes.saturating_add(read),
                    // Gone since: as if it had not been there.
                    Err(InstalledError::Files(error)) if error.is_not_found() => {
                        compared = Compared::default();
                        compared.missing();
                    }
                    Err(InstalledError::Files(error)) => compared.unreadable(&error),
                    Err(error) => return Err(error),
                }
            }
            Err(error) if error.is_not_found() => compared.missing(),
            Err(error) => compared.unreadable(&error),
        }
        Ok(self.finding(number, entry, compared))
    }

    /// An entry whose directory is not there.
    pub(super) fn unreached(&self, number: usize, entry: &FileEntry) -> Option<Finding> {
        let mut compared = Compared::default();
        compared.missing();
        self.finding(number, entry, compared)
    }

    /// An entry whose directory cannot be opened.
    pub(super) fn unreadable(
        &self,
        number: usize,
        entry: &FileEntry,
        error: &FsError,
    ) -> Option<Finding> {
        let mut compared = Compared::default();
        compared.unreadable(error);
        self.finding(number, entry, compared)
    }

    fn finding(&self, number: usize, entry: &FileEntry, compared: Compared) -> Option<Finding> {
        if compared.differences.is_empty() {
            return None;
        }
        Some(Finding {
            path: entry.path.clone(),
            class: self.class(entry, compared.digest),
            differences: compared.differences,
            number: Some(number),
            present: compared.present,
            surplus: compared.surplus,
        })
    }

    fn class(&self, entry: &FileEntry, digest: Option<Sha256Digest>) -> Class {
        let local = &self.expected.local;
        match local.carried.get(&entry.path) {
            // Where the contents were not read, the record is all there is.
            Some(recorded) if digest.is_none() || recorded.is_none() || *recorded == digest => {
                Class::Carried
            }
            _ if local.owns(&entry.path) => Class::Local,
            _ => Class::Damaged,
        }
    }

    /// Compares what is there; gives the bytes of contents that were read.
    fn present(
        &self,
        dir: &Dir,
        name: &Path,
        entry: &FileEntry,
        status: &Status,
        buffer: &mut [u8],
        compared: &mut Compared,
    ) -> Result<u64, InstalledError> {
        let wanted = node_kind(&entry.kind);
        if status.kind != wanted {
            compared.present = match status.kind {
                NodeKind::Directory => Present::Directory {
                    full: !dir.open_dir_within(name)?.entries()?.is_empty(),
                },
                _ => Present::Other,
            };
            let (expected, found) = (kind_name(wanted), kind_name(status.kind));
            compared.add(Aspect::Type, expected.to_owned(), found.to_owned());
            return Ok(0);
        }
        let mut read = 0;
        let mut opened = None;
        match &entry.kind {
            FileKind::Regular { size, sha256 } => {
                let file = (self.depth == Depth::Full)
                    .then(|| dir.open_file(name))
                    .transpose()?;
                if let Some(file) = &file {
                    read = self.contents(file, name, entry, status, buffer, compared)?;
                }
                if status.size != *size {
                    compared.wrong(Aspect::Size, size.to_string(), status.size.to_string());
                } else if let Some(found) = compared.digest.filter(|found| found != sha256) {
                    compared.wrong(Aspect::Contents, sha256.to_string(), found.to_string());
                }
                opened = file;
            }
            FileKind::HardLink { target } => {
                let file = self.root.identity_of(target).unwrap_or_default();
                if file.is_none() || dir.identity_of(name)? != file {
                    let expected = format!("the file /{target}");
                    compared.wrong(Aspect::Link, expected, "another file".to_owned());
                }
                // Everything else is compared under its first name.
                return Ok(0);
            }
            FileKind::Symlink { target } => {
                let found = dir.read_link(name)?;
                if found != *target {
                    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
                    compared.wrong(Aspect::Link, text(target), text(&found));
                }
            }
            FileKind::CharacterDevice(number) | FileKind::BlockDevice(number) => {
                let (major, minor) = status.represents;
                let found = DeviceNumber { major, minor };
                if found != *number {
                    compared.wrong(Aspect::Device, device(*number), device(found));
                }
            }
            FileKind::Directory | FileKind::Fifo => {}
        }
        attributes::status(self.expected, entry, status, &mut compared.differences);
        if self.expected.restored.xattrs {
            let present = match &opened {
                Some(file) => xattrs_of_file(file, name)?,
                None => dir.xattrs(name)?,
            };
            compared.surplus = attributes::xattrs(entry, &present, &mut compared.differences);
        }
        if compared.present == Present::Nothing {
            compared.present = Present::Attributes;
        }
        Ok(read)
    }

    /// Reads the contents, where their digest can tell something that their length did not.
    fn contents(
        &self,
        file: &File,
        name: &Path,
        entry: &FileEntry,
        status: &Status,
        buffer: &mut [u8],
        compared: &mut Compared,
    ) -> Result<u64, InstalledError> {
        let carried = &self.expected.local.carried;
        let same_size = status.size == entry.kind.size();
        if !same_size && !matches!(carried.get(&entry.path), Some(Some(_))) {
            return Ok(0);
        }
        let mut hasher = Hasher::new();
        let mut read = 0;
        let mut file = file;
        // One that grows while it is read has other contents, whatever comes behind.
        while read <= status.size {
            if self.progress.cancelled() {
                return Err(InstalledError::Cancelled);
            }
            let count = match file.read(buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(FsError::system("read", name)(error).into()),
            };
            hasher.update(buffer.get(..count).unwrap_or_default());
            read += u64::try_from(count).unwrap_or(0);
            self.progress.advance(u64::try_from(count).unwrap_or(0));
            if count == 0 || read == status.size && count < buffer.len() {
                break;
            }
        }
        compared.digest = Some(hasher.finish());
        Ok(read)
    }
}

/// An entry with another file system over it.
pub(super) fn hidden(number: usize, entry: &FileEntry) -> Finding {
    Finding {
        path: entry.path.clone(),
        class: Class::Hidden,
        differences: vec![difference(Aspect::Mounted, String::new(), String::new())],
        number: Some(number),
        present: Present::Wrong,
        surplus: Vec::new(),
    }
}

impl Compared {
    fn add(&mut self, aspect: Aspect, expected: String, found: String) {
        self.differences.push(difference(aspect, expected, found));
    }

    fn wrong(&mut self, aspect: Aspect, expected: String, found: String) {
        self.present = Present::Wrong;
        self.add(aspect, expected, found);
    }

    fn missing(&mut self) {
        self.add(Aspect::Missing, String::new(), String::new());
    }

    /// A disk that does not give a file back is as good as one that gives back a wrong one.
    fn unreadable(&mut self, error: &FsError) {
        use std::error::Error as _;
        let why = error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string);
        self.wrong(Aspect::Unreadable, String::new(), why);
    }
}

fn node_kind(kind: &FileKind) -> NodeKind {
    match kind {
        FileKind::Regular { .. } | FileKind::HardLink { .. } => NodeKind::File,
        FileKind::Directory => NodeKind::Directory,
        FileKind::Symlink { .. } => NodeKind::SymbolicLink,
        FileKind::Fifo => NodeKind::Fifo,
        FileKind::CharacterDevice(_) => NodeKind::CharacterDevice,
        FileKind::BlockDevice(_) => NodeKind::BlockDevice,
    }
}

/// What something is, as it is printed.
pub(super) const fn kind_name(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::File => "file",
        NodeKind::Directory => "directory",
        NodeKind::SymbolicLink => "symbolic link",
        NodeKind::Fifo => "FIFO",
        NodeKind::Socket => "socket",
        NodeKind::CharacterDevice => "character device",
        NodeKind::BlockDevice => "block device",
        NodeKind::Unknown => "something unknown",
    }
}

fn device(number: DeviceNumber) -> String {
    format!("{}:{}", number.major, number.minor)
}
