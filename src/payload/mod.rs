//! Payloads: a directory tree as a tar stream in frames, and the way back.
//!
//! A payload made here is a deterministic tar stream cut into frames of at most 1 MiB, each stored
//! plain or as one Zstandard frame, so that any tar tool reads the whole and every core can work on
//! the parts. Two signed regions describe it: the [`PayloadIndex`] says what each frame is, the
//! [`FileTable`] what each file is and where it stands.
//!
//! # Threats met here
//!
//! - The payload is not the one that was signed: every frame is hashed before it is decoded.
//! - It decodes to more than was said: sizes are declared in the index, bounded by
//!   [`limits`], and held while decoding.
//! - Its archive says something else than the file table: the table is the truth, headers are
//!   compared with the ones it gives, byte for byte, and never interpreted.
//! - Names lead elsewhere: [`EntryPath`] admits none that could, every file is opened below the target
//!   and never through a symbolic link, links are made last.
//! - A count or length in the index or table asks for memory: none is reserved that the input does
//!   not pay for with its own length.

mod archive;
mod archive_member;
mod builder;
mod convert;
mod entry;
mod error;
mod frames;
mod index;
pub mod limits;
pub mod lists;
mod member;
pub mod mtree;
mod name;
mod options;
mod parallel;
mod parents;
mod path_text;
mod record;
mod restore;
mod select;
mod space;
mod stream;
mod table;
mod table_codec;
mod tar_header;
#[cfg(test)]
mod tests;
mod unpack;
mod walk;

pub use archive::{ArchiveOptions, unpack_archive, unpack_archive_new};
pub use builder::{BuiltTree, build_tree};
pub use entry::{DeviceNumber, FileEntry, FileKind, Mtime, Xattr};
pub use error::PayloadError;
pub use index::{Frame, FrameKind, PayloadIndex};
pub use member::Members;
pub use name::{EntryPath, NameRule};
pub use options::{Compression, Owners, TreeOptions, UnpackOptions, XattrSelection};
pub use record::Field;
pub use space::{expect_space, in_blocks, space_needed, space_taken};
pub use table::{FileTable, Place};
pub use unpack::{UnpackReport, unpack, unpack_new, unpack_only};

/// Places of the fields of the file table, as `format-spec/file-table.md` lists them.
pub use table_codec::layout as file_table_layout;

/// Places of the fields of the payload index, as `format-spec/payload-index.md` lists them.
pub use index::layout as payload_index_layout;
