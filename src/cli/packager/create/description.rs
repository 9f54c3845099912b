//! `package.toml`: what a package says of itself, written down by its vendor.
//!
//! The keys are the flags of `create` with underscores. Unknown keys are refused with their line, so
//! that a misspelt `rolback = false` does not pass for its absence. Paths are relative to the file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::parts::{NamedFile, Owner};
use crate::cli::CommandError;
use crate::fsio;
use crate::manifest::{Dependency, Restart};
use crate::release::{PackageType, Version, VersionRange};

/// Longest description file in bytes.
const LIMIT: u64 = 1 << 20;

/// Everything that can be said; flags and file are both read into this.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the manifest has a description")]
pub(super) struct Description {
    #[serde(rename = "type")]
    pub(super) package_type: Option<PackageType>,
    pub(super) name: Option<String>,
    pub(super) version: Option<Version>,
    pub(super) build: Option<String>,
    pub(super) description: Option<String>,
    pub(super) product: Option<String>,
    pub(super) architecture: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) created: Option<jiff::Timestamp>,
    pub(super) release_counter: Option<u64>,
    pub(super) source_versions: Option<VersionRange>,
    pub(super) requires: Option<Vec<Dependency>>,
    pub(super) conflicts: Option<Vec<Dependency>>,
    pub(super) obsoletes: Option<Vec<Dependency>>,
    pub(super) restart: Option<Restart>,
    pub(super) rollback: Option<bool>,
    pub(super) services: Option<Vec<String>>,
    pub(super) free_space: Option<u64>,
    pub(super) minutes: Option<u32>,
    pub(super) tree: Option<PathBuf>,
    pub(super) payload: Option<PathBuf>,
    pub(super) readme: Option<PathBuf>,
    pub(super) skip_list: Option<PathBuf>,
    pub(super) obsolete_list: Option<PathBuf>,
    pub(super) previous: Option<PathBuf>,
    #[serde(default)]
    pub(super) kernel: Vec<NamedFile>,
    #[serde(default)]
    pub(super) hook: Vec<NamedFile>,
    #[serde(default)]
    pub(super) health_check: Vec<NamedFile>,
    pub(super) mtree: Option<PathBuf>,
    pub(super) owner: Option<Owner>,
    #[serde(default)]
    pub(super) regions: Vec<RegionSource>,
}

/// A further region and the file it comes from.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionSource {
    /// Name of the kind, as in `--region kind=...`.
    pub(super) kind: String,
    pub(super) file: PathBuf,
    /// Default: the file's own name.
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) media_type: String,
}

impl Description {
    /// Reads the file; its paths are made relative to where the command runs.
    pub(super) fn read(path: &Path) -> Result<Self, CommandError> {
        let bytes = fsio::read_bounded(path, LIMIT)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            refused(path, format!("not UTF-8 from byte {place} on"))
        })?;
        let mut description: Self = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                1 + text
                    .bytes()
                    .take(span.start)
                    .filter(|byte| *byte == b'\n')
                    .count()
            });
            let message = error.message().trim_end().replace('\n', ", ");
            refused(path, format!("line {line}: {message}"))
        })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let here = [
            &mut description.tree,
            &mut description.payload,
            &mut description.readme,
            &mut description.skip_list,
            &mut description.obsolete_list,
            &mut description.previous,
            &mut description.mtree,
        ];
        for named in here.into_iter().flatten() {
            *named = directory.join(&*named);
        }
        let named = [
            &mut description.kernel,
            &mut description.hook,
            &mut description.health_check,
        ];
        for named in named.into_iter().flatten() {
            named.file = directory.join(&named.file);
        }
        for region in &mut description.regions {
            region.file = directory.join(&region.file);
        }
        Ok(description)
    }

    /// What `self` says, and where it says nothing, what `other` says; what may be repeated adds up.
    pub(super) fn or(self, other: Self) -> Self {
        let from_flags = self.tree.is_some() || self.payload.is_some();
        let (tree, payload) = if from_flags {
            (self.tree, self.payload)
        } else {
            (other.tree, other.payload)
        };
        Self {
            package_type: self.package_type.or(other.package_type),
            name: self.name.or(other.name),
            version: self.version.or(other.version),
            build: self.build.or(other.build),
            description: self.description.or(other.description),
            product: self.product.or(other.product),
            architecture: self.architecture.or(other.architecture),
            branch: self.branch.or(other.branch),
            created: self.created.or(other.created),
            release_counter: self.release_counter.or(other.release_counter),
            source_versions: self.source_versions.or(other.source_versions),
            requires: self.requires.or(other.requires),
            conflicts: self.conflicts.or(other.conflicts),
            obsoletes: self.obsoletes.or(other.obsoletes),
            restart: self.restart.or(other.restart),
            rollback: self.rollback.or(other.rollback),
            services: self.services.or(other.services),
            free_space: self.free_space.or(other.free_space),
            minutes: self.minutes.or(other.minutes),
            tree,
            payload,
            readme: self.readme.or(other.readme),
            skip_list: self.skip_list.or(other.skip_list),
            obsolete_list: self.obsolete_list.or(other.obsolete_list),
            previous: self.previous.or(other.previous),
            kernel: [other.kernel, self.kernel].concat(),
            hook: [other.hook, self.hook].concat(),
            health_check: [other.health_check, self.health_check].concat(),
            mtree: self.mtree.or(other.mtree),
            owner: self.owner.or(other.owner),
            regions: other.regions.into_iter().chain(self.regions).collect(),
        }
    }
}

