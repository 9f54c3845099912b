//! Everything about the files of an environment that can be compared, without the library under test.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::shell::Outcome;

/// Files that a package brings have times of long ago; what was written on the machine has not.
const LONG_AGO: i64 = 1_500_000_000;

/// Where a repair works, below the root that it repairs.
const WORKSHOP: &str = ".isi-fix";

/// What is known of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Type and permissions.
    mode: u32,
    owner: (u32, u32),
    links: u64,
    /// Only of what a package brings.
    time: Option<(i64, i64)>,
    /// Bytes of a file, or where a link leads.
    content: Vec<u8>,
}

/// A tree of files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree(BTreeMap<PathBuf, Entry>);

impl Tree {
    /// Reads everything below `root`.
    pub fn read(root: &Path) -> Outcome<Self> {
        let mut tree = Self::default();
        tree.add(root, Path::new(""))?;
        Ok(tree)
    }

    fn add(&mut self, root: &Path, name: &Path) -> Outcome {
        let path = root.join(name);
        let facts = fs::symlink_metadata(&path)?;
        let content = if facts.is_symlink() {
            fs::read_link(&path)?.into_os_string().into_encoded_bytes()
        } else if facts.is_file() {
            fs::read(&path)?
        } else {
            Vec::new()
        };
        let time = (facts.mtime(), facts.mtime_nsec());
        let entry = Entry {
            mode: facts.mode(),
            owner: (facts.uid(), facts.gid()),
            // Of a directory it counts directories, which some file systems do not.
            links: if facts.is_dir() { 0 } else { facts.nlink() },
            time: Some(time).filter(|(second, _)| *second < LONG_AGO),
            content,
        };
        self.0.insert(name.to_owned(), entry);
        if facts.is_dir() {
            for child in fs::read_dir(&path)? {
                self.add(root, &name.join(child?.file_name()))?;
            }
        }
        Ok(())
    }

    /// Whether each name has the content and the properties that it has in one of two trees.
    ///
    /// A directory that is in one of them only may be there without its own permissions yet, two names of
    /// one file may not be linked yet, and what a repair works in may be there.
    pub fn is_between(&self, one: &Self, two: &Self) -> bool {
        let names = self.0.keys().chain(one.0.keys()).chain(two.0.keys());
        let outside = names.filter(|name| !name.starts_with(WORKSHOP));
        outside.into_iter().all(|name| {
            let [now, one, two] = [self, one, two].map(|tree| tree.0.get(name));
            let directory = |entry: Option<&Entry>| entry.is_some_and(Entry::is_directory);
            let begun = one.is_none() && directory(two) && directory(now);
            let known: Vec<&Entry> = [one, two].into_iter().flatten().collect();
            match now {
                None => one.is_none() || two.is_none(),
                Some(now) => begun || now.is_made_of(&known),
            }
        })
    }

    /// The first few names in which two trees differ, and how.
    pub fn difference(&self, other: &Self) -> String {
        const FEW: usize = 6;
        let names = self.0.keys().chain(other.0.keys());
        let mut told: Vec<String> = names
            .filter_map(|name| {
                let how = match (self.0.get(name), other.0.get(name)) {
                    (Some(_), None) => "is too much".to_owned(),
                    (None, Some(_)) => "is missing".to_owned(),
                    (Some(one), Some(two)) if one != two => one.difference(two),
                    _ => return None,
                };
                Some(format!("/{} {how}", name.display()))
            })
            .collect();
        told.sort();
        told.dedup();
        let more = told.len().saturating_sub(FEW);
        told.truncate(FEW);
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("{}{rest}", told.join(", "))
    }
}

impl Entry {
    /// Whether each property is that of one of `known`; a repair sets one after the other.
    fn is_made_of(&self, known: &[&Self]) -> bool {
        let content = |other: &&Self| self.content == other.content && self.time == other.time;
        known.iter().any(|other| self.mode == other.mode)
            && known.iter().any(|other| self.owner == other.owner)
            && known.iter().any(content)
    }

    fn is_directory(&self) -> bool {
        const TYPE: u32 = 0o170_000;
        const DIRECTORY: u32 = 0o040_000;
        self.mode & TYPE == DIRECTORY
    }

    fn difference(&self, other: &Self) -> String {
        let mut told = Vec::new();
        if self.mode != other.mode {
            told.push(format!("mode {:o} not {:o}", self.mode, other.mode));
        }
        if self.owner != other.owner {
            told.push(format!("owner {:?} not {:?}", self.owner, other.owner));
        }
        if self.links != other.links {
            told.push(format!("{} links not {}", self.links, other.links));
        }
        if self.time != other.time {
            told.push(format!("time {:?} not {:?}", self.time, other.time));
        }
        if self.content != other.content {
            let [one, two] = [&self.content, &other.content].map(Vec::len);
            told.push(format!("other content ({one} bytes, {two} expected)"));
        }
        format!("has {}", told.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torture::Scratch;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    type Change = fn(&Path) -> Outcome;

    #[test]
    fn every_kind_of_difference_is_seen() -> Outcome {
        let scratch = Scratch::new("tree")?;
        let make = |name: &str| -> Outcome<PathBuf> {
            let root = scratch.path().join(name);
            fs::create_dir(&root)?;
            fs::write(root.join("file"), "content")?;
            symlink("file", root.join("link"))?;
            Ok(root)
        };
        let sound = Tree::read(&make("sound")?)?;
        assert_eq!(sound, Tree::read(&make("same")?)?);
        let changes: [(&str, Change); 6] = [
            ("content", |root| {
                Ok(fs::write(root.join("file"), "contenT")?)
            }),
            ("mode", |root| {
                Ok(fs::set_permissions(
                    root.join("file"),
                    fs::Permissions::from_mode(0o600),
                )?)
            }),
            ("too much", |root| Ok(fs::create_dir(root.join("more"))?)),
            ("missing", |root| Ok(fs::remove_file(root.join("link"))?)),
            ("links", |root| {
                Ok(fs::hard_link(root.join("file"), root.join("twin"))?)
            }),
            ("content", |root| {
                fs::remove_file(root.join("link"))?;
                Ok(symlink("else", root.join("link"))?)
            }),
        ];
        for (number, (word, alter)) in changes.into_iter().enumerate() {
            let root = make(&number.to_string())?;
            alter(&root)?;
            let altered = Tree::read(&root)?;
            assert_ne!(altered, sound);
            let told = altered.difference(&sound);
            assert!(told.contains(word), "{told}");
        }
        Ok(())
    }
}
