//! Kernels that a package brings: which one is booted, and where they are put.
//!
//! All kernels of a package go to `kernels/NAME`; the environment is booted with the one that was chosen.
//! A kernel region `X.initrd` is no kernel but the initial RAM disk of kernel `X`.

mod files;
mod room;

pub use self::files::KernelFiles;
pub use self::room::{KernelsBefore, kernel_bytes};

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Boot, EnvName, OldKernel, System, SystemError, layout};
use crate::digest::{Hasher, Sha256Digest};
use crate::fsio::{Dir, EntryKind, FsError, RegionReader, TreeCopy, sync};
use crate::isi_file::Extent;
use crate::manifest::{Manifest, Region, RegionKind};
use crate::package::{Package, Verified};
use crate::progress::Silent;

/// Which kernel an environment is to be booted with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelChoice {
    /// The one of the environment before, if the package has it, else the first.
    #[default]
    Usual,
    /// This one.
    Named(String),
    /// None: something else boots it, or it is a container.
    None,
}

/// What is behind the name of a kernel that was kept from the environment before.
const OLD: &str = ".old";
/// What is behind the name of a kernel's initial RAM disk.
const INITRD: &str = ".initrd";
/// Bytes that are copied at a time.
const PIECE: usize = 1 << 18;

/// A kernel that cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The package does not have the kernel that was asked for.
    #[error("the package has no kernel {name:?}: it has {}", listed(found))]
    Missing {
        /// What was asked for.
        name: String,
        /// What there is.
        found: Vec<String>,
    },
    /// A kernel has a name that is not fit for a boot loader.
    #[error(
        "the package has a kernel with the name {name:?}: expected 1 to 64 of A-Z a-z 0-9 . _ -"
    )]
    Name {
        /// The name of the region.
        name: String,
    },
    /// The bytes are not the ones that were signed.
    #[error("kernel {name:?}: expected SHA-256 {expected}, found {found}")]
    Digest {
        /// The name of the region.
        name: String,
        /// What was signed.
        expected: Sha256Digest,
        /// What was read.
        found: Sha256Digest,
    },
    /// The environment before has no kernel that could be kept.
    #[error("boot environment {environment} has no kernel to keep")]
    NothingToKeep {
        /// The environment before.
        environment: EnvName,
    },
    /// The system's own files.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A file operation failed.
    #[error(transparent)]
    Files(#[from] FsError),
}

impl KernelError {
    /// Every code that only these errors have.
    pub const CODES: [&str; 4] = [
        "E_KERNEL_MISSING",
        "E_KERNEL_NAME",
        "E_HASH_MISMATCH",
        "E_KERNEL_NOT_KEPT",
    ];

    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "E_KERNEL_MISSING",
            Self::Name { .. } => "E_KERNEL_NAME",
            Self::Digest { .. } => "E_HASH_MISMATCH",
            Self::NothingToKeep { .. } => "E_KERNEL_NOT_KEPT",
            Self::System(source) => source.code(),
            Self::Files(source) if source.is_full() => "E_NO_SPACE",
            Self::Files(source) => source.code(),
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { found, .. } if found.is_empty() => {
                "leave --kernel out: the image brings its kernel along, or needs none".to_owned()
            }
            Self::Missing { .. } => {
                "name one of them with --kernel, or none with --no-kernel".to_owned()
            }
            Self::Name { .. } => "its vendor has to build the package again".to_owned(),
            Self::Digest { .. } => "fetch the package again: it is damaged".to_owned(),
            Self::NothingToKeep { .. } => "leave --keep-old-kernel out".to_owned(),
            Self::System(source) => return source.hint(),
            Self::Files(source) if source.is_full() => "free some space, then try again".to_owned(),
            Self::Files(source) => return source.hint(),
        })
    }
}

