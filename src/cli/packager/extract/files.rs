use std::path::Path;

use crate::cli::CommandError;
use crate::fsio::Dir;
use crate::manifest::RegionKind;
use crate::package::{Package, Verified};
use crate::payload::{self, FileTable, PayloadIndex, UnpackOptions, UnpackReport};
use crate::progress::Progress;

/// Unpacks all files of the payload into `directory`, which is new or empty.
pub(super) fn unpack(
    package: &Package<Verified>,
    directory: &Path,
    preserve: bool,
    progress: &dyn Progress,
) -> Result<String, CommandError> {
    let options = if preserve {
        UnpackOptions::faithful()
    } else {
        UnpackOptions::default()
    };
    let report = unpack_tree(package, directory, &options, progress)?;
    let UnpackReport { entries, bytes, .. } = report;
    let directory = directory.display();
    Ok(format!(
        "unpacked {entries} entries, {bytes} bytes, into {directory}"
    ))
}

fn unpack_tree(
    package: &Package<Verified>,
    directory: &Path,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport, CommandError> {
    let index = read_region(package, RegionKind::PayloadIndex)?;
    let table = read_region(package, RegionKind::FileTable)?;
    let (Some(index), Some(table)) = (index, table) else {
        return Err(
            CommandError::failed("the payload was not made from a directory")
                .code("E_PAYLOAD_FORMAT")
                .hint("take it out as it is: --region 1 --output FILE"),
        );
    };
    let index = PayloadIndex::decode(&index)?;
    let table = FileTable::decode(&table)?;
    // The payload is region 1, which begins where the file begins.
    let payload = package.file();
    let unpacked = if directory.symlink_metadata().is_ok() {
        let target = Dir::open(directory)?;
        payload::unpack(payload, &index, &table, &target, options, progress)
    } else {
        payload::unpack_new(payload, &index, &table, directory, options, progress)
    };
    unpacked.map_err(CommandError::from)
}

fn read_region(
    package: &Package<Verified>,
    kind: RegionKind,
) -> Result<Option<Vec<u8>>, CommandError> {
    let found = package.region_of(kind);
    let bytes = found.map(|(region, extent)| package.read_region(region, extent));
    bytes.transpose().map_err(CommandError::from)
}
