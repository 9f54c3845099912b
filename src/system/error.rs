use std::path::PathBuf;

use super::EnvName;
use crate::fsio::{FsError, shell_word};
use crate::progress::Holder;

/// A system, or one of its boot environments, that cannot be worked on as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// There is no system at this place.
    #[error("{} holds no system: {} is missing", root.display(), super::layout::STATE)]
    Missing {
        /// The place.
        root: PathBuf,
    },
    /// The directory that should become a system has something else in it.
    #[error("{} is not empty: it has {found:?}", root.display())]
    NotEmpty {
        /// The directory.
        root: PathBuf,
        /// A name in it.
        found: String,
    },
    /// A file of the system was made by a newer version of this program.
    #[error("{} has schema {found}: this program knows schema {supported}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The one that is known.
        supported: u32,
    },
    /// A file of the system does not say what it should.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Somebody else changes the system.
    #[error("{} is in use by {holder}; waited {waited_ms} ms", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as far as can be told.
        holder: Holder,
        /// How long it was waited for, in milliseconds.
        waited_ms: u128,
    },
    /// A new environment would have the name of one that is there.
    #[error("there is a boot environment {name} already")]
    Exists {
        /// The name.
        name: EnvName,
    },
    /// Something was begun under this name and neither finished nor discarded.
    #[error("boot environment {name} was begun and is not finished")]
    Unfinished {
        /// The name.
        name: EnvName,
    },
    /// No environment has this name.
    #[error("there is no boot environment {name}")]
    Unknown {
        /// The name.
        name: EnvName,
    },
    /// The environment has no loader entry, so it cannot be booted.
    #[error("boot environment {name} has no loader entry")]
    NoEntry {
        /// The name.
        name: EnvName,
    },
    /// No kernel was kept from before this environment.
    #[error("boot environment {name} has no old kernel to boot")]
    NoOldKernel {
        /// The name.
        name: EnvName,
    },
    /// A kernel has a name that is not fit for a boot loader.
    #[error(
        "kernel {}: expected a name of 1 to 64 of A-Z a-z 0-9 . _ -, that of its RAM disk included", path.display()
    )]
    KernelName {
        /// The file.
        path: PathBuf,
    },
    /// The environment is needed, so it stays.
    #[error("boot environment {name} is needed: {}", why.join("; "))]
    Needed {
        /// The name.
        name: EnvName,
        /// What for.
        why: Vec<String>,
    },
    /// The environment is mounted there, or something is mounted in it.
    #[error("something is mounted on {}", at.display())]
    Mounted {
        /// Where.
        at: PathBuf,
    },
    /// It is not known which environment runs.
    #[error("it is not known which boot environment of {} runs", root.display())]
    NothingRuns {
        /// The directory of the system.
        root: PathBuf,
    },
    /// There is no environment that may be booted.
    #[error("no boot environment may be booted: no entry is good or has tries left")]
    NothingToBoot,
    /// A number of tries that makes no sense.
    #[error("{found} tries: expected 1 to {limit}", limit = super::MAX_TRIES)]
    Tries {
        /// The number.
        found: u32,
    },
    /// The file system cannot do what the kind of storage needs.
    #[error("{} is not on btrfs, so it holds no subvolumes", path.display())]
    NotBtrfs {
        /// The directory.
        path: PathBuf,
    },
    /// A file operation failed.
    #[error("the system's files")]
    Files(#[from] FsError),
    /// The caller wanted the work to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl SystemError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "E_NO_SYSTEM",
            Self::NotEmpty { .. } => "E_NOT_EMPTY",
            Self::Newer { .. } => "E_SYSTEM_NEWER",
            Self::Damaged { .. } => "E_SYSTEM_DAMAGED",
            Self::Locked { .. } => "E_LOCKED",
            Self::Exists { .. } => "E_ENVIRONMENT_EXISTS",
            Self::Unfinished { .. } => "E_ENVIRONMENT_UNFINISHED",
            Self::Unknown { .. } => "E_ENVIRONMENT_UNKNOWN",
            Self::NoEntry { .. } => "E_NO_ENTRY",
            Self::NoOldKernel { .. } => "E_NO_OLD_KERNEL",
            Self::KernelName { .. } => "E_KERNEL_NAME",
            Self::Needed { .. } => "E_ENVIRONMENT_NEEDED",
            Self::Mounted { .. } => "E_ENVIRONMENT_MOUNTED",
            Self::NothingRuns { .. } => "E_NOTHING_RUNS",
            Self::NothingToBoot => "E_NOTHING_TO_BOOT",
            Self::Tries { .. } => "E_TRIES",
            Self::NotBtrfs { .. } => "E_NOT_BTRFS",
            Self::Files(source) if source.is_full() => "E_NO_SPACE",
            Self::Files(source) => source.code(),
            Self::Cancelled => "E_CANCELLED",
        }
    }

    /// Whether a file is missing that was there a moment ago.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Files(source) if source.is_not_found())
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { root } => format!(
                "`isi upgrade start --root {}` makes one of an empty directory, `isi upgrade bootenv create \
                 NAME --from-root /` begins with what was installed by hand",
                shell_word(root)
            ),
            Self::NotEmpty { .. } => "name an empty directory, or one that does not exist".into(),
            Self::Newer { .. } => {
                "use the version of this program that made it, or a later one".into()
            }
            Self::Damaged { .. } => "put it back from a backup; nothing was changed".into(),
            Self::Locked { .. } => "try again when it has finished".into(),
            Self::Exists { .. } => "choose another name; nothing was changed".into(),
            Self::Unfinished { name } => {
                format!("`isi upgrade bootenv destroy {name}` removes what is left of it")
            }
            Self::Unknown { .. } => "`isi upgrade bootenv list` shows the names".into(),
            Self::NoEntry { name } => format!("`isi upgrade bootenv activate {name}` makes one"),
            Self::NoOldKernel { .. } => {
                "`isi upgrade start --keep-old-kernel` keeps one; this environment boots with its own"
                    .into()
            }
            Self::KernelName { .. } => "name a copy or a link with a name that fits".into(),
            Self::Needed { .. } => {
                "activate another one first, or commit or roll back the upgrade".into()
            }
            Self::Mounted { at } => format!("`umount {}`", shell_word(at)),
            Self::NothingRuns { .. } => {
                "name one; `isi upgrade bootenv list` shows the names".into()
            }
            Self::NothingToBoot => {
                "`isi upgrade bootenv activate NAME` gives an environment new tries".into()
            }
            Self::NotBtrfs { .. } => "use the other kind of storage: dir".into(),
            Self::Files(source) if source.is_full() => "free some space, then try again".into(),
            Self::Files(source) => return source.hint(),
            Self::Tries { .. } | Self::Cancelled => return None,
        })
    }
}
