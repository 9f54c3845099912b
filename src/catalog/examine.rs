use std::fs::File;
use std::io;

use super::{Artifact, Catalog, CatalogError, Context, State};
use crate::digest::{PackageId, Sha256Digest};
use crate::fsio::{LockKind, ReadAt as _};
use crate::isi_file::layout::FOOTER_SIZE;
use crate::package::{Hashing, OpenError, Package, VerifyError, VerifyRequest};
use crate::trust::{TrustStore, Verdict};

/// What verifying one artifact found; a finding is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// The artifact.
    pub id: PackageId,
    /// What it is as of now.
    pub state: State,
    /// Stable code of what is wrong.
    pub code: Option<String>,
    /// One sentence about what is wrong.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The checks, as far as they got; none if the file is missing or its structure is broken.
    pub verdict: Option<Verdict>,
}

impl Examination {
    /// Whether the file has the content that its ID names, trusted or not.
    pub fn is_whole(&self) -> bool {
        !matches!(self.state, State::Corrupt | State::Missing)
    }

    fn sound(artifact: &Artifact, verdict: Verdict) -> Self {
        let state = if artifact.signed {
            State::Verified
        } else {
            State::Unsigned
        };
        Self {
            id: artifact.id,
            state,
            code: None,
            detail: None,
            hint: None,
            verdict: Some(verdict),
        }
    }

    fn unsound(artifact: &Artifact, state: State, error: &CatalogError) -> Self {
        Self {
            id: artifact.id,
            state,
            code: Some(error.code().to_owned()),
            detail: Some(error.to_string()),
            hint: error.hint(),
            verdict: None,
        }
    }
}

impl Catalog {
    /// Verifies one artifact anew: every byte, every signature, under the trust of now.
    ///
    /// The bytes are compared with the signed chunk lists on all cores. Together with the digest of the
    /// footer, which is on record, they stand for the whole file, so that another package under this
    /// ID is found as surely as by hashing the file once more.
    pub fn examine(
        &mut self,
        artifact: &Artifact,
        trust: &TrustStore,
        context: &Context<'_>,
    ) -> Result<Examination, CatalogError> {
        let file = {
            let _shared = self.hold(LockKind::Shared, context.progress)?;
            self.layout.open_artifact(&artifact.id)
        };
        let file = match file {
            Ok(Some(file)) => file,
            Ok(None) => {
                let error = CatalogError::ArtifactMissing { id: artifact.id };
                return Ok(Examination::unsound(artifact, State::Missing, &error));
            }
            // A link, a directory or anything else in its place is damage and not trouble with looking.
            Err(error) => return Ok(Examination::unsound(artifact, State::Corrupt, &error)),
        };
        if let Err(error) = self.expect_footer(artifact, &file) {
            return Ok(Examination::unsound(artifact, State::Corrupt, &error));
        }
        let request = VerifyRequest {
            now: context.now,
            hashing: Hashing::Chunks,
            unsigned: artifact.unsigned_reason.as_deref(),
            progress: context.progress,
        };
        let verified = Package::open(file)
            .map_err(VerifyError::from)
            .and_then(|package| package.verify(trust, &request));
        match verified {
            Ok(package) => Ok(Examination::sound(artifact, package.verdict().clone())),
            Err(VerifyError::Cancelled) => Err(CatalogError::Cancelled),
            Err(error) => Ok(self.judge(artifact, error)),
        }
    }

    /// Turns a refusal into a state: damage, withdrawn trust, or trust that never was.
    fn judge(&self, artifact: &Artifact, source: VerifyError) -> Examination {
        let (state, verdict) = match &source {
            VerifyError::Refused(verdict) => {
                (State::of_refusal(verdict), Some((**verdict).clone()))
            }
            _ => (State::Corrupt, None),
        };
        let label = self.layout.artifact_file(&artifact.id);
        let error = CatalogError::Verify { label, source };
        let failure = verdict.as_ref().and_then(Verdict::first_failure);
        let detail = failure.and_then(|check| check.detail.clone());
        Examination {
            verdict,
            detail: detail.or_else(|| Some(error.to_string())),
            ..Examination::unsound(artifact, state, &error)
        }
    }

    /// Compares the footer of an artifact's file with the one on record.
    fn expect_footer(&self, artifact: &Artifact, file: &File) -> Result<(), CatalogError> {
        let (id, expected) = (artifact.id, artifact.footer);
        let found = footer_digest(file).map_err(|source| CatalogError::Open {
            label: self.layout.artifact_file(&id),
            source: Box::new(OpenError::Read(source)),
        })?;
        if found == expected {
            return Ok(());
        }
        Err(CatalogError::corrupt(id, "footer", expected, found))
    }
}

/// The digest of a package's footer, which holds the digests of all that is not under the signature.
pub(super) fn footer_digest(file: &File) -> io::Result<Sha256Digest> {
    let mut footer = [0; FOOTER_SIZE];
    let size = u64::try_from(FOOTER_SIZE).map_err(io::Error::other)?;
    let offset = file.length()?.checked_sub(size);
    file.read_exact_at(&mut footer, offset.ok_or(io::ErrorKind::UnexpectedEof)?)?;
    Ok(Sha256Digest::of(&footer))
}
