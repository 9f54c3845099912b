//! Makes the rows agree with the files.

use rusqlite::{Transaction, params};
use serde_json::json;

use super::action::{Action, Cause};
use super::apply::Mover;
use super::judge::cause_of_refusal;
use super::records::Records;
use crate::catalog::database::{Database, blob, insert_artifact};
use crate::catalog::describe::Content;
use crate::catalog::events::{self, NewEvent};
use crate::catalog::examine::footer_digest;
use crate::catalog::layout::{Layout, artifact_path};
use crate::catalog::record::{note_trust, write_verdict};
use crate::catalog::resolve::find;
use crate::catalog::{Artifact, CatalogError, Context, State, parallel};
use crate::digest::{PackageId, Sha256Digest};
use crate::isi_file::Envelope;
use crate::manifest::Manifest;
use crate::package::{Hashing, Package, VerifyError, VerifyRequest};
use crate::trust::{Check, CheckName, TrustStore, Verdict};

/// Most artifacts that are entered in one transaction, and held in memory meanwhile.
const BATCH: usize = 256;

/// Changes rows; the caller holds the catalog still.
pub(super) struct Recorder<'a> {
    pub(super) layout: &'a Layout,
    pub(super) records: &'a Records,
    pub(super) trust: &'a TrustStore,
    /// The fingerprint of that.
    pub(super) trust_state: Sha256Digest,
    pub(super) context: &'a Context<'a>,
}

/// What a row will say, and the checks behind it.
type Described = (Artifact, Verdict);

