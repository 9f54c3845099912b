use std::io::{Read as _, Write as _};
use std::path::Path;

use crate::cli::CommandError;
use crate::digest::HashingReader;
use crate::fsio::{FsError, OnExisting, OutputFile, RegionReader};
use crate::package::{Package, Verified};
use crate::progress::Progress;

/// Copies region `number`, counted from 1, to `path`, and hashes it once more on the way.
pub(super) fn take(
    package: &Package<Verified>,
    number: usize,
    path: &Path,
    on_existing: OnExisting,
    progress: &dyn Progress,
) -> Result<String, CommandError> {
    let found = number
        .checked_sub(1)
        .and_then(|index| package.region(index));
    let Some((region, extent)) = found else {
        let count = package.manifest().regions.len();
        return Err(CommandError::failed(format!("there is no region {number}"))
            .fact("expected", format!("1 to {count}"))
            .code("E_NO_REGION")
            .hint("isi_packager view --package FILE shows the regions"));
    };
    let mut output = OutputFile::create(path, 0o644, on_existing)?;
    progress.begin("extract", extent.length);
    let reader = RegionReader::new(package.file(), extent.offset, extent.length);
    let mut reader = HashingReader::new(reader);
    let mut buffer = vec![0; 1 << 18];
    loop {
        if progress.cancelled() {
            return Err(CommandError::failed("interrupted"));
        }
        let read = reader
            .read(&mut buffer)
            .map_err(FsError::system("read the region for", path))?;
        if read == 0 {
            break;
        }
        output
            .write_all(buffer.get(..read).unwrap_or_default())
            .map_err(FsError::system("write", path))?;
        progress.advance(u64::try_from(read).unwrap_or(0));
    }
    let (found, _) = reader.finish();
    if found != region.sha256 {
        return Err(
            CommandError::failed("the package changed after it was verified")
                .fact("expected", region.sha256.to_string())
                .fact("found", found.to_string())
                .code("E_HASH_MISMATCH"),
        );
    }
    drop(output.commit()?);
    Ok(format!("wrote {}", path.display()))
}
