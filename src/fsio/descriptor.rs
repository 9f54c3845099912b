use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use super::FsError;

/// Reads what an inherited file descriptor holds, at most `limit` bytes.
///
/// For secrets that a caller hands over, so pipes are welcome here.
pub fn read_descriptor(descriptor: u32, limit: u64) -> Result<Vec<u8>, FsError> {
    let path = PathBuf::from(format!("/proc/self/fd/{descriptor}"));
    let file = File::open(&path).map_err(FsError::system("open", &path))?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(FsError::system("read", &path))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(FsError::TooLarge { path, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    #[test]
    fn reads_a_pipe_to_its_end_and_no_more_than_allowed() {
        for (limit, fits) in [(6, true), (5, false)] {
            let (reader, mut writer) = std::io::pipe().unwrap();
            writer.write_all(b"secret").unwrap();
            drop(writer);
            let descriptor = u32::try_from(reader.as_raw_fd()).unwrap();
            assert_eq!(read_descriptor(descriptor, limit).is_ok(), fits, "{limit}");
        }
    }

    #[test]
    fn a_descriptor_that_is_not_open_is_an_error() {
        assert_eq!(read_descriptor(999_999, 1).unwrap_err().code(), "E_IO");
    }
}
