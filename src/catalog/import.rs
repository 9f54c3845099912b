use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::database::{blob, digest, insert_artifact};
use super::describe::Content;
use super::events::{self, NewEvent};
use super::examine::footer_digest;
use super::layout::INCOMING;
use super::record::note_trust;
use super::staging::Staging;
use super::{Artifact, Catalog, CatalogError, Context};
use crate::digest::PackageId;
use crate::fsio::{FsError, Incoming, LockKind, ReadAt as _, regular_length};
use crate::package::{
    Hashing, Package, Verified, VerifyError, VerifyRequest, receive, receive_stream,
};
use crate::trust::{CheckName, TrustStore, Verdict};

/// Room for the database and its journal beside the package, in bytes.
const SPARE: u64 = 1 << 20;

/// Where a package comes from; it may change or vanish meanwhile.
pub enum Source<'a> {
    /// A file, opened for reading by the caller.
    File(&'a File),
    /// Bytes that come once, the package's last byte being the last one.
    Stream {
        /// Where they come from.
        reader: &'a mut dyn Read,
        /// The most that is taken: all of it is copied before any of it can be judged.
        limit: u64,
    },
}

/// How a package is to be imported.
#[derive(Debug, Clone, Copy)]
pub struct ImportRequest<'a> {
    /// What the caller calls it, for messages and the event log.
    pub label: &'a Path,
    /// Whom to trust.
    pub trust: &'a TrustStore,
    /// Why an unsigned package should be let in; the policy has to agree.
    pub unsigned: Option<&'a str>,
}

/// What an import came to.
#[derive(Debug)]
pub struct Import {
    /// What the catalog knows of the package now.
    pub artifact: Artifact,
    /// What was checked and found.
    pub verdict: Verdict,
    /// What was done.
    pub outcome: Outcome,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The package is new in the catalog.
    Added,
    /// The very same package was there, unharmed; nothing was changed.
    AlreadyPresent,
    /// The very same package was listed, but its file was missing or damaged and is now put back.
    Restored,
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Stream { limit, .. } => f
                .debug_struct("Stream")
                .field("limit", limit)
                .finish_non_exhaustive(),
        }
    }
}

impl Catalog {
    /// Copies a package in, verifies the copy, and keeps it; see `format-spec/catalog.md` for the order.
    ///
    /// What fails leaves nothing behind. A package that is whole but not trusted is refused with an
    /// entry in the event log.
    pub fn import(
        &mut self,
        source: Source<'_>,
        request: &ImportRequest<'_>,
        context: &Context<'_>,
    ) -> Result<Import, CatalogError> {
        context.expect_clock()?;
        // How long a stream is turns out at its end.
        let length = match source {
            Source::File(file) => regular_length(file, request.label)?,
            Source::Stream { .. } => 0,
        };
        self.expect_room(length)?;
        let staging = {
            let _shared = self.hold(LockKind::Shared, context.progress)?;
            Staging::create(&self.layout)?
        };
        let verify = VerifyRequest {
            now: context.now,
            hashing: Hashing::Sequential,
            unsigned: request.unsigned,
            progress: context.progress,
        };
        let (copy, path) = (staging.file(), staging.path());
        let (label, trust) = (request.label, request.trust);
        let received = match source {
            Source::File(file) => receive(file, copy, &path, trust, &verify),
            Source::Stream { reader, limit } => {
                let name = label;
                let incoming = Incoming {
                    reader,
                    name,
                    limit,
                };
                receive_stream(incoming, copy, &path, trust, &verify)
            }
        };
        let package = match received {
            Ok(package) => package,
            Err(error) => {
                drop(staging);
                return Err(self.refused(error, request, context));
            }
        };
        staging.seal()?;
        let artifact = describe(&package, request, context.now)?;
        let outcome = self.enter(staging, &artifact, package.verdict(), request, context)?;
        let artifact = match outcome {
            Outcome::Added => artifact,
            // What is on record is older than this import.
            _ => self.artifact(&artifact.id)?,
        };
        Ok(Import {
            artifact,
            verdict: package.verdict().clone(),
            outcome,
        })
    }

