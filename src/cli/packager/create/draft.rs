use std::fs::File;
use std::path::{Path, PathBuf};

use super::Args;
use super::description::Description;
use super::parts::{in_file, read_list};
use super::previous;
use crate::cli::args::source_date_epoch;
use crate::cli::{CommandError, Context};
use crate::fsio::{self, Dir};
use crate::isi_file::layout::{READ_VERSION, WRITE_VERSION};
use crate::limits;
use crate::manifest::{Manifest, RegionKind, Restart};
use crate::package::builder::{Content, Draft, DraftRegion, PayloadSource};
use crate::payload::mtree::Mtree;
use crate::payload::{Owners, TreeOptions};
use crate::release::PackageType;

impl Args {
    /// Puts flags and file together and opens everything that goes into the package.
    pub(super) fn draft(&mut self, context: &mut Context) -> Result<Draft, CommandError> {
        let flags = std::mem::take(&mut self.flags).into_description();
        let mut said = std::mem::take(&mut self.parts).over(flags);
        (said.tree, said.payload) = self.named_source();
        if let Some(path) = &self.metadata {
            said = said.or(Description::read(path)?);
        }
        let epoch = context.environment.source_date_epoch.as_deref();
        let epoch = epoch.map(source_date_epoch).transpose()?;
        let options = TreeOptions {
            compression: self.compression,
            clock: epoch,
            owners: said.owner.map(Owners::from).unwrap_or_default(),
            overrides: said
                .mtree
                .as_deref()
                .map(mtree)
                .transpose()?
                .unwrap_or_default(),
            ..TreeOptions::default()
        };
        let source = Source::of(&said)?;
        source.expect_tree_for(&said)?;
        source.warn(context);
        let previous = said.previous.as_deref();
        let previous = previous.map(|path| previous::files_of(path, &self.trust, context));
        let previous = previous.transpose()?;
        let mut regions = Vec::new();
        if let Some(path) = &said.readme {
            regions.push(readme(path)?);
        }
        regions.extend(said.part_regions(previous)?);
        for region in &said.regions {
            regions.push(region.draft()?);
        }
        let created = said.created.or(epoch);
        let manifest = said.into_manifest()?;
        Ok(Draft {
            created,
            payload_name: source.payload_name(&manifest),
            payload: source.open(options)?,
            regions,
            manifest,
        })
    }

    /// The tree or the payload that the command line names.
    fn named_source(&self) -> (Option<PathBuf>, Option<PathBuf>) {
        match &self.source {
            Some(source) if source.is_dir() => (Some(source.clone()), None),
            Some(source) => (None, Some(source.clone())),
            None => (self.tree.clone(), self.payload.clone()),
        }
    }
}

/// Where the payload comes from.
enum Source {
    Tree(PathBuf),
    File(PathBuf, File),
}

impl Source {
    fn of(said: &Description) -> Result<Self, CommandError> {
        match (&said.tree, &said.payload) {
            (Some(tree), None) => Ok(Self::Tree(tree.clone())),
            (None, Some(path)) => Ok(Self::File(path.clone(), fsio::open_regular(path)?)),
            (None, None) => Err(CommandError::usage("there is nothing to pack").hint(
                "name a directory or a payload file, as in: isi_packager create ./files ...",
            )),
            (Some(_), Some(_)) => Err(CommandError::usage(
                "there are both a tree and a payload: expected one of them",
            )),
        }
    }

