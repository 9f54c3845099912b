use std::collections::HashMap;
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};

use super::examine::Examiner;
use super::record::Recorder;
use super::{
    Artifact, Catalog, CatalogError, Context, Depth, Examination, ListRequest, State, parallel,
};
use crate::digest::PackageId;
use crate::progress::{Holder, Progress};
use crate::trust::TrustStore;

/// Most artifacts that are looked at side by side before they are told of.
const BATCH: usize = 128;
/// A package of this many bytes or more is hashed on all cores by itself.
const LARGE: u64 = 32 << 20;

/// What verifying many artifacts came to.
#[derive(Debug, Default)]
pub struct Judged {
    /// Why the findings are not on record, if so.
    pub not_recorded: Option<CatalogError>,
}

/// What is known better than it is on record, where the record could not be written.
#[derive(Debug, Default)]
pub struct Overlay(HashMap<PackageId, (State, Option<String>)>);

impl Overlay {
    /// Puts what is known into an artifact.
    pub fn apply(&self, artifact: &mut Artifact) {
        if let Some((state, code)) = self.0.get(&artifact.id) {
            artifact.state = *state;
            artifact.state_code.clone_from(code);
        }
    }
}

impl Catalog {
    /// Verifies artifacts on all cores, tells of each in the order asked for, and records what was found.
    ///
    /// Small ones are looked at side by side, a large one is hashed on all cores. What was removed
    /// meanwhile is left out.
    pub fn judge(
        &mut self,
        ids: &[PackageId],
        depth: Depth,
        trust: &TrustStore,
        context: &Context<'_>,
        tell: &mut dyn FnMut(&Artifact, Examination),
    ) -> Result<Judged, CatalogError> {
        let recorder = Recorder::new(trust.fingerprint(context.now), depth, true);
        let recorder = self.judge_into(recorder, ids, depth, trust, context, tell)?;
        Ok(Judged {
            not_recorded: recorder.into_failure(),
        })
    }

    /// Judges those artifacts of a listing anew that were last judged under another trust than now's.
    ///
    /// Only what is behind the regions is read. What cannot be recorded is in the overlay.
    pub fn judge_stale(
        &mut self,
        request: &ListRequest,
        trust: &TrustStore,
        context: &Context<'_>,
    ) -> Result<Overlay, CatalogError> {
        let mut overlay = Overlay::default();
        let trust_state = trust.fingerprint(context.now);
        let yesterday = context
            .now
            .checked_sub(24.hours())
            .unwrap_or(Timestamp::MIN);
        let stale = self.stale(request, &trust_state, yesterday)?;
        if stale.is_empty() {
            return Ok(overlay);
        }
        let recorder = Recorder::new(trust_state, Depth::Metadata, false);
        let mut tell = |artifact: &Artifact, found: Examination| {
            if found.state != artifact.state || found.code != artifact.state_code {
                overlay.0.insert(artifact.id, (found.state, found.code));
            }
        };
        let depth = Depth::Metadata;
        let recorder = self.judge_into(recorder, &stale, depth, trust, context, &mut tell)?;
        if recorder.failure().is_none() {
            overlay = Overlay::default();
        }
        Ok(overlay)
    }

    fn judge_into(
        &mut self,
        mut recorder: Recorder,
        ids: &[PackageId],
        depth: Depth,
        trust: &TrustStore,
        context: &Context<'_>,
        tell: &mut dyn FnMut(&Artifact, Examination),
    ) -> Result<Recorder, CatalogError> {
        let step = if depth == Depth::Full {
            "verify"
        } else {
            "judge"
        };
        context.progress.begin(step, self.bytes_of(ids)?);
        let mut ids = ids.iter();
        loop {
            let batch = self.batch(&mut ids, depth)?;
            if batch.is_empty() {
                break;
            }
            let steady = Steady(context.progress, depth);
            let examiner = self.examiner(trust, depth, context).told_to(&steady);
            let found = examine_all(&examiner, &batch, depth, &steady)?;
            for (artifact, found) in batch.iter().zip(found) {
                let gone = found.state == State::Missing && self.find(&artifact.id)?.is_none();
                if !gone {
                    recorder.add(self, artifact, &found, context)?;
                    tell(artifact, found);
                }
            }
        }
        recorder.flush(self, context)?;
        Ok(recorder)
    }

    /// The next artifacts: many small ones, ended by a large one.
    fn batch(
        &mut self,
        ids: &mut std::slice::Iter<'_, PackageId>,
        depth: Depth,
    ) -> Result<Vec<Artifact>, CatalogError> {
        let mut batch = Vec::new();
        for id in ids {
            // Removed meanwhile: then there is nothing to verify.
            let Some(artifact) = self.find(id)? else {
                continue;
            };
            let ends = is_large(&artifact, depth);
            batch.push(artifact);
            if ends || batch.len() >= BATCH {
                break;
            }
        }
        Ok(batch)
    }
}

fn is_large(artifact: &Artifact, depth: Depth) -> bool {
    depth == Depth::Full && artifact.size >= LARGE
}

/// Examines the small ones side by side, then the large one, if the last is large.
fn examine_all(
    examiner: &Examiner<'_>,
    batch: &[Artifact],
    depth: Depth,
    progress: &Steady<'_>,
) -> Result<Vec<Examination>, CatalogError> {
    let large = batch.last().filter(|last| is_large(last, depth));
    let small = batch.len().saturating_sub(usize::from(large.is_some()));
    let small = batch.get(..small).unwrap_or_default();
    let mut found = parallel::map(small, |artifact| {
        if progress.cancelled() {
            return Err(CatalogError::Cancelled);
        }
        let found = examiner.examine(artifact)?;
        progress.done(artifact);
        Ok(found)
    })?;
    if let Some(large) = large {
        found.push(examiner.examine(large)?);
    }
    Ok(found)
}

/// Passes on how much is done, but not that each artifact is a step of its own.
struct Steady<'a>(&'a dyn Progress, Depth);

impl Steady<'_> {
    /// An artifact is done whose bytes were not read and counted.
    fn done(&self, artifact: &Artifact) {
        if self.1 == Depth::Metadata {
            self.0.advance(artifact.size);
        }
    }
}

impl Progress for Steady<'_> {
    fn begin(&self, _name: &str, _total: u64) {}

    fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }

    fn waiting(&self, holder: Holder, at_most: Duration) {
        self.0.waiting(holder, at_most);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
