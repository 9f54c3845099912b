use std::fs::File;
use std::io::Read as _;

use super::FsError;

/// Where the kernel gives out random bytes.
const SOURCE: &str = "/dev/urandom";

/// Bytes that nobody can foresee.
pub fn random_bytes<const LENGTH: usize>() -> Result<[u8; LENGTH], FsError> {
    let mut bytes = [0; LENGTH];
    let mut source = File::open(SOURCE).map_err(FsError::system("open", SOURCE))?;
    source
        .read_exact(&mut bytes)
        .map_err(FsError::system("read", SOURCE))?;
    Ok(bytes)
}
