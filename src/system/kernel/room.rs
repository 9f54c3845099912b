//! The room that kernels take, asked before the first of them is copied.

use std::path::Path;

use super::regions;
use crate::fsio::{Dir, EntryKind};
use crate::manifest::Manifest;
use crate::payload::in_blocks;
use crate::system::layout::KERNELS;
use crate::system::{Boot, EnvName, System, SystemError};

/// What an environment has to boot with, for the one that comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KernelsBefore {
    /// Bytes that a copy of all its kernels takes.
    pub all: u64,
    /// Bytes that a copy of the kernel that it is booted with takes, with the RAM disks; none if there is no
    /// such kernel, or not all of it.
    pub booted: Option<u64>,
}

impl KernelsBefore {
    /// What the environment `from` has; copies that share their blocks with the originals take nothing.
    pub fn of(system: &System, from: &EnvName) -> Result<Self, SystemError> {
        let place = Path::new(KERNELS).join(from.as_str());
        if system.root().kind_of(&place)? != Some(EntryKind::Directory) {
            return Ok(Self::default());
        }
        let kernels = system.root().open_dir(&place)?;
        let boot = system.record(from)?.and_then(|record| record.boot);
        let booted = match boot {
            Some(boot) => booted(&kernels, &boot)?,
            None => None,
        };
        if kernels.shares_blocks()? {
            return Ok(Self {
                all: 0,
                booted: booted.map(|_| 0),
            });
        }
        Ok(Self {
            all: all(&kernels)?,
            booted,
        })
    }
}

/// Bytes that the kernels of a package take, with their RAM disks and the directory for them.
pub fn kernel_bytes(manifest: &Manifest) -> u64 {
    let sizes = regions(manifest).map(|region| in_blocks(region.size));
    let bytes = sizes.fold(0, u64::saturating_add);
    if bytes == 0 {
        return 0;
    }
    bytes.saturating_add(in_blocks(1))
}

/// The names of what an environment is booted with, the kernel first.
pub(super) fn files(boot: &Boot) -> impl Iterator<Item = &String> {
    std::iter::once(&boot.kernel).chain(&boot.initrd)
}

/// Whether there is such a file among these kernels.
pub(super) fn has(kernels: &Dir, name: &str) -> Result<bool, SystemError> {
    Ok(!name.is_empty() && kernels.kind_of(name)? == Some(EntryKind::File))
}

fn booted(kernels: &Dir, boot: &Boot) -> Result<Option<u64>, SystemError> {
    let mut bytes = 0_u64;
    for name in files(boot) {
        if !has(kernels, name)? {
            return Ok(None);
        }
        bytes = bytes.saturating_add(in_blocks(kernels.length_of(name)?));
    }
    Ok(Some(bytes))
}

/// Bytes of a directory and all below it.
fn all(directory: &Dir) -> Result<u64, SystemError> {
    let mut bytes = in_blocks(1);
    for entry in directory.entries()? {
        bytes = bytes.saturating_add(match entry.kind {
            EntryKind::File => in_blocks(directory.length_of(&entry.name)?),
            EntryKind::Directory => all(&directory.open_dir(&entry.name)?)?,
            _ => 0,
        });
    }
    Ok(bytes)
}