    /// Whether there is a file under the artifact's ID, with its length and its footer.
    fn is_in_place(&self, artifact: &Artifact) -> Result<bool, CatalogError> {
        let Some(file) = self.layout.open_artifact(&artifact.id)? else {
            return Ok(false);
        };
        let length = file.length().is_ok_and(|length| length == artifact.size);
        Ok(length && footer_digest(&file).is_ok_and(|footer| footer == artifact.footer))
    }

    fn expect_room(&self, length: u64) -> Result<(), CatalogError> {
        let free = self.layout.root().free_space()?;
        let needed = length.saturating_add(SPARE);
        if free >= needed {
            return Ok(());
        }
        let path = self.layout.path(INCOMING);
        Err(CatalogError::NoSpace { path, needed, free })
    }

    /// Decides what the verified copy is to the catalog, and makes it so.
    fn enter(
        &mut self,
        staging: Staging,
        artifact: &Artifact,
        verdict: &Verdict,
        request: &ImportRequest<'_>,
        context: &Context<'_>,
    ) -> Result<Outcome, CatalogError> {
        // Looked at before the catalog is held still: hashing may take a while, content never changes.
        let looked_at = match self.find(&artifact.id)? {
            Some(present) => Some(self.examine(&present, request.trust, context)?.is_whole()),
            None => None,
        };
        let _exclusive = self.hold(LockKind::Exclusive, context.progress)?;
        let outcome = match self.find(&artifact.id)? {
            None => Outcome::Added,
            // What another import entered in between, it verified in between.
            Some(_) if looked_at.unwrap_or(true) && self.is_in_place(artifact)? => {
                return Ok(Outcome::AlreadyPresent);
            }
            Some(_) => Outcome::Restored,
        };
        if outcome == Outcome::Added {
            self.expect_no_conflict(artifact)?;
        }
        let placed = staging.publish(&self.layout, &artifact.id)?;
        let entered = self.database.write("enter the package", |transaction| {
            match outcome {
                Outcome::Added => insert_artifact(transaction, artifact, verdict)?,
                _ => renew(transaction, artifact)?,
            }
            let trust_state = request.trust.fingerprint(context.now);
            note_trust(transaction, &artifact.id, &trust_state)?;
            let subject = artifact.id.to_string();
            let kind = match outcome {
                Outcome::Added => "import",
                _ => "restore",
            };
            events::append(
                transaction,
                &entry(kind, &subject, artifact, verdict, request, context),
            )
        });
        if let Err(error) = entered {
            // The commit may have failed after it was done; only what is surely not listed may go.
            if let Ok(None) = self.find(&artifact.id) {
                placed.take_back();
            }
            return Err(error);
        }
        Ok(outcome)
    }

    /// Two packages of one type, name, version, build, product and architecture must be one software.
    ///
    /// The same manifest under another signature or timestamp is the same software and may stand beside.
    fn expect_no_conflict(&mut self, artifact: &Artifact) -> Result<(), CatalogError> {
        let present = self.database.read("look for the version", |transaction| {
            transaction
                .prepare_cached(
                    "SELECT id FROM artifact
                     WHERE name = ?1 AND version_key = ?2 AND version = ?3 AND build = ?4
                        AND type = ?5 AND product = ?6 AND architecture = ?7
                        AND manifest_sha256 <> ?8
                     ORDER BY id LIMIT 1",
                )?
                .query_row(
                    params![
                        artifact.name,
                        artifact.version.sort_key(),
                        artifact.version.to_string(),
                        artifact.build,
                        artifact.package_type.name(),
                        artifact.product,
                        artifact.architecture,
                        blob(&artifact.manifest),
                    ],
                    |row| digest(row, 0).map(PackageId::new),
                )
                .optional()
        })?;
        match present {
            None => Ok(()),
            Some(present) => Err(CatalogError::VersionConflict {
                package: format!(
                    "{} {} build {:?}",
                    artifact.name, artifact.version, artifact.build
                ),
                present,
            }),
        }
    }

