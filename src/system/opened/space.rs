use super::System;
use crate::fsio::Dir;
use crate::system::SystemError;
use crate::system::layout::{ENVIRONMENTS, KERNELS};

/// Bytes that are free on the file systems of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    /// Where environments are made.
    pub environments: u64,
    /// Where kernels go, if that is another file system.
    pub kernels: Option<u64>,
}

impl System {
    /// Bytes that are free where it makes environments, and where their kernels go.
    pub fn free_space(&self) -> Result<FreeSpace, SystemError> {
        let (environments, kernels) = (self.place(ENVIRONMENTS)?, self.place(KERNELS)?);
        let apart = !environments.is_with(&kernels)?;
        Ok(FreeSpace {
            environments: environments.free_space()?,
            kernels: apart.then(|| kernels.free_space()).transpose()?,
        })
    }

    /// One of its directories; where that is missing, it would be made in the system's own.
    fn place(&self, name: &str) -> Result<Dir, SystemError> {
        match self.root.open_dir(name) {
            Err(error) if error.is_not_found() => Ok(self.root.try_clone()?),
            found => Ok(found?),
        }
    }
}
