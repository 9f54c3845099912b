//! Who may change what is relied on.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Stat};

use super::error::errno;
use super::{Dir, FsError};

/// Refuses an open file or directory that anybody but root and the caller may change.
///
/// For what the caller's decisions rest on and root may have put there: configuration and trust.
pub fn expect_trusted(file: impl AsFd, path: &Path) -> Result<(), FsError> {
    let stat = rustix::fs::fstat(file).map_err(errno("examine", path))?;
    let (owner, user) = (stat.st_uid, rustix::process::geteuid().as_raw());
    if owner != 0 && owner != user {
        let path = path.to_owned();
        return Err(FsError::ForeignOwner { path, owner, user });
    }
    expect_unwritable(&stat, path)
}

impl Dir {
    /// Refuses the directory if it is another user's or others may write to it.
    pub fn expect_private(&self) -> Result<(), FsError> {
        expect_private(&self.stat()?, self.path())
    }

    /// As [`Dir::expect_private`], for a name in this directory; a link is not followed.
    pub fn expect_private_entry(&self, name: impl AsRef<Path>) -> Result<(), FsError> {
        let (parent, last) = self.parent_of(name.as_ref())?;
        let path = self.path().join(name.as_ref());
        let stat = rustix::fs::statat(parent.fd(self), &last, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(errno("examine", &path))?;
        expect_private(&stat, &path)
    }
}

fn expect_private(stat: &Stat, path: &Path) -> Result<(), FsError> {
    let (owner, user) = (stat.st_uid, rustix::process::geteuid().as_raw());
    if owner != user {
        let path = path.to_owned();
        return Err(FsError::NotOwned { path, owner, user });
    }
    expect_unwritable(stat, path)
}

/// Refuses what anybody but its owner may write to.
fn expect_unwritable(stat: &Stat, path: &Path) -> Result<(), FsError> {
    let mode = stat.st_mode & 0o7777;
    if mode & 0o022 == 0 {
        Ok(())
    } else {
        let path = path.to_owned();
        Err(FsError::WritableByOthers { path, mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_may_write_is_not_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let dir = Dir::open(home.path()).unwrap();
        dir.create_file("file", 0o600).unwrap();
        dir.expect_private().unwrap();
        for (mode, code) in [
            (0o644, None),
            (0o620, Some("E_WRITABLE_BY_OTHERS")),
            (0o602, Some("E_WRITABLE_BY_OTHERS")),
        ] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(home.path().join("file"), permissions).unwrap();
            let refused = dir.expect_private_entry("file").err();
            assert_eq!(refused.as_ref().map(FsError::code), code, "{mode:o}");
            let hint = refused.and_then(|error| error.hint());
            assert_eq!(
                hint.is_some_and(|hint| hint.contains("chmod go-w /")),
                code.is_some()
            );
        }
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(home.path().join("file"), Some(1), None).unwrap();
            let refused = dir.expect_private_entry("file").unwrap_err();
            assert_eq!(refused.code(), "E_NOT_OWNER");
        }
    }
}
