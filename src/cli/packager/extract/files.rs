use std::path::Path;

use crate::cli::CommandError;
use crate::fsio::Dir;
use crate::manifest::RegionKind;
use crate::package::{Package, Verified};
use crate::payload::{self, ArchiveOptions, FileTable, PayloadIndex, UnpackOptions, UnpackReport};
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
    let target = existing(directory)?;
    let payload = package.payload();
    let unpacked = if let (Some(index), Some(table)) = (index, table) {
        let (index, table) = (PayloadIndex::decode(&index)?, FileTable::decode(&table)?);
        match target {
            Some(target) => payload::unpack(&payload, &index, &table, &target, options, progress),
            None => payload::unpack_new(&payload, &index, &table, directory, options, progress),
        }
    } else {
        let options = ArchiveOptions {
            unpack: options.clone(),
            ..ArchiveOptions::default()
        };
        match target {
            Some(target) => payload::unpack_archive(&payload, &target, &options, progress),
            None => payload::unpack_archive_new(&payload, directory, &options, progress),
        }
    };
    unpacked.map_err(CommandError::from)
}

/// The directory, if it is there.
fn existing(directory: &Path) -> Result<Option<Dir>, CommandError> {
    let is_there = directory.symlink_metadata().is_ok();
    let opened = is_there.then(|| Dir::open(directory));
    opened.transpose().map_err(CommandError::from)
}

fn read_region(
    package: &Package<Verified>,
    kind: RegionKind,
) -> Result<Option<Vec<u8>>, CommandError> {
    let found = package.region_of(kind);
    let bytes = found.map(|(region, extent)| package.read_region(region, extent));
    bytes.transpose().map_err(CommandError::from)
}
