//! The payload that is measured: like most payloads, nearly all of it does not compress.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use crate::shell::Outcome;

/// Bytes made at a time; one block in sixteen is text.
const BLOCK: usize = 64 << 10;

/// Writes `size` bytes to `path`, the same ones each time.
pub fn write(path: &Path, size: u64) -> Outcome {
    let mut output = BufWriter::new(File::create(path)?);
    let mut noise = Noise(0x2545_F491_4F6C_DD1D);
    let mut left = size;
    let mut count = 0_u64;
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        let block = if count % 16 == 15 {
            text()
        } else {
            noise.block()
        };
        output.write_all(&block[..length])?;
        left -= u64::try_from(length)?;
        count += 1;
    }
    output.flush()?;
    Ok(())
}

fn text() -> Vec<u8> {
    let line = b"All of this is text, which compresses well; the noise around it does not.\n";
    line.iter().copied().cycle().take(BLOCK).collect()
}

/// Marsaglia's xorshift64.
struct Noise(u64);

impl Noise {
    fn block(&mut self) -> Vec<u8> {
        let mut block = Vec::with_capacity(BLOCK);
        while block.len() < BLOCK {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            block.extend_from_slice(&self.0.to_le_bytes());
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_exact_and_the_bytes_are_the_same_each_time() -> Outcome {
        let path = std::env::temp_dir().join(format!("xtask-payload-{}", std::process::id()));
        let size = 1_048_577;
        write(&path, size)?;
        let first = std::fs::read(&path)?;
        write(&path, size)?;
        let second = std::fs::read(&path)?;
        std::fs::remove_file(&path)?;
        assert_eq!(u64::try_from(first.len())?, size);
        assert!(first == second);
        Ok(())
    }
}
