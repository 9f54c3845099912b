//! Which system calls change something, read from the registers of a stopped thread.

use nix::libc::{self, c_long, user_regs_struct};

/// A call that changes a file, a directory, or what is safe on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its name as `strace` prints it.
    pub name: &'static str,
    /// Register that holds how many bytes to write, if it writes.
    pub length: Option<Register>,
}

/// A register that carries an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Register {
    /// The third argument.
    Third,
    /// The fourth argument.
    Fourth,
    /// The fifth argument.
    Fifth,
}

/// When a call of this number counts.
enum When {
    Always,
    /// The second argument has one of [`CREATING`] set.
    OpenFlags,
    /// The third argument has.
    OpenAtFlags,
    /// The first word of what the third argument points to has.
    OpenHow,
    /// The second argument asks to share blocks, or for a subvolume to come, go or change.
    Changing,
}

/// Flags of `open` that change a directory or a file.
const CREATING: u64 = flags(libc::O_CREAT) | flags(libc::O_TRUNC) | TEMPORARY;
/// `O_TMPFILE` without `O_DIRECTORY`, which it includes.
const TEMPORARY: u64 = flags(libc::O_TMPFILE & !libc::O_DIRECTORY);
/// `FICLONE` and `FICLONERANGE`, and of btrfs `SUBVOL_CREATE_V2`, `SNAP_CREATE_V2`, `SNAP_DESTROY`,
/// `SNAP_DESTROY_V2`, `SUBVOL_SETFLAGS`, `DEFAULT_SUBVOL`, `SYNC`, `START_SYNC` and `WAIT_SYNC`.
const CHANGES: [u64; 11] = [
    0x4004_9409,
    0x4020_940d,
    0x5000_9418,
    0x5000_9417,
    0x5000_940f,
    0x5000_943f,
    0x4008_941a,
    0x4008_9413,
    0x9408,
    0x8008_9418,
    0x4008_9416,
];

const fn flags(flags: libc::c_int) -> u64 {
    flags.cast_unsigned() as u64
}

const CALLS: &[(c_long, &str, When, Option<Register>)] = &[
    (libc::SYS_open, "open", When::OpenFlags, None),
    (libc::SYS_creat, "creat", When::Always, None),
    (libc::SYS_openat, "openat", When::OpenAtFlags, None),
    (libc::SYS_openat2, "openat2", When::OpenHow, None),
    (
        libc::SYS_write,
        "write",
        When::Always,
        Some(Register::Third),
    ),
    (
        libc::SYS_pwrite64,
        "pwrite64",
        When::Always,
        Some(Register::Third),
    ),
    (libc::SYS_writev, "writev", When::Always, None),
    (libc::SYS_pwritev, "pwritev", When::Always, None),
    (libc::SYS_pwritev2, "pwritev2", When::Always, None),
    (
        libc::SYS_copy_file_range,
        "copy_file_range",
        When::Always,
        Some(Register::Fifth),
    ),
    (
        libc::SYS_sendfile,
        "sendfile",
        When::Always,
        Some(Register::Fourth),
    ),
    (
        libc::SYS_splice,
        "splice",
        When::Always,
        Some(Register::Fifth),
    ),
    (libc::SYS_ioctl, "ioctl", When::Changing, None),
    (libc::SYS_fallocate, "fallocate", When::Always, None),
    (libc::SYS_truncate, "truncate", When::Always, None),
    (libc::SYS_ftruncate, "ftruncate", When::Always, None),
    (libc::SYS_fsync, "fsync", When::Always, None),
    (libc::SYS_fdatasync, "fdatasync", When::Always, None),
    (libc::SYS_syncfs, "syncfs", When::Always, None),
    (
        libc::SYS_sync_file_range,
        "sync_file_range",
        When::Always,
        None,
    ),
    (libc::SYS_rename, "rename", When::Always, None),
    (libc::SYS_renameat, "renameat", When::Always, None),
    (libc::SYS_renameat2, "renameat2", When::Always, None),
    (libc::SYS_link, "link", When::Always, None),
    (libc::SYS_linkat, "linkat", When::Always, None),
    (libc::SYS_symlink, "symlink", When::Always, None),
    (libc::SYS_symlinkat, "symlinkat", When::Always, None),
    (libc::SYS_unlink, "unlink", When::Always, None),
    (libc::SYS_unlinkat, "unlinkat", When::Always, None),
    (libc::SYS_rmdir, "rmdir", When::Always, None),
    (libc::SYS_mkdir, "mkdir", When::Always, None),
    (libc::SYS_mkdirat, "mkdirat", When::Always, None),
    (libc::SYS_mknodat, "mknodat", When::Always, None),
    (libc::SYS_chmod, "chmod", When::Always, None),
    (libc::SYS_fchmod, "fchmod", When::Always, None),
    (libc::SYS_fchmodat, "fchmodat", When::Always, None),
    (libc::SYS_chown, "chown", When::Always, None),
    (libc::SYS_fchown, "fchown", When::Always, None),
    (libc::SYS_fchownat, "fchownat", When::Always, None),
    (libc::SYS_utimensat, "utimensat", When::Always, None),
    (libc::SYS_fchmodat2, "fchmodat2", When::Always, None),
    (libc::SYS_lchown, "lchown", When::Always, None),
    (libc::SYS_mknod, "mknod", When::Always, None),
    (libc::SYS_setxattr, "setxattr", When::Always, None),
    (libc::SYS_lsetxattr, "lsetxattr", When::Always, None),
    (libc::SYS_fsetxattr, "fsetxattr", When::Always, None),
    (libc::SYS_removexattr, "removexattr", When::Always, None),
    (libc::SYS_lremovexattr, "lremovexattr", When::Always, None),
    (libc::SYS_fremovexattr, "fremovexattr", When::Always, None),
];

/// The changing call that a thread is about to make; `word` reads its memory.
pub fn changing(registers: &user_regs_struct, word: impl Fn(u64) -> u64) -> Option<Call> {
    let number = c_long::try_from(registers.orig_rax).ok()?;
    let (_, name, when, length) = CALLS.iter().find(|(known, ..)| *known == number)?;
    let changes = match when {
        When::Always => true,
        When::OpenFlags => registers.rsi & CREATING != 0,
        When::OpenAtFlags => registers.rdx & CREATING != 0,
        When::OpenHow => word(registers.rdx) & CREATING != 0,
        When::Changing => CHANGES.contains(&registers.rsi),
    };
    changes.then_some(Call {
        name,
        length: *length,
    })
}

impl Register {
    /// What the register holds.
    pub fn read(self, registers: &user_regs_struct) -> u64 {
        match self {
            Self::Third => registers.rdx,
            Self::Fourth => registers.r10,
            Self::Fifth => registers.r8,
        }
    }

    /// Puts `value` there.
    pub fn write(self, registers: &mut user_regs_struct, value: u64) {
        match self {
            Self::Third => registers.rdx = value,
            Self::Fourth => registers.r10 = value,
            Self::Fifth => registers.r8 = value,
        }
    }
}