/// The names of the kernels of a package, in its order; the first is the usual one.
pub fn kernels(manifest: &Manifest) -> Result<Vec<&str>, KernelError> {
    let mut names = Vec::new();
    for region in regions(manifest) {
        let name = region.name.as_str();
        if name.parse::<EnvName>().is_err() {
            let name = name.to_owned();
            return Err(KernelError::Name { name });
        }
        if !name.ends_with(INITRD) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The kernel to boot: one of `names`, or none; `before` is the one of the environment before.
///
/// A package without kernels is fine unless one is asked for by name.
pub fn choose<'a>(
    names: &[&'a str],
    choice: &KernelChoice,
    before: Option<&str>,
) -> Result<Option<&'a str>, KernelError> {
    let find = |wanted: &str| names.iter().copied().find(|name| *name == wanted);
    match choice {
        KernelChoice::None => Ok(None),
        KernelChoice::Named(wanted) => find(wanted).map(Some).ok_or_else(|| KernelError::Missing {
            name: wanted.clone(),
            found: names.iter().map(|name| (*name).to_owned()).collect(),
        }),
        KernelChoice::Usual => Ok(before.and_then(find).or_else(|| names.first().copied())),
    }
}

/// Puts kernels beside an environment, and says how to boot it.
///
/// They are those of the package; where no kernel is chosen, those of the environment `from`, if it has any.
/// With `keep`, the kernel that `from` was booted with is put beside them, with `.old` behind its name, and can
/// be booted as well. What an interrupted attempt left goes first.
pub fn install_kernels(
    system: &System,
    environment: &EnvName,
    package: &Package<Verified>,
    choice: &KernelChoice,
    from: Option<&EnvName>,
    keep: bool,
) -> Result<Option<Boot>, KernelError> {
    let directory = Path::new(layout::KERNELS);
    let own = directory.join(environment.as_str());
    let root = system.root();
    if root.kind_of(&own)?.is_some() {
        root.remove_tree(&own)?;
    }
    let before = from.map(|from| system.record(from)).transpose()?;
    let before = before.flatten().and_then(|record| record.boot);
    // Nothing is asked of the kernels of a package when none is wanted.
    let names = match choice {
        KernelChoice::None => Vec::new(),
        _ => kernels(package.manifest())?,
    };
    let last = before
        .as_ref()
        .map(|boot| boot.kernel.trim_end_matches(OLD));
    let Some(chosen) = choose(&names, choice, last)? else {
        if let Some(from) = from {
            stay(root, &directory.join(from.as_str()), &own)?;
        }
        return Ok(before);
    };
    root.create_dir(&own, 0o700)?;
    let target = root.open_dir(&own)?;
    let manifest = package.manifest();
    for (index, region) in manifest.regions.iter().enumerate() {
        if let Some((_, extent)) = package
            .region(index)
            .filter(|_| region.kind == RegionKind::Kernel)
        {
            write(package.file(), extent, region, &target)?;
        }
    }
    let old = match from.filter(|_| keep) {
        None => None,
        Some(from) => {
            let kept = match &before {
                Some(boot) => keep_old(root, &directory.join(from.as_str()), boot, &target)?,
                None => None,
            };
            let environment = from.clone();
            Some(kept.ok_or(KernelError::NothingToKeep { environment })?)
        }
    };
    target.sync()?;
    root.open_dir(directory)?.sync()?;
    let initrd = format!("{chosen}{INITRD}");
    let has_initrd = regions(manifest).any(|region| region.name == initrd);
    Ok(Some(Boot {
        kernel: chosen.to_owned(),
        initrd: has_initrd.then_some(initrd).into_iter().collect(),
        options: before.map(|boot| boot.options).unwrap_or_default(),
        old,
    }))
}

fn regions(manifest: &Manifest) -> impl Iterator<Item = &Region> {
    let regions = manifest.regions.iter();
    regions.filter(|region| region.kind == RegionKind::Kernel)
}

/// Writes one region, and compares what is written with what was signed.
fn write(file: &File, extent: Extent, region: &Region, target: &Dir) -> Result<(), KernelError> {
    let name = Path::new(&region.name);
    let shown = target.path().join(name);
    let mut reader = RegionReader::new(file, extent.offset, extent.length);
    let mut out = target.create_file(name, 0o644)?;
    let mut hasher = Hasher::new();
    let mut piece = vec![0; PIECE];
    loop {
        let count = reader
            .read(&mut piece)
            .map_err(FsError::system("read for", &shown))?;
        if count == 0 {
            break;
        }
        let bytes = piece.get(..count).unwrap_or_default();
        hasher.update(bytes);
        out.write_all(bytes)
            .map_err(FsError::system("write", &shown))?;
    }
    let found = hasher.finish();
    if found != region.sha256 {
        target.remove_file(name)?;
        let (name, expected) = (region.name.clone(), region.sha256);
        return Err(KernelError::Digest {
            name,
            expected,
            found,
        });
    }
    Ok(sync(&out, &shown)?)
}

/// Lets a new environment have the kernels of the one before; there may be none.
fn stay(root: &Dir, from: &Path, own: &Path) -> Result<(), KernelError> {
    if root.kind_of(from)? != Some(EntryKind::Directory) {
        return Ok(());
    }
    root.create_dir(own, 0o700)?;
    let target = root.open_dir(own)?;
    // A kernel is copied at once; stopping is asked for between the steps.
    root.open_dir(from)?.copy_tree(&target, &Silent)?;
    target.sync_file_system()?;
    Ok(())
}

/// Copies the kernel that was booted before, and its RAM disks, under names of their own; nothing if one of
/// them is not there.
fn keep_old(
    root: &Dir,
    from: &Path,
    boot: &Boot,
    target: &Dir,
) -> Result<Option<OldKernel>, KernelError> {
    if root.kind_of(from)? != Some(EntryKind::Directory) {
        return Ok(None);
    }
    let from = root.open_dir(from)?;
    let mut kept = Vec::new();
    for name in room::files(boot) {
        if !room::has(&from, name)? {
            return Ok(None);
        }
        kept.push(keep_file(&from, name, target)?);
    }
    let mut kept = kept.into_iter();
    Ok(kept.next().map(|kernel| OldKernel {
        kernel,
        initrd: kept.collect(),
    }))
}

/// Copies one file under a name that nothing has: one that the package brings keeps its own.
fn keep_file(from: &Dir, name: &str, target: &Dir) -> Result<String, KernelError> {
    let mut old = format!("{}{OLD}", name.trim_end_matches(OLD));
    while target.kind_of(&old)?.is_some() {
        old += OLD;
    }
    let hidden = target.kind_of(name)?.is_some();
    let aside = PathBuf::from(format!(".{name}.new"));
    if hidden {
        target.rename(name, target, &aside)?;
    }
    let mut copy = TreeCopy::new(from, target);
    copy.name(name)?;
    copy.finish()?;
    target.rename(name, target, &old)?;
    if hidden {
        target.rename(&aside, target, name)?;
    }
    Ok(old)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen<'a>(
        names: &[&'a str],
        choice: &KernelChoice,
        before: Option<&str>,
    ) -> Result<Option<&'a str>, &'static str> {
        choose(names, choice, before).map_err(|error| error.code())
    }

    #[test]
    fn the_kernel_is_the_one_asked_for_or_the_one_before_or_the_first() {
        let names = ["generic", "debug", "tiny"];
        let asked = |name: &str| KernelChoice::Named(name.to_owned());
        for (choice, before, expected) in [
            (KernelChoice::Usual, None, Ok(Some("generic"))),
            (KernelChoice::Usual, Some("debug"), Ok(Some("debug"))),
            (KernelChoice::Usual, Some("gone"), Ok(Some("generic"))),
            (asked("tiny"), Some("debug"), Ok(Some("tiny"))),
            (asked("gone"), None, Err("E_KERNEL_MISSING")),
            (KernelChoice::None, Some("debug"), Ok(None)),
        ] {
            assert_eq!(
                chosen(&names, &choice, before),
                expected,
                "{choice:?} {before:?}"
            );
        }
    }

    #[test]
    fn a_package_without_kernels_is_fine_unless_one_is_asked_for() {
        assert_eq!(chosen(&[], &KernelChoice::Usual, Some("x")), Ok(None));
        assert_eq!(chosen(&[], &KernelChoice::None, None), Ok(None));
        let error = choose(&[], &KernelChoice::Named("x".into()), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the package has no kernel \"x\": it has none"
        );
    }
}
