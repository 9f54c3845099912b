//! Lengths between memory and file: both are 64-bit here, so nothing is ever cut off.

/// A length in memory as a length in a file.
pub(super) fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A length in a file as a length in memory; a slice refuses what does not fit.
pub(super) fn narrow(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
