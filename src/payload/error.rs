use std::path::PathBuf;

use super::mtree::MtreeError;
use super::name::NameRule;
use crate::digest::Sha256Digest;
use crate::fsio::FsError;

/// Why a payload was not built, read or unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The payload index breaks a rule of its format.
    #[error("payload index, byte {offset}, {field}: expected {expected}, found {found}")]
    Index {
        /// Where the field begins in the encoded index.
        offset: u64,
        /// Name of the field in the specification.
        field: &'static str,
        /// What the rule asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The file table breaks a rule of its format.
    #[error("file table, byte {offset}, {field}: expected {expected}, found {found}")]
    Table {
        /// Where the field begins in the encoded table.
        offset: u64,
        /// Name of the field in the specification.
        field: &'static str,
        /// What the rule asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A name that cannot or must not be written below a directory.
    #[error("{field} \"{name}\" (byte {offset} of the {of}): {rule}")]
    Name {
        /// What holds the name: the file table, an archive, a tree.
        of: &'static str,
        /// Where the name, or the record that holds it, begins; 0 in a tree.
        offset: u64,
        /// Which name of the record it is.
        field: &'static str,
        /// The name, escaped.
        name: String,
        /// What is wrong with it.
        rule: NameRule,
    },
    /// A number is larger than this program handles, or than was declared.
    #[error("{what}: expected at most {limit}, found {found}")]
    TooLarge {
        /// What is too large, with its unit.
        what: String,
        /// The most that is accepted.
        limit: u64,
        /// What was found, or the least that it is known to be.
        found: u64,
    },
    /// Bytes are not the ones that the index or the table names.
    #[error("{what}: expected SHA-256 {expected}, found {found}")]
    HashMismatch {
        /// Which bytes.
        what: String,
        /// The digest that the index or table holds.
        expected: Sha256Digest,
        /// The digest of the bytes.
        found: Sha256Digest,
    },
    /// Payload, index and table do not describe the same stream.
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch {
        /// Which part of the stream.
        what: String,
        /// What the file table asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A frame has the right digest and still is not one Zstandard frame of the declared size.
    #[error("frame {frame}: expected one Zstandard frame of {plain} bytes")]
    Frame {
        /// Number of the frame, from 0.
        frame: usize,
        /// Size it should decode to.
        plain: u32,
        /// What the decoder says, if it got that far.
        source: Option<std::io::Error>,
    },
    /// A file changed between the moment the tree was listed and the end of reading it.
    #[error("{} changed while it was being read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Something in the tree cannot be put into a payload.
    #[error("{} is {found}: expected a file, directory, link, FIFO or device", path.display())]
    Kind {
        /// The thing.
        path: PathBuf,
        /// What it is, with its article.
        found: &'static str,
    },
    /// The payload holds a device node and the caller does not want any.
    #[error("\"{name}\" is a device node: expected none")]
    Device {
        /// Its path in the payload, escaped.
        name: String,
    },
    /// The directory to unpack into holds something.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// There is no room for what would be written.
    #[error("{needed} {unit} are needed at {}, and {free} are free", path.display())]
    NoSpace {
        /// A directory on the file system.
        path: PathBuf,
        /// What there is not enough of: bytes or files.
        unit: &'static str,
        /// How many are needed.
        needed: u64,
        /// How many are free.
        free: u64,
    },
    /// A path asked for is not in the file table.
    #[error("{} is not in the payload", path.display())]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// The payload is no archive that can be unpacked without an index.
    #[error("payload: expected a tar archive, plain or compressed with Zstandard, found {found}")]
    Format {
        /// What the first bytes look like.
        found: &'static str,
    },
    /// A foreign archive breaks a rule of its format, or uses a feature that is not supported.
    #[error("archive, byte {offset}, {field}: expected {expected}, found {found}")]
    Archive {
        /// Where the member's header begins in the tar stream.
        offset: u64,
        /// The field of the header.
        field: &'static str,
        /// What the rule asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The compression level does not exist.
    #[error("compression level {found}: expected 1 to {highest}")]
    Level {
        /// The level as given.
        found: i32,
        /// The highest level there is.
        highest: i32,
    },
    /// The payload could not be read.
    #[error("cannot read the payload at byte {offset}")]
    Read {
        /// Where, counted from the first byte of the payload.
        offset: u64,
        /// Why.
        source: std::io::Error,
    },
    /// The payload could not be written.
    #[error("cannot write the payload")]
    Write {
        /// Why.
        source: std::io::Error,
    },
    /// A compressor or decoder could not be set up or failed.
    #[error("cannot run the Zstandard library")]
    Codec {
        /// Why.
        source: std::io::Error,
    },
    /// What the mtree specification says does not fit the tree.
    #[error(transparent)]
    Mtree(#[from] MtreeError),
    /// The caller asked to stop.
    #[error("stopped before the end")]
    Cancelled,
    /// A file operation failed.
    #[error(transparent)]
    Fs(#[from] FsError),
}

impl PayloadError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Index { .. } => "E_PAYLOAD_INDEX",
            Self::Table { .. } => "E_FILE_TABLE",
            Self::Name { .. } => "E_NAME",
            Self::TooLarge { .. } => "E_TOO_LARGE",
            Self::HashMismatch { .. } => "E_HASH_MISMATCH",
            Self::Mismatch { .. } => "E_FILE_TABLE_MISMATCH",
            Self::Frame { .. } => "E_FRAME",
            Self::Changed { .. } => "E_FILE_CHANGED",
            Self::Kind { .. } => "E_FILE_KIND",
            Self::Device { .. } => "E_DEVICE",
            Self::NotEmpty { .. } => "E_NOT_EMPTY",
            Self::NoSpace { .. } => "E_NO_SPACE",
            Self::NotFound { .. } => "E_NOT_FOUND",
            Self::Format { .. } => "E_PAYLOAD_FORMAT",
            Self::Archive { .. } => "E_ARCHIVE",
            Self::Level { .. } => "E_LEVEL",
            Self::Read { .. } | Self::Write { .. } | Self::Codec { .. } => "E_IO",
            Self::Mtree(error) => error.code(),
            Self::Cancelled => "E_CANCELLED",
            Self::Fs(error) if error.is_full() => "E_NO_SPACE",
            Self::Fs(error) => error.code(),
        }
    }

    /// What the person at the terminal can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Mtree(error) => return error.hint(),
            Self::HashMismatch { .. } => "the payload is damaged: fetch the package again",
            Self::Changed { .. } => "build again from a tree that nothing writes to",
            Self::Kind { .. } => "remove it from the tree: it has no meaning on another machine",
            Self::Device { .. } => "unpack as root with device nodes allowed, if they are wanted",
            _ if self.code() == "E_NO_SPACE" => "free some space, then try again",
            Self::NotEmpty { .. } => "name a directory that is empty or does not exist yet",
            Self::Format { .. } => {
                "extract the region as a file and use the tool it was made with, \
                 or build the package from a directory"
            }
            Self::Archive { .. } => {
                "extract the region as a file and look at it with `tar -tvf`, \
                 or build the package from a directory"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