impl Recorder<'_> {
    /// Does the steps that change rows, some in one transaction; `done` is told of each and whether
    /// things were still as they were planned on.
    pub(super) fn apply(
        &self,
        actions: &[Action],
        moved: &Mover<'_>,
        database: &mut Database,
        done: &mut dyn FnMut(&Action, bool),
    ) -> Result<(), CatalogError> {
        for batch in actions.chunks(BATCH) {
            let described = self.describe_all(batch, moved)?;
            let results = database.write("enter what was repaired", |transaction| {
                let steps = batch.iter().zip(&described);
                let step = |(action, described): (&Action, &Option<Described>)| {
                    self.record(transaction, action, described.as_ref())
                };
                steps.map(step).collect::<rusqlite::Result<Vec<_>>>()
            })?;
            for (action, result) in batch.iter().zip(results) {
                done(action, result);
            }
        }
        Ok(())
    }

    /// Verifies once more, on all cores, by the parts behind the regions what is to get a row.
    fn describe_all(
        &self,
        actions: &[Action],
        moved: &Mover<'_>,
    ) -> Result<Vec<Option<Described>>, CatalogError> {
        parallel::map(actions, |action| match action {
            Action::Enter { id, identity, .. } | Action::Correct { id, identity }
                if moved.is_same(&artifact_path(id), identity)? =>
            {
                self.describe(id)
            }
            Action::State { id, to, .. } if !matches!(to, State::Missing | State::Corrupt) => {
                self.describe(id)
            }
            _ => Ok(None),
        })
    }

    /// What the row of an artifact in its place has to say; `None` if it is gone.
    fn describe(&self, id: &PackageId) -> Result<Option<Described>, CatalogError> {
        let Some(file) = self.layout.open_artifact(id)? else {
            return Ok(None);
        };
        let label = self.layout.artifact_file(id);
        let refused = |source: VerifyError| CatalogError::Verify {
            label: label.clone(),
            source,
        };
        let footer = footer_digest(&file).map_err(|error| refused(VerifyError::Read(error)))?;
        let unsigned = self.records.unsigned_reason(id);
        let request = VerifyRequest {
            now: self.context.now,
            hashing: Hashing::Chunks,
            unsigned,
            progress: self.context.progress,
        };
        let again = file
            .try_clone()
            .map_err(|error| refused(VerifyError::Read(error)))?;
        let package = Package::open(file).map_err(|error| refused(error.into()))?;
        let describe = |envelope: &Envelope, manifest: &Manifest, verdict: &Verdict| {
            let content = Content {
                id: *id,
                footer,
                envelope,
                manifest,
            };
            let signed_at = verdict.timestamp.as_ref().map(|token| token.time);
            content.describe(unsigned, signed_at, self.context.now)
        };
        let (mut artifact, verdict) = match package.authenticate(self.trust, &request) {
            Ok(package) => {
                let manifest = package.manifest();
                let verdict = complete(package.verdict(), package.length(), manifest.regions.len());
                (describe(package.envelope(), manifest, &verdict)?, verdict)
            }
            // The survey saw that every byte is what the ID names.
            Err(VerifyError::Refused(verdict)) => {
                let package = Package::open(again).map_err(|error| refused(error.into()))?;
                let (manifest, _) = package.inspect().map_err(|error| refused(error.into()))?;
                (describe(package.envelope(), &manifest, &verdict)?, *verdict)
            }
            Err(error) => return Err(refused(error)),
        };
        if verdict.is_refused() {
            artifact.state = State::of_refusal(&verdict);
            artifact.state_code = Some(cause_of_refusal(&verdict).code);
        }
        if let Some(time) = self.records.imported_at(id) {
            artifact.imported_at = time;
        }
        Ok(Some((artifact, verdict)))
    }

    /// Does one step; `false` if things are no longer as they were planned on.
    fn record(
        &self,
        transaction: &Transaction<'_>,
        action: &Action,
        described: Option<&Described>,
    ) -> rusqlite::Result<bool> {
        match action {
            Action::Enter { id, recorded, .. } => {
                let Some((artifact, verdict)) = described else {
                    return Ok(false);
                };
                if find(transaction, id)?.is_some() {
                    return Ok(false);
                }
                insert_artifact(transaction, artifact, verdict)?;
                note_trust(transaction, id, &self.trust_state)?;
                if !recorded {
                    self.tell(transaction, "recover", id, facts(artifact))?;
                }
                Ok(true)
            }
            Action::Correct { id, .. } => match (described, find(transaction, id)?) {
                (Some((artifact, verdict)), Some(old)) => {
                    self.correct(transaction, artifact, verdict, &old)?;
                    Ok(true)
                }
                _ => Ok(false),
            },
            Action::State {
                id,
                from,
                to,
                cause,
            } => {
                let done = self.set_state(transaction, id, *from, *to, cause.as_deref())?;
                if let (true, Some((_, verdict))) = (done, described) {
                    write_verdict(transaction, id, verdict)?;
                }
                Ok(done)
            }
            Action::Lost { id } => self.drop_row(transaction, id),
            Action::CommittedImageMissing { id, holder } => {
                if self.is_there(id) {
                    return Ok(false);
                }
                let details = json!({ "holder": holder });
                self.tell(transaction, action.name(), id, details)?;
                Ok(true)
            }
            Action::Move { id, from, .. } => {
                let details = json!({ "from": from.to_string_lossy() });
                self.tell(transaction, action.name(), id, details)?;
                Ok(true)
            }
            Action::Quarantine {
                from,
                entry,
                cause,
                returns: false,
                ..
            } => {
                let details = json!({
                    "from": from.to_string_lossy(),
                    "entry": entry,
                    "code": cause.code,
                    "detail": cause.detail,
                });
                let subject = action.id().map(|id| id.to_string()).unwrap_or_default();
                self.tell_of(transaction, action.name(), &subject, details)?;
                Ok(true)
            }
            Action::Rebuild { cause } => {
                let details = json!({ "code": cause.code, "detail": cause.detail });
                self.tell_of(transaction, action.name(), "", details)?;
                Ok(true)
            }
            Action::Restore { id, entry, .. } => {
                let details = json!({ "entry": entry });
                self.tell(transaction, "restore", id, details)?;
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    /// Writes a row anew from its artifact; what only the database knew stays.
    fn correct(
        &self,
        transaction: &Transaction<'_>,
        artifact: &Artifact,
        verdict: &Verdict,
        old: &Artifact,
    ) -> rusqlite::Result<()> {
        let mut artifact = artifact.clone();
        artifact.imported_at = old.imported_at;
        transaction
            .prepare_cached("DELETE FROM artifact WHERE id = ?1")?
            .execute([blob(&artifact.id.digest())])?;
        insert_artifact(transaction, &artifact, verdict)?;
        note_trust(transaction, &artifact.id, &self.trust_state)?;
        self.tell(transaction, "correct", &artifact.id, facts(&artifact))
    }

    fn set_state(
        &self,
        transaction: &Transaction<'_>,
        id: &PackageId,
        from: State,
        to: State,
        cause: Option<&Cause>,
    ) -> rusqlite::Result<bool> {
        let gone = matches!(to, State::Missing);
        if gone && self.is_there(id) {
            return Ok(false);
        }
        let code = cause.map(|cause| &cause.code);
        let changed = transaction
            .prepare_cached(
                "UPDATE artifact SET state = ?3, state_code = ?4, checked_at = ?5, trust_state = ?6
                 WHERE id = ?1 AND state = ?2",
            )?
            .execute(params![
                blob(&id.digest()),
                from.name(),
                to.name(),
                code,
                self.context.now.as_microsecond(),
                blob(&self.trust_state),
            ])?;
        if changed == 0 {
            return Ok(false);
        }
        if from != to {
            let details = json!({ "from": from, "to": to, "code": code });
            self.tell(transaction, "state", id, details)?;
        }
        Ok(true)
    }

    fn drop_row(&self, transaction: &Transaction<'_>, id: &PackageId) -> rusqlite::Result<bool> {
        let Some(artifact) = find(transaction, id)?.filter(|_| !self.is_there(id)) else {
            return Ok(false);
        };
        transaction
            .prepare_cached("DELETE FROM artifact WHERE id = ?1")?
            .execute([blob(&id.digest())])?;
        self.tell(transaction, "lost", id, facts(&artifact))?;
        Ok(true)
    }

    /// Whether there is anything in the artifact's place.
    fn is_there(&self, id: &PackageId) -> bool {
        let kind = self.layout.root().kind_of(artifact_path(id));
        !matches!(kind, Ok(None))
    }

    fn tell(
        &self,
        transaction: &Transaction<'_>,
        kind: &str,
        id: &PackageId,
        details: serde_json::Value,
    ) -> rusqlite::Result<()> {
        self.tell_of(transaction, kind, &id.to_string(), details)
    }

    fn tell_of(
        &self,
        transaction: &Transaction<'_>,
        kind: &str,
        subject: &str,
        details: serde_json::Value,
    ) -> rusqlite::Result<()> {
        let event = NewEvent {
            time: self.context.now,
            kind,
            subject,
            actor: self.context.actor,
            details,
        };
        events::append(transaction, &event)
    }
}

/// The verdict of a package whose every byte was compared by the survey.
fn complete(verdict: &Verdict, length: u64, regions: usize) -> Verdict {
    let mut checks = verdict.checks.clone();
    checks.retain(|check| !matches!(check.name, CheckName::Structure | CheckName::Digests));
    checks.push(Check::passed(CheckName::Structure).fact("length", length));
    checks.push(Check::passed(CheckName::Digests).fact("regions", regions));
    Verdict::new(checks, verdict.signers.clone(), verdict.timestamp.clone())
}

/// What the event log says of an artifact.
fn facts(artifact: &Artifact) -> serde_json::Value {
    json!({
        "type": artifact.package_type,
        "name": artifact.name,
        "version": artifact.version,
        "build": artifact.build,
        "size": artifact.size,
        "unsigned_reason": artifact.unsigned_reason,
    })
}
