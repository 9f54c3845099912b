//! How large each part of a package may be, and why; container and manifest share these.

/// Bytes that one entry of a region's chunk list covers.
///
/// Large enough that the list stays small (32 bytes for 4 MiB), small enough to hash on all cores and
/// to name damage usefully.
pub const CHUNK_SIZE: u64 = 4 << 20;

/// Longest manifest. Its chunk lists grow with the payload: 16 MiB describe about 2 TiB.
pub const MAX_MANIFEST: u64 = 16 << 20;

/// Shortest manifest: one field header. An empty one says nothing that could be signed.
pub const MIN_MANIFEST: u64 = 6;

/// Longest signature: some dozens of signers with their chains.
pub const MAX_SIGNATURE: u64 = 256 << 10;

/// Longest timestamp token: one token with its chain is a few KiB.
pub const MAX_TIMESTAMP: u64 = 64 << 10;

/// Longest README, so that showing one stays cheap.
pub const MAX_README: u64 = 1 << 20;

/// Longest name in bytes, as most file systems have it.
pub const MAX_NAME: usize = 255;

/// Longest line of text in a manifest, in bytes: a description should fit on a screen.
pub const MAX_LINE: usize = 1024;

/// Most items in a manifest's list of dependencies or services.
pub const MAX_LIST: usize = 256;

/// Most regions in one package, the first included.
pub const MAX_REGIONS: usize = 1024;

/// Longest region after the first: its header has 32 bits for the length.
pub const MAX_LATER_REGION: u64 = 0xFFFF_FFFF;

/// Most bytes of a stream that are taken unless somebody says otherwise. How long one is turns out at its
/// end, which may never come, and it is on the disk before it can be judged; no image we know has 32 GiB.
pub const USUAL_STREAM: u64 = 32 << 30;

/// Longest file: offsets in files are signed 64-bit numbers on every system we know.
pub const MAX_FILE: u64 = 0x7FFF_FFFF_FFFF_FFFF;
