use std::fs::File;

use jiff::Timestamp;

use super::action::Cause;
use super::records::Records;
use super::survey::{Finding, Found, Judged, Name};
use crate::catalog::describe::Content;
use crate::catalog::examine::footer_digest;
use crate::catalog::layout::Layout;
use crate::catalog::{CatalogError, State, parallel};
use crate::digest::{Hasher, PackageId};
use crate::fsio::ReadAt as _;
use crate::manifest::Manifest;
use crate::package::{Authentic, Hashing, Package, Unverified, VerifyError, VerifyRequest};
use crate::progress::Progress;
use crate::trust::{TrustStore, Verdict};

/// Bytes read at a time where a file is only hashed.
const BUFFER: usize = 64 << 10;

/// Most files whose names are held in memory beside what was found of them.
const AT_A_TIME: usize = 4096;

/// Says what files are, by their content and by what is on record of it.
pub(super) struct Judge<'a> {
    pub(super) layout: &'a Layout,
    pub(super) records: &'a Records,
    pub(super) trust: &'a TrustStore,
    pub(super) now: Timestamp,
}

/// Examines files on all cores; the answer is in the order of the names.
pub(super) fn examine_all(
    judge: &Judge<'_>,
    mut names: Vec<Name>,
    progress: &dyn Progress,
) -> Result<Vec<Found>, CatalogError> {
    let total = names.iter().map(|name| name.size).sum();
    progress.begin("verify", total);
    let mut all = Vec::with_capacity(names.len());
    // Taken from the end, so that the room of each part can be given back.
    names.reverse();
    while !names.is_empty() {
        let mut some = names.split_off(names.len().saturating_sub(AT_A_TIME));
        some.reverse();
        names.shrink_to_fit();
        let found = parallel::map(&some, |name| judge.examine(name, progress))?;
        all.extend(found.into_iter().flatten());
    }
    Ok(all)
}

impl Judge<'_> {
    /// Examines one file; `None` if it went away meanwhile.
    fn examine(&self, name: &Name, progress: &dyn Progress) -> Result<Option<Found>, CatalogError> {
        let finding = if name.regular {
            match self.layout.root().open_file(name.place.path()) {
                Ok(file) => self.judge(file, &Quiet(progress))?,
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => {
                    let error = CatalogError::Files(error);
                    Finding::Unreadable(Box::new(Cause::from(&error)))
                }
            }
        } else {
            Finding::Rejected(Box::new(Cause::foreign()))
        };
        Ok(Some(Found {
            place: name.place.clone(),
            identity: name.identity,
            mode: name.mode,
            finding,
        }))
    }

    fn judge(&self, file: File, progress: &dyn Progress) -> Result<Finding, CatalogError> {
        match self.verify(file, progress) {
            Ok(finding) => Ok(finding),
            Err(VerifyError::Cancelled) => Err(CatalogError::Cancelled),
            Err(VerifyError::Read(source)) => {
                let detail = format!("cannot read it: {source}");
                let cause = Cause::new("E_IO", detail, None);
                Ok(Finding::Unreadable(Box::new(cause)))
            }
            Err(error) => Ok(Finding::Rejected(Box::new(cause_of(&error)))),
        }
    }

    /// Verifies a package as an import does; one that is not trusted is a finding, too.
    fn verify(&self, file: File, progress: &dyn Progress) -> Result<Finding, VerifyError> {
        let package = Package::open(file)?;
        // An unsigned package is judged by the reason that was given for it, so its ID comes first.
        let known = if package.is_signed() {
            None
        } else {
            Some(hash(package.file(), progress)?)
        };
        let unsigned = known.and_then(|id| self.records.unsigned_reason(&id));
        let request = VerifyRequest {
            now: self.now,
            hashing: Hashing::Sequential,
            unsigned,
            progress,
        };
        match self.authenticate(package, &request)? {
            Ok(package) => {
                let id = package.check_regions(&request)?;
                let id = id.or(known).ok_or(VerifyError::Cancelled)?;
                self.judged(id, &package, package.manifest(), None)
            }
            Err((package, verdict)) => {
                let id = match known {
                    Some(id) => id,
                    None => hash(package.file(), progress)?,
                };
                let (manifest, _) = package.inspect()?;
                self.judged(id, &package, &manifest, Some(&verdict))
            }
        }
    }

    /// Tells whether the package is trusted now, and keeps it if it is not.
    fn authenticate(
        &self,
        package: Package<Unverified>,
        request: &VerifyRequest<'_>,
    ) -> Result<Authenticated, VerifyError> {
        let file = package.file().try_clone().map_err(VerifyError::Read)?;
        match package.authenticate(self.trust, request) {
            Ok(package) => Ok(Ok(package)),
            Err(VerifyError::Refused(verdict)) => match State::of_refusal(&verdict) {
                State::Corrupt => Err(VerifyError::Refused(verdict)),
                _ => Ok(Err((Package::open(file)?, verdict))),
            },
            Err(error) => Err(error),
        }
    }

    fn judged<S>(
        &self,
        id: PackageId,
        package: &Package<S>,
        manifest: &Manifest,
        refused: Option<&Verdict>,
    ) -> Result<Finding, VerifyError> {
        let content = Content {
            id,
            footer: footer_digest(package.file()).map_err(VerifyError::Read)?,
            envelope: package.envelope(),
            manifest,
        };
        let artifact = match content.describe(None, None, self.now) {
            Ok(artifact) => artifact,
            Err(error) => return Ok(Finding::Rejected(Box::new(Cause::from(&error)))),
        };
        Ok(Finding::Package(Judged {
            id,
            state: refused.map_or(artifact.state, State::of_refusal),
            cause: refused.map(|verdict| Box::new(cause_of_refusal(verdict))),
            facts: artifact.facts().into(),
            software: artifact.software().into(),
            manifest: artifact.manifest.into(),
        }))
    }
}

type Authenticated = Result<Package<Authentic>, (Package<Unverified>, Box<Verdict>)>;

/// The digest of a whole file.
fn hash(file: &File, progress: &dyn Progress) -> Result<PackageId, VerifyError> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BUFFER];
    let (mut offset, length) = (0, file.length().map_err(VerifyError::Read)?);
    while offset < length {
        if progress.cancelled() {
            return Err(VerifyError::Cancelled);
        }
        let left = usize::try_from(length - offset).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        let piece = buffer.get_mut(..count).unwrap_or_default();
        file.read_exact_at(piece, offset)
            .map_err(VerifyError::Read)?;
        hasher.update(piece);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        offset = offset.saturating_add(count);
        progress.advance(count);
    }
    Ok(PackageId::new(hasher.finish()))
}

fn cause_of(error: &VerifyError) -> Cause {
    match error {
        VerifyError::Refused(verdict) => cause_of_refusal(verdict),
        error => Cause::new(error.code(), error.to_string(), error.hint()),
    }
}

/// Why a package is refused, in the words of the check that failed.
pub(super) fn cause_of_refusal(verdict: &Verdict) -> Cause {
    let failure = verdict.first_failure();
    let code = failure.and_then(|check| check.code.as_deref());
    let detail = failure.and_then(|check| check.detail.clone());
    Cause {
        code: code.unwrap_or("E_REFUSED").to_owned(),
        detail: detail.unwrap_or_else(|| "no check passed".to_owned()),
        hint: failure.and_then(|check| check.hint.clone()),
    }
}

/// Hands on how far the work is, but not where a single file begins.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn begin(&self, _name: &str, _total: u64) {}

    fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
