//! Every limit of payloads, in one place, each with its reason.
//!
//! A limit is checked before anything is allocated or read because of the number it bounds.

/// Most bytes of tar stream in one frame: 1 MiB.
///
/// Small enough that every core can hold a few frames, that one file is reached by decoding little
/// else, and that a decoder needs no window larger than this; large enough that compression loses
/// less than 2 % against one long stream.
pub const MAX_FRAME_LENGTH: u32 = 1 << 20;

/// Most bytes that one frame may take as stored.
///
/// The bound of Zstandard's own compressor for incompressible input (one part in 256 more than the
/// plain length).
pub const MAX_STORED_FRAME_LENGTH: u32 = MAX_FRAME_LENGTH + (MAX_FRAME_LENGTH >> 8);

/// Most frames in a payload: a tar stream of 4 TiB when all are full.
///
/// Each costs 72 bytes of the payload index, so the largest index is 288 MiB.
pub const MAX_FRAMES: u64 = 1 << 22;

/// Longest tar stream in bytes: what [`MAX_FRAMES`] full frames hold.
pub const MAX_STREAM_LENGTH: u64 = MAX_FRAMES << 20;

/// Longest encoded payload index in bytes: header and [`MAX_FRAMES`] frames, rounded up.
pub const MAX_INDEX_LENGTH: u64 = 320 << 20;

/// Most entries in a file table: ten times what a full server system holds.
pub const MAX_ENTRIES: u64 = 1 << 22;

/// Longest encoded file table in bytes; it is held in memory.
pub const MAX_TABLE_LENGTH: u64 = 1 << 30;

/// Longest path and longest link target in bytes: Linux's `PATH_MAX` less the NUL.
pub const MAX_PATH_LENGTH: usize = 4095;

/// Longest component of a path in bytes: Linux's `NAME_MAX`.
pub const MAX_COMPONENT_LENGTH: usize = 255;

/// Most components in a path.
///
/// A tree is removed by holding one open directory for each level; this stays far below the 1,024
/// open files that a process gets by default.
pub const MAX_DEPTH: usize = 256;

/// Most extended attributes on one entry.
pub const MAX_XATTRS: usize = 256;

/// Longest name of an extended attribute in bytes: Linux's `XATTR_NAME_MAX`.
pub const MAX_XATTR_NAME_LENGTH: usize = 255;

/// Longest value of an extended attribute in bytes: Linux's `XATTR_SIZE_MAX`.
pub const MAX_XATTR_VALUE_LENGTH: usize = 1 << 16;

/// Most bytes of names and values of all extended attributes on one entry.
///
/// Keeps the headers of an entry below half a frame, so that they always fit into one.
pub const MAX_XATTRS_LENGTH: usize = 1 << 18;

/// Highest device major or minor number: seven octal digits, what a tar header holds.
pub const MAX_DEVICE_NUMBER: u32 = 0o7_777_777;

/// Most threads that build or unpack one payload.
///
/// Each that unpacks holds two frames and a decoder: with 16 of them the process was measured at
/// 33 MiB. For building see [`BUILD_MEMORY`].
pub const MAX_THREADS: usize = 16;

/// Memory in bytes that building a payload keeps to when nobody asks for a number of threads: 60 MiB.
///
/// Compressors differ widely: see [`compressor_memory`].
pub const BUILD_MEMORY: usize = 60 << 20;

/// Memory in bytes that one building thread needs at a compression level, frames included.
///
/// Measured as the growth of the process from 1 to 16 threads, and rounded up.
pub const fn compressor_memory(level: i32) -> usize {
    let mib = match level {
        ..=3 => 3,
        4..=6 => 5,
        7..=8 => 8,
        9..=12 => 13,
        _ => 20,
    };
    mib << 20
}

/// Largest window of a foreign Zstandard stream, as a power of two: 32 MiB.
///
/// What `zstd -20 --ultra` uses; keeps unpacking below 64 MiB.
pub const MAX_WINDOW_LOG: u32 = 25;

/// Longest extended header (PAX or GNU long name) of one member of a foreign archive in bytes.
pub const MAX_EXTENDED_HEADER_LENGTH: u64 = 1 << 20;

/// Most bytes of names and attributes that are kept in memory while a foreign archive is unpacked.
pub const MAX_ARCHIVE_NAMES: u64 = 32 << 20;

/// Longest tar stream that a foreign archive may decode to when the caller sets no other bound: 64 GiB.
pub const DEFAULT_ARCHIVE_LENGTH: u64 = 64 << 30;

/// Most members of a foreign archive when the caller sets no other bound.
pub const DEFAULT_ARCHIVE_ENTRIES: u64 = 1_000_000;

/// Longest skip list or obsolete list in bytes: some hundred thousand paths; it is held in memory.
pub const MAX_LIST_LENGTH: usize = 16 << 20;

/// Most patterns in a skip list: each is compared with every path of a system.
pub const MAX_SKIP_PATTERNS: usize = 1 << 10;
