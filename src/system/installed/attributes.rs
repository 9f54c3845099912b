//! What differs besides contents.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::finding::{Aspect, Difference};
use super::{Expected, Restored};
use crate::digest::Sha256Digest;
use crate::fsio::{Attributes, Status};
use crate::payload::{FileEntry, FileKind};

/// Names and values of extended attributes.
pub(super) type Xattrs = Vec<(OsString, Vec<u8>)>;

impl Restored {
    /// The permissions that were given to `entry`.
    pub(super) fn mode(self, entry: &FileEntry) -> u32 {
        entry.mode & if self.special_bits { 0o7777 } else { 0o777 }
    }

    /// What is set when `entry` is put in place.
    pub(super) fn attributes<'a>(
        self,
        entry: &FileEntry,
        xattrs: &'a [(&'a OsStr, &'a [u8])],
    ) -> Attributes<'a> {
        let is_link = matches!(entry.kind, FileKind::Symlink { .. });
        Attributes {
            owner: self.owners.then_some((entry.uid, entry.gid)),
            mode: (!is_link).then(|| self.mode(entry)),
            xattrs,
            mtime: Some((entry.mtime.seconds, entry.mtime.nanoseconds)),
        }
    }

    /// The extended attributes that were given to `entry`.
    pub(super) fn xattrs(self, entry: &FileEntry) -> Vec<(&OsStr, &[u8])> {
        if !self.xattrs {
            return Vec::new();
        }
        let pairs = entry.xattrs.iter();
        pairs
            .map(|xattr| (xattr.name.as_os_str(), xattr.value.as_slice()))
            .collect()
    }
}

/// Compares mode, owner and time.
///
/// The time is one of contents: that of a directory changes with every name in it, and nothing reads that
/// of a link or a device. What belongs to the machine has its own.
pub(super) fn status(
    expected: &Expected<'_>,
    entry: &FileEntry,
    status: &Status,
    found: &mut Vec<Difference>,
) {
    let restored = expected.restored;
    let mode = restored.mode(entry);
    if status.mode != mode && !matches!(entry.kind, FileKind::Symlink { .. }) {
        let text = |mode: u32| format!("{mode:04o}");
        found.push(difference(Aspect::Mode, text(mode), text(status.mode)));
    }
    let owner = (entry.uid, entry.gid);
    if restored.owners && (status.uid, status.gid) != owner {
        let text = |(uid, gid): (u32, u32)| format!("{uid}:{gid}");
        let seen = text((status.uid, status.gid));
        found.push(difference(Aspect::Owner, text(owner), seen));
    }
    let is_file = matches!(entry.kind, FileKind::Regular { .. });
    if is_file && !expected.local.owns(&entry.path) {
        time(entry, status, found);
    }
}

fn time(entry: &FileEntry, status: &Status, found: &mut Vec<Difference>) {
    let (seconds, nanoseconds) = status.mtime;
    // Some file systems keep whole seconds only.
    let same = seconds == entry.mtime.seconds
        && (nanoseconds == entry.mtime.nanoseconds || nanoseconds == 0);
    if !same {
        let text = |seconds: i64, nanoseconds: u32| {
            jiff::Timestamp::new(seconds, i32::try_from(nanoseconds).unwrap_or(0))
                .map_or_else(|_| format!("second {seconds}"), |time| time.to_string())
        };
        let expected = text(entry.mtime.seconds, entry.mtime.nanoseconds);
        found.push(difference(
            Aspect::Time,
            expected,
            text(seconds, nanoseconds),
        ));
    }
}

/// Compares extended attributes; gives the names of those that should not be there.
///
/// Those of name spaces that no package has are the system's own and not looked at.
pub(super) fn xattrs(
    entry: &FileEntry,
    present: &Xattrs,
    found: &mut Vec<Difference>,
) -> Vec<OsString> {
    for wanted in &entry.xattrs {
        let value = present.iter().find(|(name, _)| *name == wanted.name);
        let value = value.map(|(_, value)| value);
        if value != Some(&wanted.value) {
            let seen = value.map_or_else(|| "none".to_owned(), |value| shown(&wanted.name, value));
            let expected = shown(&wanted.name, &wanted.value);
            found.push(difference(Aspect::Xattr, expected, seen));
        }
    }
    let is_wanted = |name: &OsStr| entry.xattrs.iter().any(|wanted| wanted.name == name);
    let surplus = present.iter();
    let surplus = surplus.filter(|(name, _)| is_compared(name) && !is_wanted(name));
    let mut names = Vec::new();
    for (name, value) in surplus {
        found.push(difference(
            Aspect::Xattr,
            "none".to_owned(),
            shown(name, value),
        ));
        names.push(name.clone());
    }
    names
}

/// Whether an attribute gives rights, or is one that packages have.
fn is_compared(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name == b"security.capability"
        || name.starts_with(b"system.posix_acl_")
        // Those are the marks of a file system that lies over others.
        || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay."))
}

/// An attribute in few words: a value may be long, and may be no text.
fn shown(name: &OsStr, value: &[u8]) -> String {
    let digest = Sha256Digest::of(value).to_string();
    let digits: String = digest.chars().take(12).collect();
    format!(
        "{} ({} bytes, SHA-256 {digits})",
        name.to_string_lossy().escape_debug(),
        value.len()
    )
}

pub(super) fn difference(aspect: Aspect, expected: String, found: String) -> Difference {
    Difference {
        aspect,
        expected,
        found,
    }
}
