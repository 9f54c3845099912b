//! A kernel that comes from no package: that of a machine which was installed by hand.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::INITRD;
use crate::fsio::{Dir, copy_range, regular_length, sync};
use crate::system::layout::KERNELS;
use crate::system::{Boot, EnvName, System, SystemError};

/// A kernel and its initial RAM disk, opened.
#[derive(Debug)]
pub struct KernelFiles {
    name: String,
    kernel: File,
    initrd: Option<File>,
}

impl KernelFiles {
    /// These files; the kernel is called as the last name of `path`, and its RAM disk after it.
    pub fn new(path: &Path, kernel: File, initrd: Option<File>) -> Result<Self, SystemError> {
        let name = path.file_name().and_then(|name| name.to_str());
        let is_name = |name: &str| name.parse::<EnvName>().is_ok();
        let fits = |name: &&str| {
            let longest = initrd.as_ref().map_or("", |_| INITRD);
            !name.ends_with(INITRD) && is_name(&format!("{name}{longest}"))
        };
        let refused = || SystemError::KernelName {
            path: path.to_owned(),
        };
        let name = name.filter(fits).ok_or_else(refused)?.to_owned();
        Ok(Self {
            name,
            kernel,
            initrd,
        })
    }

    /// Copies them to where the kernels of an environment are, and says how to boot it.
    ///
    /// What an interrupted attempt left goes first.
    pub(in crate::system) fn install(
        &self,
        system: &System,
        environment: &EnvName,
    ) -> Result<Boot, SystemError> {
        let kernels = system.directory(KERNELS)?;
        let own = Path::new(environment.as_str());
        if kernels.kind_of(own)?.is_some() {
            kernels.remove_tree(own)?;
        }
        kernels.create_dir(own, 0o700)?;
        let target = kernels.open_dir(own)?;
        copy(&self.kernel, &target, &self.name)?;
        let mut boot = Boot {
            kernel: self.name.clone(),
            ..Boot::default()
        };
        if let Some(initrd) = &self.initrd {
            let name = format!("{}{INITRD}", self.name);
            copy(initrd, &target, &name)?;
            boot.initrd.push(name);
        }
        target.sync()?;
        kernels.sync()?;
        Ok(boot)
    }
}

fn copy(from: &File, target: &Dir, name: &str) -> Result<(), SystemError> {
    let shown: PathBuf = target.path().join(name);
    let length = regular_length(from, &shown)?;
    let to = target.create_file(name, 0o644)?;
    copy_range(from, 0, &to, 0, length, &shown)?;
    Ok(sync(&to, &shown)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_has_a_name_that_a_package_may_have_as_well() {
        let code = |path: &str, with_initrd: bool| {
            let initrd = with_initrd.then(|| tempfile::tempfile().unwrap());
            let files = KernelFiles::new(Path::new(path), tempfile::tempfile().unwrap(), initrd);
            files.map(drop).map_err(|error| error.code())
        };
        let long = "x".repeat(58);
        for path in ["/boot/vmlinuz-6.1.0-13-amd64", "linux", &long] {
            assert_eq!(code(path, false), Ok(()), "{path}");
        }
        assert_eq!(code("linux", true), Ok(()));
        for path in ["..", "/boot/my kernel", ".linux", "x.initrd"] {
            assert_eq!(code(path, false), Err("E_KERNEL_NAME"), "{path}");
        }
        assert_eq!(code(&long, true), Err("E_KERNEL_NAME"));
    }
}