    /// Records the refusal of a whole package that is not trusted, and says why it was refused.
    fn refused(
        &mut self,
        error: VerifyError,
        request: &ImportRequest<'_>,
        context: &Context<'_>,
    ) -> CatalogError {
        let verdict = match error {
            VerifyError::Cancelled => return CatalogError::Cancelled,
            VerifyError::Copy(FsError::TooLarge { path, limit }) => {
                return CatalogError::StreamTooLong { label: path, limit };
            }
            VerifyError::Copy(source) => return CatalogError::Files(source),
            VerifyError::Refused(ref verdict) => verdict,
            _ => return not_accepted(request.label, error),
        };
        let failure = verdict.first_failure();
        if let Some(check) = failure.filter(|check| check.name != CheckName::Structure) {
            let details = serde_json::json!({
                "package": request.label.to_string_lossy(),
                "check": check.name,
                "code": check.code,
                "signers": subjects(verdict),
            });
            let event = NewEvent {
                time: context.now,
                kind: "import-refused",
                subject: "",
                actor: context.actor,
                details,
            };
            let recorded = self
                .hold(LockKind::Exclusive, context.progress)
                .and_then(|_held| {
                    self.database.write("record the refusal", |transaction| {
                        events::append(transaction, &event)
                    })
                });
            if let Err(problem) = recorded {
                tracing::warn!(code = problem.code(), "the refusal could not be recorded");
            }
        }
        not_accepted(request.label, error)
    }
}

fn not_accepted(label: &Path, source: VerifyError) -> CatalogError {
    let label = label.to_owned();
    CatalogError::Verify { label, source }
}

/// What the row says of a verified package.
fn describe(
    package: &Package<Verified>,
    request: &ImportRequest<'_>,
    now: Timestamp,
) -> Result<Artifact, CatalogError> {
    let id = package.id().ok_or_else(|| {
        let missing = std::io::Error::other("no digest of the whole file");
        not_accepted(request.label, VerifyError::Read(missing))
    })?;
    let content = Content {
        id,
        footer: footer_digest(package.file())
            .map_err(|source| not_accepted(request.label, VerifyError::Read(source)))?,
        envelope: package.envelope(),
        manifest: package.manifest(),
    };
    let signed_at = package.verdict().timestamp.as_ref().map(|token| token.time);
    content.describe(request.unsigned, signed_at, now)
}

/// Notes that an artifact's file is sound again.
fn renew(transaction: &Transaction<'_>, artifact: &Artifact) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE artifact SET state = ?2, state_code = NULL, checked_at = ?3 WHERE id = ?1",
        )?
        .execute(params![
            blob(&artifact.id.digest()),
            artifact.state.name(),
            artifact.checked_at.as_microsecond(),
        ])
        .map(drop)
}

fn entry<'a>(
    kind: &'a str,
    subject: &'a str,
    artifact: &Artifact,
    verdict: &Verdict,
    request: &ImportRequest<'_>,
    context: &Context<'a>,
) -> NewEvent<'a> {
    let details = serde_json::json!({
        "package": request.label.to_string_lossy(),
        "type": artifact.package_type,
        "name": artifact.name,
        "version": artifact.version,
        "build": artifact.build,
        "size": artifact.size,
        "signers": subjects(verdict),
        "unsigned_reason": artifact.unsigned_reason,
    });
    NewEvent {
        time: context.now,
        kind,
        subject,
        actor: context.actor,
        details,
    }
}

/// Who signed, by certificate and by the identity that matched.
fn subjects(verdict: &Verdict) -> serde_json::Value {
    let signers = verdict.signers.iter().map(|signer| {
        serde_json::json!({
            "identity": signer.identity,
            "subject": signer.subject,
            "certificate": signer.sha256,
        })
    });
    signers.collect()
}