    /// Refuses what can only be done to a tree.
    fn expect_tree_for(&self, said: &Description) -> Result<(), CommandError> {
        let asked = [
            ("--previous", said.previous.is_some()),
            ("--mtree", said.mtree.is_some()),
            ("--owner", said.owner.is_some()),
        ];
        let asked = asked.into_iter().find(|(_, asked)| *asked);
        match (self, asked) {
            (Self::File(path, _), Some((flag, _))) => Err(CommandError::usage(format!(
                "{flag} is for trees: {} is taken as it is",
                path.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Says which payloads old tools do not read cleanly out of a package.
    fn warn(&self, context: &mut Context) {
        let Self::File(path, file) = self else { return };
        let mut start = [0; 6];
        if fsio::ReadAt::read_exact_at(file, &mut start, 0).is_err() {
            return;
        }
        let kind = match start {
            [0x1f, 0x8b, ..] => "gzip",
            [0xfd, b'7', b'z', b'X', b'Z', 0] => "xz",
            _ => return,
        };
        context.out.warn(&format!(
            "{} is {kind}: GNU tar reports trailing garbage when it reads the package as its payload; \
             plain tar and tar.zst are read cleanly",
            path.display()
        ));
    }

    fn payload_name(&self, manifest: &Manifest) -> String {
        match self {
            Self::Tree(_) => manifest.name.clone(),
            Self::File(path, _) => path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
        }
    }

    fn open(self, options: TreeOptions) -> Result<PayloadSource, CommandError> {
        Ok(match self {
            Self::Tree(path) => PayloadSource::Tree {
                directory: Dir::open(&path)?,
                options,
            },
            Self::File(path, file) => PayloadSource::File {
                file,
                media_type: media_type(&path).to_owned(),
            },
        })
    }
}

/// The media type that a payload's name stands for, or nothing.
fn media_type(path: &Path) -> &'static str {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let known = [
        (".tar", "application/x-tar"),
        (".tar.zst", "application/zstd"),
        (".tar.gz", "application/gzip"),
        (".tgz", "application/gzip"),
        (".tar.xz", "application/x-xz"),
    ];
    let known = known.iter().find(|(ending, _)| name.ends_with(ending));
    known.map_or("", |(_, media_type)| media_type)
}

/// The specification in a file.
fn mtree(path: &Path) -> Result<Mtree, CommandError> {
    Mtree::parse(&read_list(path)?).map_err(|error| in_file(error.into(), path))
}

fn readme(path: &Path) -> Result<DraftRegion, CommandError> {
    let bytes = fsio::read_bounded(path, limits::MAX_README)?;
    if let Err(error) = std::str::from_utf8(&bytes) {
        let place = error.valid_up_to();
        return Err(CommandError::failed(format!(
            "{} is not UTF-8 from byte {place} on: expected text",
            path.display()
        ))
        .code("E_README"));
    }
    Ok(DraftRegion {
        kind: RegionKind::Readme,
        name: path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        media_type: "text/plain".to_owned(),
        content: Content::Bytes(bytes),
    })
}

impl Description {
    /// The manifest, as yet without regions.
    fn into_manifest(self) -> Result<Manifest, CommandError> {
        let missing = |flag: &str| {
            CommandError::usage(format!("the package has no {flag}")).hint(format!(
                "give --{flag}, or {flag} = \"...\" in the file of --metadata"
            ))
        };
        let package_type = self.package_type.ok_or_else(|| missing("type"))?;
        // An image becomes a boot environment beside the one that runs: starting it takes a reboot, and
        // the way back is there.
        let is_image = package_type == PackageType::Onefs;
        let restart = if is_image {
            Restart::Reboot
        } else {
            Restart::None
        };
        Ok(Manifest {
            read_version: READ_VERSION,
            write_version: WRITE_VERSION,
            package_type,
            name: self.name.ok_or_else(|| missing("name"))?,
            version: self.version.ok_or_else(|| missing("version"))?,
            build: self.build.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            product: self.product.unwrap_or_default(),
            architecture: self.architecture.unwrap_or_default(),
            branch: self.branch.unwrap_or_default(),
            created: jiff::Timestamp::UNIX_EPOCH,
            release_counter: self.release_counter.unwrap_or_default(),
            source_versions: self.source_versions.unwrap_or_default(),
            requires: self.requires.unwrap_or_default(),
            conflicts: self.conflicts.unwrap_or_default(),
            obsoletes: self.obsoletes.unwrap_or_default(),
            restart: self.restart.unwrap_or(restart),
            rollback: self.rollback.unwrap_or(is_image),
            services: self.services.unwrap_or_default(),
            free_space: self.free_space.unwrap_or_default(),
            minutes: self.minutes.unwrap_or_default(),
            regions: Vec::new(),
            unknown: Vec::new(),
        })
    }
}
