//! What a package for a whole system has besides its payload: lists, kernels, programs.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use super::description::Description;
use crate::cli::CommandError;
use crate::fsio;
use crate::manifest::RegionKind;
use crate::package::builder::{Content, DraftRegion};
use crate::payload::limits::MAX_LIST_LENGTH;
use crate::payload::lists::{ObsoleteList, SkipList};
use crate::payload::{FileTable, Owners};

/// When a hook may be run; its name is one of these, alone or with a dot and a word behind it.
const HOOK_POINTS: [&str; 2] = ["pre-install", "post-install"];

/// Parts of a system image; package.toml has the same words as keys
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "System image options")]
pub(super) struct PartsArgs {
    /// Paths that an installation leaves alone: patterns, one a line
    #[arg(long, value_name = "FILE")]
    pub(super) skip_list: Option<PathBuf>,

    /// Paths that an installation removes, one a line; directories end with a slash
    #[arg(long, value_name = "FILE")]
    pub(super) obsolete_list: Option<PathBuf>,

    /// Remove as well what the package OLD had and this one has not; OLD is verified first
    #[arg(long, value_name = "OLD")]
    pub(super) previous: Option<PathBuf>,

    /// Kernel, named as its file unless a NAME is given; may be repeated, the first is the usual one
    #[arg(long, value_name = "[NAME=]FILE")]
    pub(super) kernel: Vec<NamedFile>,

    /// Program that is run at NAME, pre-install or post-install; may be repeated as NAME.WORD
    #[arg(long, value_name = "NAME=FILE")]
    pub(super) hook: Vec<NamedFile>,

    /// Program that tells whether the new system is well; may be repeated
    #[arg(long, value_name = "[NAME=]FILE")]
    pub(super) health_check: Vec<NamedFile>,

    /// Owners, modes and devices that count instead of those of the tree: an mtree specification
    #[arg(long, value_name = "FILE")]
    pub(super) mtree: Option<PathBuf>,

    /// Owner of everything that the mtree specification does not name
    #[arg(long, value_name = "UID[:GID]")]
    pub(super) owner: Option<Owner>,
}

/// A file and the name that its region has.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(super) struct NamedFile {
    name: Option<String>,
    pub(super) file: PathBuf,
}

/// Who owns what is packed.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(super) struct Owner {
    uid: u32,
    gid: u32,
}

impl PartsArgs {
    /// What these flags say, and what `other` says of everything else.
    pub(super) fn over(self, other: Description) -> Description {
        Description {
            skip_list: self.skip_list,
            obsolete_list: self.obsolete_list,
            previous: self.previous,
            kernel: self.kernel,
            hook: self.hook,
            health_check: self.health_check,
            mtree: self.mtree,
            owner: self.owner,
            ..other
        }
    }
}

impl FromStr for NamedFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (Some(name.to_owned()), file),
            None => (None, text),
        };
        if file.is_empty() || name.as_deref() == Some("") {
            return Err("expected FILE or NAME=FILE".to_owned());
        }
        let file = file.into();
        Ok(Self { name, file })
    }
}

impl TryFrom<String> for NamedFile {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (uid, gid) = text.split_once(':').unwrap_or((text, text));
        let number = |text: &str| text.parse().ok().filter(|id| *id != u32::MAX);
        match (number(uid), number(gid)) {
            (Some(uid), Some(gid)) => Ok(Self { uid, gid }),
            _ => Err("expected numbers, as in 0 or 0:0".to_owned()),
        }
    }
}

