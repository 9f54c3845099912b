//! Subvolumes of btrfs: the three calls of the kernel that the `rustix` crate does not offer, each behind a
//! safe function.

#![allow(
    unsafe_code,
    reason = "an ioctl takes a pointer to a structure that only the kernel's headers describe"
)]

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::Path;

use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, ioctl, opcode};

use super::error::errno;
use super::{Dir, FsError};

/// `struct btrfs_ioctl_vol_args` of `linux/btrfs.h`.
#[repr(C)]
struct VolumeArguments {
    /// The subvolume that a snapshot is taken of.
    fd: i64,
    /// A name in the directory that the call is made on; ends with a NUL.
    name: [u8; PATH_NAME_MAX + 1],
}

/// `BTRFS_PATH_NAME_MAX`.
const PATH_NAME_MAX: usize = 4087;
/// `BTRFS_VOL_NAME_MAX`, the most that the kernel takes of a name.
const NAME_MAX: usize = 255;
/// `BTRFS_IOCTL_MAGIC`.
const MAGIC: u8 = 0x94;
/// `BTRFS_IOC_SNAP_CREATE`.
const SNAPSHOT: Opcode = opcode::write::<VolumeArguments>(MAGIC, 1);
/// `BTRFS_IOC_SUBVOL_CREATE`.
const CREATE: Opcode = opcode::write::<VolumeArguments>(MAGIC, 14);
/// `BTRFS_IOC_SNAP_DESTROY`.
const DESTROY: Opcode = opcode::write::<VolumeArguments>(MAGIC, 15);
/// `BTRFS_FIRST_FREE_OBJECTID`: the number of the root directory of every subvolume.
const ROOT_INODE: u64 = 256;

impl Dir {
    /// Creates an empty subvolume; `false` where the file system has none. Fails if the name exists.
    pub fn create_subvolume(&self, name: &str) -> Result<bool, FsError> {
        match self.call::<CREATE>(name, 0) {
            Ok(()) => Ok(true),
            Err(Errno::NOTTY | Errno::OPNOTSUPP) => Ok(false),
            Err(error) => Err(errno("create subvolume", self.path().join(name))(error)),
        }
    }

    /// Creates a subvolume with everything that is in the subvolume `of`, sharing all blocks.
    ///
    /// Subvolumes below `of` are empty directories in it. Fails if the name exists.
    pub fn snapshot_subvolume(&self, of: &Self, name: &str) -> Result<(), FsError> {
        let source = i64::from(of.as_fd().as_raw_fd());
        self.call::<SNAPSHOT>(name, source)
            .map_err(errno("create snapshot", self.path().join(name)))
    }

    /// Removes a subvolume in one step; `false` if it has other subvolumes in it, and then nothing is removed.
    pub fn remove_subvolume(&self, name: &str) -> Result<bool, FsError> {
        match self.call::<DESTROY>(name, 0) {
            Ok(()) => Ok(true),
            Err(Errno::NOTEMPTY) => Ok(false),
            Err(error) => Err(errno("remove subvolume", self.path().join(name))(error)),
        }
    }

    /// Whether a directory of a btrfs is the root of a subvolume; meaningless elsewhere.
    pub fn is_subvolume(&self) -> Result<bool, FsError> {
        Ok(self.own_status()?.inode == ROOT_INODE)
    }

    /// Makes the call for a name in this directory, one component.
    fn call<const CALL: Opcode>(&self, name: &str, fd: i64) -> Result<(), Errno> {
        let is_plain = Path::new(name).file_name() == Some(name.as_ref());
        let bytes = name.as_bytes();
        let mut arguments = VolumeArguments {
            fd,
            name: [0; PATH_NAME_MAX + 1],
        };
        match arguments.name.get_mut(..bytes.len()) {
            Some(room) if is_plain && bytes.len() <= NAME_MAX && !bytes.contains(&0) => {
                room.copy_from_slice(bytes);
            }
            _ => return Err(Errno::INVAL),
        }
        // SAFETY: the number of each call is made of its structure, which is laid out as the kernel's and
        // outlives the call; the kernel only reads it, and the name in it ends with a NUL.
        unsafe { ioctl(self, Setter::<CALL, VolumeArguments>::new(arguments)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_are_those_of_the_kernel() {
        // As `linux/btrfs.h` has them on machines whose direction bits are the usual ones.
        if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
            let expected = [0x5000_9401, 0x5000_940E, 0x5000_940F];
            assert_eq!([SNAPSHOT, CREATE, DESTROY], expected);
        }
        assert_eq!(size_of::<VolumeArguments>(), 4096);
    }

    #[test]
    fn elsewhere_there_are_no_subvolumes_and_names_are_plain() {
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        let long = "x".repeat(NAME_MAX + 1);
        for name in ["", "..", "a/b", "/a", "a\0b", &long] {
            assert!(dir.create_subvolume(name).is_err(), "{name:?}");
            assert!(dir.remove_subvolume(name).is_err(), "{name:?}");
        }
    }
}