fn refused(path: &Path, what: String) -> CommandError {
    CommandError::failed(what)
        .attempting(format!("cannot read {}", path.display()))
        .code("E_PACKAGE_TOML")
        .hint("isi_packager create --help names every key: they are the flags, with underscores")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Description, String> {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("package.toml");
        std::fs::write(&path, text).unwrap();
        Description::read(&path).map_err(|error| error.source_text())
    }

    #[test]
    fn every_key_is_read() {
        let description = read(
            "type = 'patch'\nname = 'n'\nversion = '1.2'\nbuild = 'b'\ndescription = 'd'\n\
             product = 'p'\narchitecture = 'a'\nbranch = 'main'\ncreated = '2026-01-31T12:00:00Z'\n\
             release_counter = 3\nsource_versions = '>=1'\nrequires = [{ name = 'x', versions = '>2' }]\n\
             conflicts = [{ name = 'y' }]\nobsoletes = []\nrestart = 'reboot'\nrollback = true\n\
             services = ['s']\nfree_space = 7\nminutes = 8\ntree = 't'\nreadme = 'R'\n\
             skip_list = 's'\nobsolete_list = 'o'\nprevious = 'p.isi'\nkernel = ['a=k', 'l']\n\
             hook = ['pre-install=h']\nhealth_check = ['c']\nmtree = 'm'\nowner = '0:0'\n\
             [[regions]]\nkind = 'hook'\nfile = 'f'\nname = 'h'\nmedia_type = 'm'\n",
        )
        .unwrap();
        assert_eq!(description.package_type, Some(PackageType::Patch));
        assert_eq!(description.restart, Some(Restart::Reboot));
        assert_eq!(description.requires.unwrap()[0].versions.to_string(), ">2");
        assert!(description.tree.unwrap().is_absolute());
        assert!(description.regions[0].file.is_absolute());
        assert!(description.mtree.unwrap().is_absolute());
        assert!(description.kernel[1].file.is_absolute());
    }

    #[test]
    fn x_unknown_and_wrong_keys_are_refused_with_their_line() {
        for (text, expected) in [
            (
                "name = 'n'\n\nrolback = true\n",
                "line 3: unknown field `rolback`",
            ),
            ("type = 'image'\n", "line 1: "),
            ("\nversion = 'v1'\n", "line 2: \"v1\" is not a version"),
            ("release_counter = -1\n", "line 1: "),
            ("name = 'n'\nname = 'm'\n", "line 2: duplicate key"),
            ("name = 'n\n", "line 1: "),
            ("[[regions]]\nkind = 'hook'\n", "missing field `file`"),
            (
                "[[regions]]\nkind = 'h'\nfile = 'f'\nmode = 1\n",
                "line 4: unknown field `mode`",
            ),
            ("owner = 'root'\n", "line 1: expected numbers"),
            ("kernel = ['=k']\n", "line 1: expected FILE or NAME=FILE"),
            (
                "requires = [{ name = 'n', version = '1' }]\n",
                "unknown field `version`",
            ),
        ] {
            let refusal = read(text).unwrap_err();
            assert!(refusal.contains(expected), "{text:?}: {refusal}");
        }
    }

    #[test]
    fn flags_win_and_regions_add_up() {
        let file =
            read("name = 'file'\nbuild = 'file'\ntree = 't'\n[[regions]]\nkind='hook'\nfile='a'")
                .unwrap();
        let flags = Description {
            name: Some("flag".into()),
            payload: Some("p".into()),
            ..Description::default()
        };
        let both = flags.or(file);
        assert_eq!(both.name.as_deref(), Some("flag"));
        assert_eq!(both.build.as_deref(), Some("file"));
        assert_eq!((both.tree, both.payload), (None, Some("p".into())));
        assert_eq!(both.regions.len(), 1);
    }
}
