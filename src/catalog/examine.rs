use std::fs::File;
use std::io;
use std::time::Duration;

use jiff::Timestamp;

use super::layout::Layout;
use super::lock::Held;
use super::{Artifact, Catalog, CatalogError, Context, State};
use crate::digest::{PackageId, Sha256Digest};
use crate::fsio::{LockKind, ReadAt as _, with_causes};
use crate::isi_file::layout::FOOTER_SIZE;
use crate::package::{Hashing, OpenError, Package, VerifyError, VerifyRequest};
use crate::progress::Progress;
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
        self.state.is_whole()
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
            detail: Some(with_causes(error)),
            hint: error.hint(),
            verdict: None,
        }
    }
}

/// How far a verification goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// Manifest, signature, signers, timestamp and policy; the regions are not read.
    Metadata,
    /// Every byte, too.
    #[default]
    Full,
}

impl Catalog {
    /// Verifies one artifact anew: every byte, every signature, under the trust of now.
    pub fn examine(
        &mut self,
        artifact: &Artifact,
        trust: &TrustStore,
        context: &Context<'_>,
    ) -> Result<Examination, CatalogError> {
        self.examiner(trust, Depth::Full, context).examine(artifact)
    }

    /// Verifies artifacts under this trust; usable from several threads.
    pub(super) fn examiner<'a>(
        &'a self,
        trust: &'a TrustStore,
        depth: Depth,
        context: &Context<'a>,
    ) -> Examiner<'a> {
        Examiner {
            layout: &self.layout,
            lock_timeout: self.lock_timeout,
            trust,
            depth,
            now: context.now,
            progress: context.progress,
        }
    }
}

/// Looks at artifacts' files; knows nothing of the database.
#[derive(Clone, Copy)]
pub(super) struct Examiner<'a> {
    layout: &'a Layout,
    lock_timeout: Duration,
    trust: &'a TrustStore,
    depth: Depth,
    now: Timestamp,
    progress: &'a dyn Progress,
}

impl<'a> Examiner<'a> {
    /// Tells somebody else of the progress.
    pub(super) fn told_to(self, progress: &'a dyn Progress) -> Self {
        Self { progress, ..self }
    }

    /// Verifies one artifact anew, on all cores if its regions are read.
    ///
    /// The bytes are compared with the signed chunk lists. Together with the digest of the footer, which
    /// is on record, they stand for the whole file, so that another package under this ID is found as
    /// surely as by hashing the file once more.
    pub(super) fn examine(&self, artifact: &Artifact) -> Result<Examination, CatalogError> {
        let file = {
            let (kind, timeout) = (LockKind::Shared, self.lock_timeout);
            let _shared = Held::take(self.layout, kind, timeout, self.progress)?;
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
        match self.verify(artifact, file) {
            Ok(verdict) => Ok(self.sound(artifact, verdict)),
            Err(VerifyError::Cancelled) => Err(CatalogError::Cancelled),
            Err(error) => Ok(self.unsound(artifact, error)),
        }
    }

    fn verify(&self, artifact: &Artifact, file: File) -> Result<Verdict, VerifyError> {
        let request = VerifyRequest {
            now: self.now,
            hashing: Hashing::Chunks,
            unsigned: artifact.unsigned_reason.as_deref(),
            progress: self.progress,
        };
        let package = Package::open(file)?;
        Ok(match self.depth {
            Depth::Metadata => package.authenticate(self.trust, &request)?.verdict_so_far(),
            Depth::Full => package.verify(self.trust, &request)?.verdict().clone(),
        })
    }

    /// What nothing was found wrong with; but damage that was found stays until every byte is read again.
    fn sound(&self, artifact: &Artifact, verdict: Verdict) -> Examination {
        let found = Examination::sound(artifact, verdict);
        if self.depth == Depth::Full || artifact.state.is_whole() {
            return found;
        }
        Examination {
            state: artifact.state,
            code: artifact.state_code.clone(),
            detail: Some(
                "an earlier verification found it so, and its bytes were not read again".into(),
            ),
            hint: Some("`isi upgrade catalog verify --depth full` reads them".into()),
            ..found
        }
    }

    /// Turns a refusal into a state: damage, withdrawn trust, or trust that never was.
    fn unsound(&self, artifact: &Artifact, source: VerifyError) -> Examination {
        let (state, verdict) = match &source {
            VerifyError::Refused(verdict) => {
                (State::of_refusal(verdict), Some((**verdict).clone()))
            }
            _ => (State::Corrupt, None),
        };
        if self.depth == Depth::Metadata && state.is_whole() && !artifact.state.is_whole() {
            let verdict = verdict.unwrap_or_else(|| Verdict::new(Vec::new(), Vec::new(), None));
            return self.sound(artifact, verdict);
        }
        let label = self.layout.artifact_file(&artifact.id);
        let error = CatalogError::Verify { label, source };
        let failure = verdict.as_ref().and_then(Verdict::first_failure);
        let detail = failure.and_then(|check| check.detail.clone());
        Examination {
            verdict,
            detail: detail.or_else(|| Some(with_causes(&error))),
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
