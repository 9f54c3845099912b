use std::path::Path;

use crate::cli::CommandError;
use crate::fsio::Dir;
use crate::package::{Package, Tree, Verified};
use crate::payload::{self, ArchiveOptions, UnpackOptions, UnpackReport};
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
    let tree = package.tree()?;
    let target = existing(directory)?;
    let payload = package.payload();
    let unpacked = if let Some(Tree { index, table }) = tree {
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
