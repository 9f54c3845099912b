use std::path::Path;

use rustix::fs::{FileType, Mode};

use super::error::errno;
use super::{Dir, FsError};

impl Dir {
    /// Creates a named pipe; fails if the name exists.
    pub fn create_fifo(&self, name: impl AsRef<Path>, mode: u32) -> Result<(), FsError> {
        self.create_node(name.as_ref(), FileType::Fifo, mode, 0, "create FIFO")
    }

    /// Creates a device node for `major`, `minor`; fails if the name exists.
    pub fn create_device(
        &self,
        name: impl AsRef<Path>,
        block: bool,
        mode: u32,
        (major, minor): (u32, u32),
    ) -> Result<(), FsError> {
        let kind = if block {
            FileType::BlockDevice
        } else {
            FileType::CharacterDevice
        };
        let device = rustix::fs::makedev(major, minor);
        self.create_node(name.as_ref(), kind, mode, device, "create device")
    }

    /// Creates a socket that nobody listens on; fails if the name exists.
    pub fn create_socket(&self, name: impl AsRef<Path>, mode: u32) -> Result<(), FsError> {
        self.create_node(name.as_ref(), FileType::Socket, mode, 0, "create socket")
    }

    fn create_node(
        &self,
        name: &Path,
        kind: FileType,
        mode: u32,
        device: rustix::fs::Dev,
        operation: &'static str,
    ) -> Result<(), FsError> {
        let (parent, last) = self.parent_of(name)?;
        let mode = Mode::from_raw_mode(mode);
        rustix::fs::mknodat(parent.fd(self), &last, kind, mode, device)
            .map_err(errno(operation, self.path().join(name)))
    }
}
