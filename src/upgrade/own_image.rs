//! An image of a system that never came out of a package.
//!
//! The environment is copied, so that what it does meanwhile cannot tear the image, packed like any tree,
//! signed with the machine's own key and imported like any package. It comes back through the same door as
//! every other: `isi upgrade start`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::engine::Run;
use super::{Machine, UpgradeError};
use crate::catalog::{CatalogError, ImportRequest, Source};
use crate::fsio::{Dir, EntryKind, FsError, NodeKind, OnExisting, OutputFile};
use crate::manifest::{Manifest, RegionKind, Restart};
use crate::package::builder::{BuildError, Content, Draft, DraftRegion, PayloadSource, build};
use crate::payload::{TreeOptions, XattrSelection};
use crate::release::{PackageType, Version, VersionRange};
use crate::system::layout::{KERNELS, LOCAL_KEY};
use crate::system::{EnvName, Origin, SystemError};
use crate::trust::{LocalKey, LocalKeyError};

/// Why no image could be made of a system.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnImageError {
    /// The package could not be built.
    #[error("cannot build the package")]
    Build(#[from] BuildError),
    /// The local key could not be made or used.
    #[error(transparent)]
    Key(#[from] LocalKeyError),
    /// The copy of the environment cannot be worked on.
    #[error(transparent)]
    System(#[from] Box<SystemError>),
    /// Trust or catalog cannot be used.
    #[error(transparent)]
    Machine(#[from] Box<UpgradeError>),
    /// A file operation failed.
    #[error(transparent)]
    Files(#[from] FsError),
    /// The catalog did not take it.
    #[error("cannot import the package")]
    Import(#[source] Box<CatalogError>),
    /// No environment can be named after it.
    #[error("there is no name for the copy of {0}")]
    Name(EnvName),
}

/// What the copy of an environment is called, before the name of that.
const COPY: &str = "image-of-";
/// The name of every such package.
pub(in crate::upgrade) const NAME: &str = "local-image";
/// Digits of the system's ID in the build label.
const TARGET_DIGITS: usize = 8;
/// Most bytes of `os-release` that are read.
const MAX_OS_RELEASE: u64 = 64 << 10;
/// Where a system says what it is.
const OS_RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

impl OwnImageError {
    /// Stable code of the refusal.
    pub fn code(&self) -> &str {
        match self {
            Self::Build(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::System(error) => error.code(),
            Self::Machine(error) => error.code(),
            Self::Files(error) if error.is_full() => "E_NO_SPACE",
            Self::Files(error) => error.code(),
            Self::Import(error) => error.code(),
            Self::Name(_) => "E_ENVIRONMENT_NAME",
        }
    }

    /// What to do next, if there is anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Key(error) => error.hint(),
            Self::System(error) => error.hint(),
            Self::Machine(error) => error.hint(),
            Self::Files(error) => error.hint(),
            Self::Import(error) => error.hint(),
            Self::Name(_) => Some("give the environment a shorter name".to_owned()),
            Self::Build(_) => None,
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        match self {
            Self::Build(error) => matches!(error, BuildError::Cancelled),
            Self::System(error) => matches!(**error, SystemError::Cancelled),
            Self::Import(error) => matches!(**error, CatalogError::Cancelled),
            _ => false,
        }
    }
}

impl Machine<'_> {
    /// Makes an image of an environment, imports it, and notes that the environment is of it.
    pub(super) fn make_own_image(
        &self,
        environment: &EnvName,
        run: &Run<'_>,
    ) -> Result<Origin, UpgradeError> {
        let failed = |source| UpgradeError::OwnImage {
            environment: environment.clone(),
            source,
        };
        let system = self.system();
        let copy: EnvName = format!("{COPY}{environment}")
            .parse()
            .map_err(|_| failed(OwnImageError::Name(environment.clone())))?;
        let storage = system.storage();
        // What an interrupted attempt left.
        storage.discard(&copy)?;
        let tree = storage.begin(&copy, Some(environment), run.watch)?;
        let made = self.pack(environment, &tree, run);
        drop(tree);
        let discarded = storage.discard(&copy);
        let origin = made.map_err(failed)?;
        discarded?;
        let mut record = system
            .record(environment)?
            .unwrap_or_else(|| crate::system::Record::new(environment.clone(), run.now()));
        record.origin = Some(origin.clone());
        system.store_record(&record)?;
        Ok(origin)
    }

    fn pack(
        &self,
        environment: &EnvName,
        tree: &Dir,
        run: &Run<'_>,
    ) -> Result<Origin, OwnImageError> {
        let system = self.system();
        remove_sockets(tree)?;
        let target = system.state().map_err(Box::new)?.target.to_string();
        let said = OsRelease::read(tree);
        let build_label = label(&target, environment, run.now());
        let manifest = manifest(&said, &build_label, environment, self.architecture());
        let regions = self.regions(environment)?;
        let origin = (manifest.version.to_string(), manifest.product.clone());
        let draft = Draft {
            created: Timestamp::from_second(run.now().as_second()).ok(),
            payload: PayloadSource::Tree {
                directory: tree.try_clone()?,
                options: TreeOptions {
                    xattrs: XattrSelection::All,
                    // The system is compared with its image from then on.
                    nanoseconds: true,
                    ..TreeOptions::default()
                },
            },
            payload_name: environment.to_string(),
            regions,
            manifest,
        };
        let path = system.root().path().join(format!("{NAME}.isi"));
        let mut output = OutputFile::create(&path, 0o600, OnExisting::Replace)?;
        let built = build(draft, &mut output, run.watch)?;
        let key = LocalKey::open_or_create(system.root(), LOCAL_KEY, run.now())?;
        // Now that it has a key, it trusts it.
        let trust = self.trust().map_err(Box::new)?;
        let manifest = built.manifest_bytes();
        let seal = key.seal(manifest, trust.knows_timestamps(), run.now())?;
        built.finish(&mut output, &seal.signature, &seal.timestamp)?;
        let request = ImportRequest {
            label: Path::new(NAME),
            trust: &trust,
            unsigned: None,
        };
        let context = run.context();
        let mut catalog = self.catalog(&context).map_err(Box::new)?;
        let source = Source::File(output.file());
        let import = catalog.import(source, &request, &context);
        let import = import.map_err(|error| OwnImageError::Import(Box::new(error)))?;
        let (version, product) = origin;
        Ok(Origin {
            package: import.artifact.id,
            name: NAME.to_owned(),
            version,
            build: build_label,
            product,
            release_counter: 0,
        })
    }

    /// Kernels and health checks, which are beside the environment and not in it.
    fn regions(&self, environment: &EnvName) -> Result<Vec<DraftRegion>, OwnImageError> {
        let region = |kind, name, content| DraftRegion {
            kind,
            name,
            media_type: String::new(),
            content,
        };
        let mut regions = Vec::new();
        let place = Path::new(KERNELS).join(environment.as_str());
        match self.system().root().open_dir(&place) {
            Ok(kernels) => {
                let files = kernels.entries()?.into_iter();
                for file in files.filter(|entry| entry.kind == EntryKind::File) {
                    let content = Content::File(kernels.open_file(&file.name)?);
                    let name = file.name.to_string_lossy().into_owned();
                    regions.push(region(RegionKind::Kernel, name, content));
                }
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        let checks = self.system().checks(environment).map_err(Box::new)?;
        regions.extend(checks.into_iter().map(|check| {
            let content = Content::Bytes(check.content);
            region(RegionKind::HealthCheck, check.name, content)
        }));
        Ok(regions)
    }
}

/// What a system says of itself in `os-release`; nothing of it is believed but the form.
#[derive(Debug, Default)]
struct OsRelease {
    facts: BTreeMap<String, String>,
}

impl OsRelease {
    fn read(tree: &Dir) -> Self {
        let mut places = OS_RELEASE.iter();
        let found = places.find_map(|place| tree.read_bounded(place, MAX_OS_RELEASE).ok());
        Self::parse(&String::from_utf8_lossy(&found.unwrap_or_default()))
    }

    fn parse(text: &str) -> Self {
        let facts = text.lines().filter_map(|line| {
            let (key, value) = line.trim().split_once('=')?;
            let value = value.trim_matches(['"', '\'']);
            (!key.starts_with('#')).then(|| (key.to_owned(), value.to_owned()))
        });
        Self {
            facts: facts.collect(),
        }
    }

    fn get(&self, key: &str) -> &str {
        self.facts.get(key).map_or("", String::as_str)
    }

    /// Its version if that has the form of one, else 0.
    fn version(&self) -> Version {
        let said = self.get("VERSION_ID").parse();
        said.unwrap_or_else(|_| Version::zero())
    }
}

fn manifest(said: &OsRelease, build: &str, environment: &EnvName, architecture: &str) -> Manifest {
    let shown = said.get("PRETTY_NAME");
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect();
    let description: String = plain(if shown.is_empty() { "a system" } else { shown });
    Manifest {
        read_version: crate::isi_file::layout::READ_VERSION,
        write_version: crate::isi_file::layout::WRITE_VERSION,
        package_type: PackageType::Onefs,
        name: NAME.to_owned(),
        version: said.version(),
        build: build.to_owned(),
        description: format!("{description}, made of environment {environment} by its machine"),
        product: String::new(),
        architecture: architecture.to_owned(),
        branch: String::new(),
        created: Timestamp::UNIX_EPOCH,
        release_counter: 0,
        source_versions: VersionRange::default(),
        requires: Vec::new(),
        conflicts: Vec::new(),
        obsoletes: Vec::new(),
        restart: Restart::Reboot,
        rollback: true,
        services: Vec::new(),
        free_space: 0,
        minutes: 0,
        regions: Vec::new(),
        unknown: Vec::new(),
    }
}

/// Unlike that of every other image: which system, which environment, which second.
fn label(target: &str, environment: &EnvName, now: Timestamp) -> String {
    let target: String = target.chars().take(TARGET_DIGITS).collect();
    format!("{target}-{environment}-{}", now.as_second())
}

/// Takes out what only a running program has and no package can hold.
fn remove_sockets(tree: &Dir) -> Result<(), FsError> {
    let mut directories = vec![PathBuf::new()];
    while let Some(directory) = directories.pop() {
        let opened = if directory.as_os_str().is_empty() {
            tree.try_clone()?
        } else {
            tree.open_dir(&directory)?
        };
        for entry in opened.entries()? {
            if entry.kind == EntryKind::Directory {
                directories.push(directory.join(&entry.name));
            } else if opened.status_of(&entry.name)?.kind == NodeKind::Socket {
                opened.remove_file(&entry.name)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_says_its_version_in_a_form_that_is_one_or_not_at_all() {
        for (text, version) in [
            ("ID=debian\nVERSION_ID=\"12\"\n", "12"),
            ("VERSION_ID='9.4.0.0'", "9.4.0.0"),
            ("#VERSION_ID=3\n", "0"),
            ("VERSION_ID=rolling", "0"),
            ("VERSION_ID=$(reboot)", "0"),
            ("", "0"),
            ("\0\u{1b}[31m", "0"),
        ] {
            assert_eq!(
                OsRelease::parse(text).version().to_string(),
                version,
                "{text:?}"
            );
        }
    }
}
