//! What the caller decides: how a tree becomes a payload, and how it comes back.

use std::num::NonZeroUsize;

use super::index::FrameKind;
use super::limits::{BUILD_MEMORY, MAX_THREADS, compressor_memory};
use super::mtree::Mtree;
use super::parallel::threads;

/// How a tree becomes a payload.
#[derive(Debug, Clone, Default)]
pub struct TreeOptions {
    /// How frames are stored.
    pub compression: Compression,
    /// Which owners are recorded.
    pub owners: Owners,
    /// Owners, modes and times that count instead of those of the tree, and entries to add to it.
    pub overrides: Mtree,
    /// Modification times after this moment are recorded as this moment (`SOURCE_DATE_EPOCH`).
    pub clock: Option<jiff::Timestamp>,
    /// Records modification times with their nanoseconds; else the fraction of the second is dropped.
    ///
    /// Off by default: a nanosecond says how fast the build machine was, costs 1 KiB of tar stream for
    /// each file, and is lost by most tools anyway.
    pub nanoseconds: bool,
    /// Which extended attributes are recorded.
    pub xattrs: XattrSelection,
    /// How many threads work; by default one for each processor, fewer where the compression level
    /// would take more than 60 MiB. The payload does not depend on it.
    pub threads: Option<NonZeroUsize>,
}

/// How frames are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// Compressed with Zstandard at this level, 1 to 22.
    Zstd(i32),
}

/// Which owners are recorded; always numbers, never names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owners {
    /// Those of the tree.
    #[default]
    AsFound,
    /// The same for every entry.
    Fixed {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
}

/// Which extended attributes are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum XattrSelection {
    /// None.
    None,
    /// `user.*` and `security.capability`: what means the same on another machine.
    #[default]
    Portable,
    /// Every one that can be read: labels and access lists of this very machine too.
    All,
}

impl Default for Compression {
    fn default() -> Self {
        Self::Zstd(zstd::DEFAULT_COMPRESSION_LEVEL)
    }
}

impl Compression {
    /// The highest level there is.
    pub const HIGHEST_LEVEL: i32 = 22;

    /// The threads to use: as many as asked for, else as many as processors and memory allow.
    pub(super) fn threads(self, wanted: Option<NonZeroUsize>) -> usize {
        let most = match self {
            Self::Zstd(level) if wanted.is_none() => BUILD_MEMORY / compressor_memory(level),
            _ => MAX_THREADS,
        };
        threads(wanted).min(most)
    }

    /// How frames are marked that are stored so.
    pub(super) const fn kind(self) -> FrameKind {
        match self {
            Self::None => FrameKind::Plain,
            Self::Zstd(_) => FrameKind::Zstd,
        }
    }
}

/// What is restored besides names and contents; by default nothing that gives anybody rights.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one right that is given or not, whatever the others are"
)]
pub struct UnpackOptions {
    /// Gives files their recorded owners; needs privilege. Else they belong to who unpacks.
    pub owners: bool,
    /// Keeps set-user-ID, set-group-ID and sticky. Else they are dropped.
    pub special_bits: bool,
    /// Sets recorded extended attributes, file capabilities among them. Else they are dropped.
    pub xattrs: bool,
    /// Makes device nodes; needs privilege. Else a payload that holds one is refused.
    pub devices: bool,
    /// Waits until everything is on disk before it reports success.
    pub sync: bool,
    /// How many threads work; by default one for each processor.
    pub threads: Option<NonZeroUsize>,
}

impl UnpackOptions {
    /// Everything as it was recorded: for installing a verified system as root.
    pub const fn faithful() -> Self {
        Self {
            owners: true,
            special_bits: true,
            xattrs: true,
            devices: true,
            sync: true,
            threads: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressors_together_keep_to_the_memory_unless_asked_otherwise() {
        for level in 1..=Compression::HIGHEST_LEVEL {
            let compression = Compression::Zstd(level);
            let used = compression.threads(None) * compressor_memory(level);
            assert!(
                compression.threads(None) > 0 && used <= BUILD_MEMORY,
                "level {level}"
            );
            assert_eq!(compression.threads(NonZeroUsize::new(7)), 7);
            assert_eq!(compression.threads(NonZeroUsize::new(99)), MAX_THREADS);
        }
    }
}
