use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::overrides::Override;
use super::{Artifact, Catalog, CatalogError, Context, State};
use crate::digest::{Hasher, PackageId};
use crate::fsio::{Dir, FsError, LockKind, OnExisting, OutputFile, RegionReader, copy_range};
use crate::package::{Hashing, VerifyError, VerifyRequest, receive};
use crate::trust::{TrustStore, Verdict};

/// Bytes copied at once before they are hashed.
const STEP: u64 = 8 << 20;
/// Bytes hashed at once.
const BUFFER: usize = 64 << 10;
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
    /// Why it should get out all the same; goes on record. Damage is never overridden.
    pub override_reason: Option<&'a str>,
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
    /// Code of the refusal that was overridden, if one was.
    pub overridden: Option<String>,
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
        let received = receive(&file, output.file(), request.target, request.trust, &verify);
        let reason = request.override_reason.map(str::trim);
        let reason = reason.filter(|reason| !reason.is_empty());
        let (found, overridden) = match (received, reason) {
            (Ok(package), _) => (package.id(), None),
            (Err(VerifyError::Refused(verdict)), Some(reason)) if may_be_overridden(&verdict) => {
                let source = VerifyError::Refused(verdict);
                let copy = (output.file(), request.target);
                let id = copy_whole(&file, copy, artifact.size, context)?;
                if id == artifact.id {
                    let allowed = Override {
                        id: artifact.id,
                        action: "export",
                        code: source.code(),
                        reason,
                    };
                    self.record_override(&allowed, context)?;
                }
                (Some(id), Some(source.code().to_owned()))
            }
            (Err(error), _) => return Err(self.not_exported(&artifact, error)),
        };
        if let Some(found) = found.filter(|found| *found != artifact.id) {
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
            overridden,
        })
    }

    fn not_exported(&self, artifact: &Artifact, source: VerifyError) -> CatalogError {
        let label = self.layout.artifact_file(&artifact.id);
        match source {
            VerifyError::Cancelled => CatalogError::Cancelled,
            VerifyError::Copy(source) => CatalogError::Files(source),
            VerifyError::Refused(verdict) if may_be_overridden(&verdict) => {
                let source = VerifyError::Refused(verdict);
                CatalogError::NotExported { label, source }
            }
            source => CatalogError::Verify { label, source },
        }
    }
}

/// Whether nothing but trust is missing.
fn may_be_overridden(verdict: &Verdict) -> bool {
    State::of_refusal(verdict).is_whole()
}

/// Copies a package whose signers are not accepted, and tells the ID of the copy.
fn copy_whole(
    source: &File,
    (copy, path): (&File, &Path),
    size: u64,
    context: &Context<'_>,
) -> Result<PackageId, CatalogError> {
    let read = FsError::system("read", path);
    context.progress.begin("copy", size);
    let (mut offset, mut hasher) = (0_u64, Hasher::new());
    let mut buffer = vec![0; BUFFER];
    while offset < size {
        if context.progress.cancelled() {
            return Err(CatalogError::Cancelled);
        }
        let step = STEP.min(size.saturating_sub(offset));
        copy_range(source, offset, copy, offset, step, path)?;
        let mut reader = RegionReader::new(copy, offset, step);
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(count) => count,
                Err(error) => return Err(read(error).into()),
            };
            if count == 0 {
                break;
            }
            hasher.update(buffer.get(..count).unwrap_or_default());
        }
        offset = offset.saturating_add(step);
        context.progress.advance(step);
    }
    Ok(PackageId::new(hasher.finish()))
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
