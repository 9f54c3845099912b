use std::io;
use std::path::{Path, PathBuf};

/// A file operation that did not work, with its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FsError {
    /// The system refused the operation.
    #[error("cannot {operation} {}", path.display())]
    System {
        /// What was attempted, as in "cannot ...".
        operation: &'static str,
        /// What it was attempted on.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The path names a directory, FIFO, socket or device where a regular file is needed.
    #[error("{} is {found}: expected a regular file", path.display())]
    NotRegular {
        /// The path as given.
        path: PathBuf,
        /// What it is instead, with its article.
        found: &'static str,
    },
    /// The name is not one plain component or a relative path of such.
    #[error("{name:?} is not a name that may be used below {}", directory.display())]
    UnsafeName {
        /// The directory it should have been looked up in.
        directory: PathBuf,
        /// The name as found.
        name: PathBuf,
    },
    /// The name is, or leads through, a symbolic link where none may be.
    #[error("{} is reached through a symbolic link: expected none", path.display())]
    SymbolicLink {
        /// The path as looked up.
        path: PathBuf,
    },
    /// The file or directory belongs to another user.
    #[error("{} belongs to user {owner}: expected user {user}, who runs this", path.display())]
    NotOwned {
        /// The path.
        path: PathBuf,
        /// User ID of its owner.
        owner: u32,
        /// Effective user ID of the process.
        user: u32,
    },
    /// The file or directory belongs neither to root nor to the user who relies on it.
    #[error("{} belongs to user {owner}: expected {}", path.display(), trusted_owners(*user))]
    ForeignOwner {
        /// The path.
        path: PathBuf,
        /// User ID of its owner.
        owner: u32,
        /// Effective user ID of the process.
        user: u32,
    },
    /// Users other than the owner may write to the file or directory.
    #[error("{} has mode {mode:04o}: expected no write permission for group and others", path.display())]
    WritableByOthers {
        /// The path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is longer than the caller can accept.
    #[error("{} has more than {limit} bytes", path.display())]
    TooLarge {
        /// The path as given.
        path: PathBuf,
        /// The most that would have been accepted, in bytes.
        limit: u64,
    },
    /// The directory has something in it.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// The path as given.
        path: PathBuf,
    },
    /// A program cannot be run below this root: it is started by its place in `/proc`.
    #[error("{} has no directory proc: programs below it are started through that", root.display())]
    NoProc {
        /// The root.
        root: PathBuf,
    },
    /// The output exists and may not be replaced.
    #[error("{} already exists", path.display())]
    Exists {
        /// The path as given.
        path: PathBuf,
    },
}

impl FsError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::System { .. } => "E_IO",
            Self::NotRegular { .. } => "E_NOT_REGULAR",
            Self::UnsafeName { .. } | Self::SymbolicLink { .. } => "E_UNSAFE_PATH",
            Self::NotOwned { .. } | Self::ForeignOwner { .. } => "E_NOT_OWNER",
            Self::WritableByOthers { .. } => "E_WRITABLE_BY_OTHERS",
            Self::TooLarge { .. } => "E_TOO_LARGE",
            Self::NotEmpty { .. } => "E_NOT_EMPTY",
            Self::NoProc { .. } => "E_NO_PROC",
            Self::Exists { .. } => "E_EXISTS",
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotOwned { path, user, .. } => Some(format!(
                "run as its owner, or `chown {user} {}` if you know why it is not yours",
                shell_word(path)
            )),
            Self::ForeignOwner { path, user, .. } => Some(format!(
                "look at what it says, then `chown {user} {}`",
                shell_word(path)
            )),
            Self::WritableByOthers { path, .. } => {
                Some(format!("`chmod go-w {}`", shell_word(path)))
            }
            Self::NoProc { .. } => Some(
                "its vendor has to build the image with a directory proc in it, which may be empty"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// Wraps a system error; use with `map_err`.
    pub fn system(
        operation: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::System {
            operation,
            path,
            source,
        }
    }

    /// Whether the file system had no room, or the user's share of it is used up.
    pub fn is_full(&self) -> bool {
        let full = |kind| {
            matches!(
                kind,
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            )
        };
        matches!(self, Self::System { source, .. } if full(source.kind()))
    }

    /// Whether the file system is mounted for reading only.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem)
    }

    /// Whether another file system is mounted there, or on the way, where none may be.
    pub fn is_mount_point(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == io::ErrorKind::CrossesDevices)
    }

    /// Whether a name on the way is there, but no directory.
    pub fn is_not_a_directory(&self) -> bool {
        match self {
            Self::System { source, .. } => source.kind() == io::ErrorKind::NotADirectory,
            Self::SymbolicLink { .. } => true,
            _ => false,
        }
    }

    /// Whether the system denied what was attempted.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// Whether the name to create is taken.
    pub fn is_exists(&self) -> bool {
        match self {
            Self::System { source, .. } => source.kind() == io::ErrorKind::AlreadyExists,
            Self::Exists { .. } => true,
            _ => false,
        }
    }

    /// Whether the path does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether something on the way to the path is a symbolic link, or anything else but a directory.
    pub fn is_not_below_directory(&self) -> bool {
        match self {
            Self::System { source, .. } => source.kind() == io::ErrorKind::NotADirectory,
            Self::SymbolicLink { .. } => true,
            _ => false,
        }
    }
}

/// Who may own what is relied on.
pub fn trusted_owners(user: u32) -> String {
    match user {
        0 => "root".to_owned(),
        user => format!("root or user {user}, who runs this"),
    }
}

/// A path the way a shell takes it for one word.
pub fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:,@%".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// As [`FsError::system`], for the error type of the system-call crate.
pub(super) fn errno(
    operation: &'static str,
    path: impl AsRef<Path>,
) -> impl FnOnce(rustix::io::Errno) -> FsError {
    let wrap = FsError::system(operation, path);
    move |errno| wrap(errno.into())
}

/// An error with its causes in one line, for places that hold no more than a sentence.
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_can_be_pasted() {
        for (path, word) in [
            ("/etc/isi/trust/a.pem", "/etc/isi/trust/a.pem"),
            ("my trust", "'my trust'"),
            ("it's", r"'it'\''s'"),
            ("$(id)", "'$(id)'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(Path::new(path)), word);
        }
    }

    #[test]
    fn the_owners_that_are_accepted_are_named() {
        let error = |user| FsError::ForeignOwner {
            path: "f".into(),
            owner: 7,
            user,
        };
        assert_eq!(error(0).to_string(), "f belongs to user 7: expected root");
        let of_user = error(1000).to_string();
        assert!(
            of_user.ends_with("root or user 1000, who runs this"),
            "{of_user}"
        );
        assert!(error(0).hint().unwrap().contains("`chown 0 f`"));
    }
}
