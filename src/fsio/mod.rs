//! Files: the only module that touches them.
//!
//! # Threats met here
//!
//! - A path is swapped between two uses of it: everything works on open handles, and names are only
//!   looked up below a [`Dir`] handle, one component at a time, never through a symbolic link.
//! - A FIFO, a device or a directory is offered as a file: [`open_regular`] opens without blocking
//!   and refuses it.
//! - The power goes, or the process is killed: [`OutputFile`] has no name until it is complete and
//!   synced.
//! - A name holds `..`, a slash, a NUL: [`Dir`] refuses it before the kernel sees it.
//!
//! Every error carries the path and what was attempted.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the place they are kept to"
)]

mod attributes;
mod confined;
mod copy;
mod copy_tree;
mod descriptor;
mod dir;
mod entry;
mod error;
mod input;
mod lock;
mod lookup;
mod mounts;
mod node;
mod open;
mod output;
mod output_dir;
mod owner;
mod program;
mod random;
mod read_at;
mod remove_tree;
mod replace;
mod stopwatch;
mod subvolume;
mod xattrs;

pub use attributes::{Attributes, NodeKind, Status, set_file_attributes, status_of_file};
pub use copy::{clone_file, copy_mode_and_owner, copy_range};
pub use copy_tree::{Copied, TreeCopy};
pub use descriptor::read_descriptor;
pub use dir::Dir;
pub use entry::{Entry, EntryKind, Identity};
pub use error::{FsError, shell_word, trusted_owners, with_causes};
pub use input::{Incoming, Stream, StreamError, copy_stream};
pub use lock::{Lock, LockKind};
pub use open::{
    is_root, is_there, open_regular, open_regular_for_update, read_bounded, read_open, real_path,
    regular_length, set_mode, sync, sync_data,
};
pub use output::{OnExisting, OutputFile};
pub use output_dir::OutputDir;
pub use owner::expect_trusted;
pub use program::{End, Output, Program, Ran};
pub use random::random_bytes;
pub use read_at::{ReadAt, RegionReader};
pub use stopwatch::Stopwatch;
pub use xattrs::xattrs_of_file;
