//! What an image may bring that gives rights: device nodes, set-user-ID programs, file capabilities.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::payload::lists::SkipList;
use crate::payload::{EntryPath, FileEntry, FileKind, FileTable};

/// Where device nodes may be unless the administrator says otherwise.
const DEVICES: [&str; 1] = ["dev/**"];
/// Where programs with rights of their own may be unless the administrator says otherwise.
const PRIVILEGED: [&str; 8] = [
    "bin/**",
    "lib/**",
    "lib32/**",
    "lib64/**",
    "libexec/**",
    "opt/**",
    "sbin/**",
    "usr/**",
];

/// Where an image may have what gives rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsPolicy {
    /// Where device nodes may be.
    pub devices: SkipList,
    /// Where files may be set-user-ID or set-group-ID, or have capabilities.
    pub privileged: SkipList,
}

/// Something in an image that gives rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightAt {
    /// Where it is.
    pub path: EntryPath,
    /// What it is.
    pub right: Right,
}

/// What gives rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// A device node.
    Device,
    /// A program that runs as its owner.
    SetUser,
    /// A program that runs with its group.
    SetGroup,
    /// A program with capabilities.
    Capabilities,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Device => "a device node",
            Self::SetUser => "set-user-ID",
            Self::SetGroup => "set-group-ID",
            Self::Capabilities => "a program with capabilities",
        })
    }
}

impl Default for RightsPolicy {
    fn default() -> Self {
        let list = |patterns: &[&str]| {
            let patterns = patterns.iter();
            patterns
                .filter_map(|pattern| pattern.parse().ok())
                .collect()
        };
        Self {
            devices: list(&DEVICES),
            privileged: list(&PRIVILEGED),
        }
    }
}

impl RightsPolicy {
    /// What of `found` this does not allow.
    pub fn refused<'a>(&'a self, found: &'a [RightAt]) -> impl Iterator<Item = &'a RightAt> {
        found.iter().filter(|found| {
            let allowed = if found.right == Right::Device {
                &self.devices
            } else {
                &self.privileged
            };
            !allowed.matches(found.path.as_bytes())
        })
    }
}

/// Everything in an image that gives rights, in the order of the paths; each name of a file counts.
///
/// Directories may be set-group-ID: that gives rights to nobody.
pub fn rights_in(image: &FileTable) -> Vec<RightAt> {
    let entries = image.entries().iter();
    let found = entries.filter_map(|entry| {
        let path = entry.path.clone();
        right_of(entry, image).map(|right| RightAt { path, right })
    });
    found.collect()
}

fn right_of(entry: &FileEntry, image: &FileTable) -> Option<Right> {
    match &entry.kind {
        FileKind::CharacterDevice(_) | FileKind::BlockDevice(_) => Some(Right::Device),
        FileKind::Regular { .. } | FileKind::HardLink { .. } => {
            let file = match &entry.kind {
                FileKind::HardLink { target } => {
                    let number = image.find(target.as_bytes())?;
                    image.entries().get(number)?
                }
                _ => entry,
            };
            let capable = file
                .xattrs
                .iter()
                .any(|xattr| xattr.name == "security.capability");
            match file.mode {
                mode if mode & 0o4000 != 0 => Some(Right::SetUser),
                // Without the right to execute, it means mandatory locking.
                mode if mode & 0o2010 == 0o2010 => Some(Right::SetGroup),
                _ => capable.then_some(Right::Capabilities),
            }
        }
        FileKind::Directory | FileKind::Symlink { .. } | FileKind::Fifo => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;
    use crate::payload::{DeviceNumber, Mtime, Xattr};

    fn table(entries: &[(&str, u32, FileKind)]) -> FileTable {
        let entry = |(path, mode, kind): &(&str, u32, FileKind)| FileEntry {
            path: EntryPath::new(path.as_bytes()).unwrap(),
            kind: kind.clone(),
            mode: *mode,
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            xattrs: if path.ends_with("capable") {
                let (name, value) = ("security.capability".into(), vec![1]);
                vec![Xattr { name, value }]
            } else {
                Vec::new()
            },
        };
        FileTable::new(entries.iter().map(entry).collect()).unwrap()
    }

    fn file() -> FileKind {
        let (size, sha256) = (0, Sha256Digest::of(b""));
        FileKind::Regular { size, sha256 }
    }

    fn refused(policy: &RightsPolicy, table: &FileTable) -> Vec<String> {
        let found = rights_in(table);
        let refused = policy.refused(&found);
        refused
            .map(|found| format!("{} {}", found.path, found.right))
            .collect()
    }

    #[test]
    fn programs_with_rights_stay_where_programs_are() {
        let link = FileKind::HardLink {
            target: EntryPath::new(b"bin/su").unwrap(),
        };
        let null = FileKind::CharacterDevice(DeviceNumber { major: 1, minor: 3 });
        let table = table(&[
            ("bin", 0o2755, FileKind::Directory),
            ("bin/capable", 0o755, file()),
            ("bin/su", 0o4755, file()),
            ("dev", 0o755, FileKind::Directory),
            ("dev/null", 0o666, null.clone()),
            ("home", 0o2755, FileKind::Directory),
            ("home/capable", 0o755, file()),
            ("home/group", 0o2755, file()),
            ("home/locked", 0o2644, file()),
            ("home/null", 0o666, null),
            ("home/su", 0o4755, file()),
            ("home/su2", 0o4755, link),
        ]);
        assert_eq!(
            refused(&RightsPolicy::default(), &table),
            [
                "home/capable a program with capabilities",
                "home/group set-group-ID",
                "home/null a device node",
                "home/su set-user-ID",
                "home/su2 set-user-ID",
            ]
        );
        let all = RightsPolicy {
            devices: SkipList::parse(b"**").unwrap(),
            privileged: SkipList::parse(b"**").unwrap(),
        };
        assert_eq!(refused(&all, &table), [""; 0]);
        let none = RightsPolicy {
            devices: SkipList::default(),
            privileged: SkipList::default(),
        };
        assert_eq!(refused(&none, &table).len(), 8);
    }
}
