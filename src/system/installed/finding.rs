use std::ffi::OsString;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::payload::EntryPath;

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Everything that was found, in the order of the paths.
    pub findings: Vec<Finding>,
    /// Entries of the table that were compared.
    pub compared: u64,
    /// Bytes of contents that were read.
    pub bytes: u64,
    /// Whether only some paths were compared.
    pub(super) filtered: bool,
}

impl Report {
    /// How many findings are of this class.
    pub fn count(&self, class: Class) -> u64 {
        let found = self
            .findings
            .iter()
            .filter(|finding| finding.class == class);
        u64::try_from(found.count()).unwrap_or(u64::MAX)
    }

    /// How many findings say that the system is not as it was signed.
    pub fn problems(&self) -> u64 {
        let problems = self
            .findings
            .iter()
            .filter(|finding| finding.class.is_problem());
        u64::try_from(problems.count()).unwrap_or(u64::MAX)
    }
}

/// One path that is not as the table says, or not in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The path, from the root of the system.
    #[serde(serialize_with = "rooted")]
    pub path: EntryPath,
    /// What kind of finding it is.
    pub class: Class,
    /// What is different, at least one thing.
    pub differences: Vec<Difference>,
    /// Its number in the table; none for what is not in it.
    #[serde(skip)]
    pub(super) number: Option<usize>,
    /// What is there now.
    #[serde(skip)]
    pub(super) present: Present,
    /// Extended attributes that should not be there.
    #[serde(skip)]
    pub(super) surplus: Vec<OsString>,
}

/// What kind of finding it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// It is the image's, and not as it was signed.
    Damaged,
    /// An interrupted repair left it.
    Leftover,
    /// It belongs to the machine, as configuration does, and differs from the image.
    Local,
    /// It was carried over from another environment or merged, and is what the record says.
    Carried,
    /// It is not in the image.
    Extra,
    /// Another file system is mounted over it, so it cannot be seen.
    Hidden,
}

impl Class {
    /// Whether the system is not as it was signed.
    pub const fn is_problem(self) -> bool {
        matches!(self, Self::Damaged | Self::Leftover)
    }

    /// As it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Leftover => "leftover",
            Self::Local => "local",
            Self::Carried => "carried",
            Self::Extra => "extra",
            Self::Hidden => "hidden",
        }
    }
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is about.
    pub aspect: Aspect,
    /// What the table says; empty where there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expected: String,
    /// What was found; empty where there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub found: String,
}

/// What a difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// Nothing is there.
    Missing,
    /// It is something else.
    Type,
    /// The length of the contents.
    Size,
    /// The contents.
    Contents,
    /// Text of a symbolic link, or the file that a name stands for.
    Link,
    /// Which device it stands for.
    Device,
    /// Owning user and group.
    Owner,
    /// Permissions.
    Mode,
    /// An extended attribute.
    Xattr,
    /// When a file's contents last changed.
    Time,
    /// It cannot be read.
    Unreadable,
    /// It is not in the image.
    Extra,
    /// Another file system is mounted there.
    Mounted,
}

impl Aspect {
    /// As it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Type => "type",
            Self::Size => "size",
            Self::Contents => "contents",
            Self::Link => "link",
            Self::Device => "device",
            Self::Owner => "owner",
            Self::Mode => "mode",
            Self::Xattr => "xattr",
            Self::Time => "time",
            Self::Unreadable => "unreadable",
            Self::Extra => "extra",
            Self::Mounted => "mounted",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.aspect.name())?;
        match (self.expected.as_str(), self.found.as_str()) {
            ("", "") => Ok(()),
            ("", found) => write!(f, ": {found}"),
            (expected, "") => write!(f, ": expected {expected}"),
            (expected, found) => write!(f, ": expected {expected}, found {found}"),
        }
    }
}

/// What is where an entry belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Present {
    /// Nothing.
    #[default]
    Nothing,
    /// What belongs there, with contents, text or numbers that are wrong.
    Wrong,
    /// What belongs there; only its attributes are wrong.
    Attributes,
    /// Something else that can be replaced.
    Other,
    /// A directory where something else belongs; whether it holds something.
    Directory {
        /// Whether there is anything in it.
        full: bool,
    },
}

/// A path as people write it.
pub(super) fn rooted<S: Serializer>(path: &EntryPath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("/{path}"))
}