impl TryFrom<String> for Owner {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Owner> for Owners {
    fn from(Owner { uid, gid }: Owner) -> Self {
        Self::Fixed { uid, gid }
    }
}

impl Description {
    /// The regions that these parts become; `previous` is what the release before had.
    pub(super) fn part_regions(
        &self,
        previous: Option<FileTable>,
    ) -> Result<Vec<DraftRegion>, CommandError> {
        let mut regions = Vec::new();
        if let Some(path) = &self.skip_list {
            let bytes = skip_list(path)?;
            regions.push(region(
                RegionKind::SkipList,
                "skip-list",
                Content::Bytes(bytes),
            ));
        }
        if self.obsolete_list.is_some() || previous.is_some() {
            let listed = self.obsolete_list.as_deref().map(obsolete_list);
            let listed = listed.transpose()?.unwrap_or_default();
            let content = Content::ObsoleteList { previous, listed };
            regions.push(region(RegionKind::ObsoleteList, "obsolete-list", content));
        }
        for kernel in &self.kernel {
            regions.push(kernel.region(RegionKind::Kernel)?);
        }
        for hook in &self.hook {
            let name = hook.region_name();
            if !is_hook_name(&name) {
                return Err(CommandError::usage(format!(
                    "{name:?} is no time to run a hook at: expected {}, or one with a dot and a word",
                    HOOK_POINTS.join(" or ")
                ))
                .hint("--hook pre-install=FILE, --hook pre-install.database=FILE"));
            }
            regions.push(hook.region(RegionKind::Hook)?);
        }
        for check in &self.health_check {
            regions.push(check.region(RegionKind::HealthCheck)?);
        }
        Ok(regions)
    }
}

impl NamedFile {
    fn region_name(&self) -> String {
        let of_file = || {
            let name = self.file.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        self.name.clone().unwrap_or_else(of_file)
    }

    fn region(&self, kind: RegionKind) -> Result<DraftRegion, CommandError> {
        let content = Content::File(fsio::open_regular(&self.file)?);
        Ok(region(kind, &self.region_name(), content))
    }
}

/// The text of a skip list that every reader understands.
pub(super) fn skip_list(path: &Path) -> Result<Vec<u8>, CommandError> {
    let bytes = read_list(path)?;
    SkipList::parse(&bytes).map_err(|error| in_file(error.into(), path))?;
    Ok(bytes)
}

/// An obsolete list that every reader understands.
pub(super) fn obsolete_list(path: &Path) -> Result<ObsoleteList, CommandError> {
    let bytes = read_list(path)?;
    ObsoleteList::parse(&bytes).map_err(|error| in_file(error.into(), path))
}

/// A file of as many bytes as a list may have.
pub(super) fn read_list(path: &Path) -> Result<Vec<u8>, CommandError> {
    let limit = u64::try_from(MAX_LIST_LENGTH).unwrap_or(u64::MAX);
    Ok(fsio::read_bounded(path, limit)?)
}

/// What is wrong with a list, and which file it is.
pub(super) fn in_file(error: CommandError, path: &Path) -> CommandError {
    error.attempting(format!("cannot read {}", path.display()))
}

fn region(kind: RegionKind, name: &str, content: Content) -> DraftRegion {
    DraftRegion {
        kind,
        name: name.to_owned(),
        media_type: String::new(),
        content,
    }
}

fn is_hook_name(name: &str) -> bool {
    let (point, word) = name.split_once('.').unwrap_or((name, "x"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    HOOK_POINTS.contains(&point) && !word.is_empty() && word.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_have_a_name_before_it() {
        let named: NamedFile = "generic=boot/vmlinuz".parse().unwrap();
        assert_eq!(named.region_name(), "generic");
        assert_eq!(named.file, Path::new("boot/vmlinuz"));
        let plain: NamedFile = "boot/vmlinuz".parse().unwrap();
        assert_eq!(plain.region_name(), "vmlinuz");
        for text in ["", "=file", "name="] {
            assert!(text.parse::<NamedFile>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_owner_is_two_numbers_or_one() {
        let of = |text: &str| text.parse::<Owner>().map(|owner| (owner.uid, owner.gid));
        assert_eq!(of("0"), Ok((0, 0)));
        assert_eq!(of("1:2"), Ok((1, 2)));
        for text in ["", "root", "0:", ":0", "1:2:3", "-1", "4294967295"] {
            assert!(of(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_hook_is_named_after_its_time() {
        for name in ["pre-install", "post-install", "pre-install.10-database"] {
            assert!(is_hook_name(name), "{name}");
        }
        for name in [
            "",
            "install",
            "pre-install.",
            "pre-installx",
            "pre-install.a b",
        ] {
            assert!(!is_hook_name(name), "{name}");
        }
    }
}
