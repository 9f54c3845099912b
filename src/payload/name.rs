use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::limits::{MAX_COMPONENT_LENGTH, MAX_DEPTH, MAX_PATH_LENGTH};

/// The path of one entry, relative to the root of the tree.
///
/// Components are separated by single slashes; there is none at either end, and no component is
/// empty, `.` or `..`. Bytes need not be UTF-8. Paths are ordered as a walk of the tree meets them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EntryPath(Box<[u8]>);

/// The rule that a name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameRule {
    /// Nothing is there.
    #[error("expected a name, found nothing")]
    Empty,
    /// Begins with a slash.
    #[error("expected a relative path, found an absolute one")]
    Absolute,
    /// Two slashes in a row, or one at the end.
    #[error("expected single slashes between names, found an empty component")]
    EmptyComponent,
    /// A component is `.` or `..`.
    #[error("expected plain names, found a component \".\" or \"..\"")]
    Dots,
    /// A NUL byte.
    #[error("expected no NUL, found one")]
    Nul,
    /// Longer than a path can be.
    #[error("expected at most {MAX_PATH_LENGTH} bytes, found {0}")]
    TooLong(usize),
    /// A component is longer than a name can be.
    #[error("expected components of at most {MAX_COMPONENT_LENGTH} bytes, found {0}")]
    ComponentTooLong(usize),
    /// More components than are accepted.
    #[error("expected at most {MAX_DEPTH} components, found {0}")]
    TooDeep(usize),
    /// The name was used before.
    #[error("expected each name once, found it again")]
    Duplicate,
    /// The entry that holds it is missing or is no directory.
    #[error("expected a directory above it, found none")]
    NotBelowDirectory,
    /// A text with a backslash that escapes nothing.
    #[error("expected \\xHH or a second backslash behind a backslash")]
    Escape,
    /// The target of a hard link is no regular file of the same payload.
    #[error("expected the path of a regular file listed before, found none")]
    NoSuchFile,
}

impl EntryPath {
    /// Checks `bytes` and keeps them.
    pub fn new(bytes: &[u8]) -> Result<Self, NameRule> {
        if bytes.is_empty() {
            return Err(NameRule::Empty);
        }
        if bytes.len() > MAX_PATH_LENGTH {
            return Err(NameRule::TooLong(bytes.len()));
        }
        if bytes.contains(&0) {
            return Err(NameRule::Nul);
        }
        if bytes.starts_with(b"/") {
            return Err(NameRule::Absolute);
        }
        let mut depth = 0;
        for component in bytes.split(|&byte| byte == b'/') {
            depth += 1;
            match component {
                b"" => return Err(NameRule::EmptyComponent),
                b"." | b".." => return Err(NameRule::Dots),
                long if long.len() > MAX_COMPONENT_LENGTH => {
                    return Err(NameRule::ComponentTooLong(long.len()));
                }
                _ => {}
            }
        }
        if depth > MAX_DEPTH {
            return Err(NameRule::TooDeep(depth));
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes of the path.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path, for file operations.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The path of the directory that holds this entry; `None` at the root of the tree.
    pub fn parent(&self) -> Option<&[u8]> {
        let slash = self.0.iter().rposition(|&byte| byte == b'/')?;
        self.0.get(..slash)
    }

    /// Whether this is `other` or lies below it.
    pub fn is_within(&self, other: &[u8]) -> bool {
        match self.0.strip_prefix(other) {
            Some(rest) => rest.is_empty() || rest.starts_with(b"/"),
            None => false,
        }
    }
}

/// Compares paths byte by byte, a slash counting less than any other byte.
///
/// So what is in a directory comes right behind the directory itself, before its siblings. Tar tools
/// rely on that when they set the mode and time of a directory.
pub(super) fn tree_order(one: &[u8], other: &[u8]) -> Ordering {
    // No path holds a NUL, so its place is free.
    let rank = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    one.iter().map(rank).cmp(other.iter().map(rank))
}

impl PartialOrd for EntryPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EntryPath {
    fn cmp(&self, other: &Self) -> Ordering {
        tree_order(&self.0, &other.0)
    }
}

impl AsRef<Path> for EntryPath {
    fn as_ref(&self) -> &Path {
        self.as_path()
    }
}

impl fmt::Display for EntryPath {
    /// Prints the path with everything escaped that a terminal could take for a command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.0))
    }
}

impl fmt::Debug for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// `bytes` as printable text: control characters and what is not UTF-8 as escapes.
pub(super) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.extend(chunk.valid().chars().flat_map(char::escape_debug));
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            write!(text, "\\x{byte:02x}").unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c08_names_that_lead_elsewhere_are_refused() {
        let long = vec![b'n'; MAX_COMPONENT_LENGTH + 1];
        let path = [&vec![b'n'; 200][..]; 21].join(&b'/');
        let deep = vec![&b"d"[..]; MAX_DEPTH + 1].join(&b'/');
        let cases: [(&[u8], NameRule); 17] = [
            (b"", NameRule::Empty),
            (b"/", NameRule::Absolute),
            (b"/etc/passwd", NameRule::Absolute),
            (b"//x", NameRule::Absolute),
            (b"..", NameRule::Dots),
            (b".", NameRule::Dots),
            (b"../x", NameRule::Dots),
            (b"a/../../x", NameRule::Dots),
            (b"a/..", NameRule::Dots),
            (b"./a", NameRule::Dots),
            (b"a/./b", NameRule::Dots),
            (b"a//b", NameRule::EmptyComponent),
            (b"a/", NameRule::EmptyComponent),
            (b"a\0b", NameRule::Nul),
            (&long, NameRule::ComponentTooLong(256)),
            (&path, NameRule::TooLong(4220)),
            (&deep, NameRule::TooDeep(257)),
        ];
        for (bytes, rule) in cases {
            assert_eq!(EntryPath::new(bytes), Err(rule), "{}", escaped(bytes));
        }
    }

    #[test]
    fn c08_names_at_their_limits_are_accepted() {
        let component = vec![b'n'; MAX_COMPONENT_LENGTH];
        let deep = vec![&b"d"[..]; MAX_DEPTH].join(&b'/');
        let mut path = [&vec![b'n'; 255][..]; 16].join(&b'/');
        path.truncate(MAX_PATH_LENGTH);
        assert_eq!(path.len(), MAX_PATH_LENGTH);
        let names: [&[u8]; 8] = [
            &component,
            &deep,
            &path,
            b"...",
            b"..a",
            b"a b\n",
            b"\xff\xfe",
            b"caf\xc3\xa9",
        ];
        for name in names {
            assert_eq!(EntryPath::new(name).unwrap().as_bytes(), name);
        }
    }

    #[test]
    fn c12_names_are_printed_escaped() {
        let name = EntryPath::new("a\u{1b}]52\u{202e}\u{e9}".as_bytes()).unwrap();
        assert_eq!(name.to_string(), "a\\u{1b}]52\\u{202e}\u{e9}");
        assert_eq!(EntryPath::new(b"\xff\n").unwrap().to_string(), "\\xff\\n");
    }

    #[test]
    fn what_is_in_a_directory_comes_right_behind_it() {
        let mut names: Vec<_> = ["a/x", "a-b", "a", "a0"]
            .map(|name| EntryPath::new(name.as_bytes()).unwrap())
            .into();
        names.sort();
        let sorted: Vec<_> = names.iter().map(ToString::to_string).collect();
        assert_eq!(sorted, ["a", "a/x", "a-b", "a0"]);
        assert_eq!(names[1].parent(), Some(&b"a"[..]));
        assert!(names[1].is_within(b"a") && !names[2].is_within(b"a"));
    }
}
