use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Artifact, Catalog, CatalogError, Context};
use crate::digest::PackageId;
use crate::fsio::{Dir, FsError, LockKind, OnExisting, OutputFile};
use crate::package::{Hashing, VerifyError, VerifyRequest, receive};
use crate::trust::TrustStore;

/// Permissions of what is exported, less the umask.
const EXPORT_MODE: u32 = 0o644;

/// An artifact to be copied out.
#[derive(Debug, Clone, Copy)]
pub struct ExportRequest<'a> {
    /// The artifact.
    pub id: PackageId,
    /// Where the copy goes.
    pub target: &'a Path,
    /// What to do if something is there.
    pub on_existing: OnExisting,
    /// Whether to put a file for `sha256sum -c` beside it.
    pub side_file: bool,
    /// Whom to trust: what is not trusted any more does not get out either.
    pub trust: &'a TrustStore,
}

/// What was copied out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// What is on record of the artifact.
    pub artifact: Artifact,
    /// The copy.
    pub target: PathBuf,
    /// The file for `sha256sum -c`, if one was asked for.
    pub side_file: Option<PathBuf>,
}

impl Catalog {
    /// Copies an artifact out, and names the copy only after the copy itself was verified.
    pub fn export(
        &mut self,
        request: &ExportRequest<'_>,
        context: &Context<'_>,
    ) -> Result<Exported, CatalogError> {
        let (artifact, file) = {
            let _shared = self.hold(LockKind::Shared, context.progress)?;
            let artifact = self.artifact(&request.id)?;
            (artifact, self.layout.open_artifact(&request.id)?)
        };
        let file = file.ok_or(CatalogError::ArtifactMissing { id: request.id })?;
        let create = |path: &Path| OutputFile::create(path, EXPORT_MODE, request.on_existing);
        let output = create(request.target)?;
        let side_path = request.side_file.then(|| side_path(request.target));
        let side = side_path.as_deref().map(create).transpose()?;
        expect_room(request.target, artifact.size)?;
        let verify = VerifyRequest {
            now: context.now,
            hashing: Hashing::Sequential,
            unsigned: artifact.unsigned_reason.as_deref(),
            progress: context.progress,
        };
        let package = receive(&file, output.file(), request.target, request.trust, &verify)
            .map_err(|error| self.not_exported(&artifact, error))?;
        if let Some(found) = package.id().filter(|found| *found != artifact.id) {
            let expected = artifact.id.digest();
            let error = CatalogError::corrupt(artifact.id, "file", expected, found.digest());
            return Err(error);
        }
        drop(output.commit()?);
        let side_file = match side {
            Some(side) => Some(write_side_file(side, &artifact.id, request.target)?),
            None => None,
        };
        Ok(Exported {
            artifact,
            target: request.target.to_owned(),
            side_file,
        })
    }

    fn not_exported(&self, artifact: &Artifact, source: VerifyError) -> CatalogError {
        match source {
            VerifyError::Cancelled => CatalogError::Cancelled,
            VerifyError::Copy(source) => CatalogError::Files(source),
            source => CatalogError::Verify {
                label: self.layout.artifact_file(&artifact.id),
                source,
            },
        }
    }
}

fn expect_room(target: &Path, needed: u64) -> Result<(), CatalogError> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let free = Dir::open(directory)?.free_space()?;
    if free >= needed {
        return Ok(());
    }
    let path = directory.to_owned();
    Err(CatalogError::NoSpace { path, needed, free })
}

fn side_path(target: &Path) -> PathBuf {
    let mut name = OsString::from(target);
    name.push(".sha256");
    name.into()
}

/// Writes one line as `sha256sum` does, escaped as it escapes.
fn write_side_file(
    mut side: OutputFile,
    id: &PackageId,
    target: &Path,
) -> Result<PathBuf, CatalogError> {
    let path = side.path().to_owned();
    let name = target.file_name().unwrap_or_default().as_encoded_bytes();
    let mut line = Vec::new();
    if name.iter().any(|byte| b"\\\n\r".contains(byte)) {
        line.push(b'\\');
    }
    line.extend(format!("{id}  ").as_bytes());
    for byte in name {
        match byte {
            b'\\' => line.extend(b"\\\\"),
            b'\n' => line.extend(b"\\n"),
            b'\r' => line.extend(b"\\r"),
            byte => line.push(*byte),
        }
    }
    line.push(b'\n');
    side.write_all(&line)
        .map_err(FsError::system("write", &path))?;
    drop(side.commit()?);
    Ok(path)
}
