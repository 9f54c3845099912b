use super::{Local, dated, warn};
use crate::catalog::{Access, Artifact, Catalog, Depth, Examination, State};
use crate::digest::PackageId;
use crate::fsio::{regular_length, with_causes};
use crate::package::{self, Hashing, Package, Verified, VerifyError};
use crate::service::{
    Call, Event, OneOf, PackageFile, SCHEMA, Selection, ServiceError, VerifiedItem, VerifyReply,
    VerifyRequest,
};
use crate::trust::{TrustStore, Verdict};

impl Local {
    pub(super) fn verify(
        &self,
        request: &VerifyRequest,
        call: &Call<'_>,
    ) -> Result<VerifyReply, ServiceError> {
        let unsigned = request.allow_unsigned.as_deref();
        match &request.selection {
            Selection::One(OneOf::File(package)) => {
                let verified = self.judge_file(package, request.depth, unsigned, call);
                let item = file_item(package, verified)?;
                call.observer.event(&Event::Verified(&item));
                Ok(VerifyReply {
                    schema: SCHEMA,
                    total: 1,
                    problems: u64::from(!item.accepted),
                    recorded: false,
                })
            }
            Selection::One(OneOf::Id(prefix)) => {
                let mut catalog = self.catalog(Access::Read, call)?;
                let id = catalog.expect_one(prefix)?.id;
                let short_id = catalog.short_id(&id)?;
                self.verify_artifacts(&mut catalog, vec![(id, short_id)], request.depth, call)
            }
            Selection::All => {
                let mut catalog = self.catalog(Access::Read, call)?;
                let ids = catalog.ids()?;
                self.verify_artifacts(&mut catalog, ids, request.depth, call)
            }
        }
    }

    fn verify_artifacts(
        &self,
        catalog: &mut Catalog,
        ids: Vec<(PackageId, String)>,
        depth: Depth,
        call: &Call<'_>,
    ) -> Result<VerifyReply, ServiceError> {
        let (trust, context) = (self.trust()?, dated(call)?);
        let wanted: Vec<_> = ids.iter().map(|(id, _)| *id).collect();
        let mut short_ids = ids.into_iter();
        let (mut total, mut problems) = (0, 0);
        let mut tell = |artifact: &Artifact, found: Examination| {
            let short_id = short_ids.find(|(id, _)| *id == artifact.id);
            let item = examined(short_id.map(|(_, short)| short).unwrap_or_default(), found);
            total += 1;
            problems += u64::from(!item.accepted);
            call.observer.event(&Event::Verified(&item));
        };
        let judged = catalog.judge(&wanted, depth, &trust, &context, &mut tell)?;
        if let Some(error) = &judged.not_recorded {
            let message = format!("what was found is not on record: {}", with_causes(error));
            warn(call, error.code(), &message, error.hint().as_deref());
        }
        Ok(VerifyReply {
            schema: SCHEMA,
            total,
            problems,
            recorded: judged.not_recorded.is_none(),
        })
    }

    /// Verifies a file outside the catalog, every byte of it.
    pub(super) fn verify_file(
        &self,
        package: &PackageFile,
        unsigned: Option<&str>,
        call: &Call<'_>,
    ) -> Result<Package<Verified>, ServiceError> {
        self.with_file(package, unsigned, call, |opened, trust, request| {
            opened.verify(trust, request)
        })
    }

    /// Verifies a file outside the catalog this far; tells whether it is signed, too.
    fn judge_file(
        &self,
        package: &PackageFile,
        depth: Depth,
        unsigned: Option<&str>,
        call: &Call<'_>,
    ) -> Result<(Verdict, bool), ServiceError> {
        match depth {
            Depth::Full => self
                .verify_file(package, unsigned, call)
                .map(|verified| (verified.verdict().clone(), verified.is_signed())),
            Depth::Metadata => self.with_file(package, unsigned, call, |opened, trust, request| {
                let authentic = opened.authenticate(trust, request)?;
                Ok((authentic.verdict_so_far(), authentic.is_signed()))
            }),
        }
    }

    fn with_file<T>(
        &self,
        package: &PackageFile,
        unsigned: Option<&str>,
        call: &Call<'_>,
        work: impl FnOnce(Package, &TrustStore, &package::VerifyRequest<'_>) -> Result<T, VerifyError>,
    ) -> Result<T, ServiceError> {
        regular_length(&package.file, &package.label)?;
        let trust = self.trust()?;
        let request = package::VerifyRequest {
            now: call.now,
            hashing: Hashing::Chunks,
            unsigned,
            progress: call.observer,
        };
        let file = package.file.try_clone().map_err(VerifyError::Read);
        file.and_then(|file| Package::open(file).map_err(VerifyError::from))
            .and_then(|opened| work(opened, &trust, &request))
            .map_err(|source| ServiceError::Verify {
                label: package.label.clone(),
                source,
            })
    }
}

fn examined(short_id: String, found: Examination) -> VerifiedItem {
    VerifiedItem {
        item: short_id,
        id: Some(found.id),
        accepted: found.state.is_sound(),
        state: found.state,
        code: found.code,
        detail: found.detail,
        hint: found.hint,
        verdict: found.verdict,
    }
}

/// A refusal is a finding; trouble with reading is an error.
fn file_item(
    package: &PackageFile,
    verified: Result<(Verdict, bool), ServiceError>,
) -> Result<VerifiedItem, ServiceError> {
    let mut item = VerifiedItem {
        item: package.label.display().to_string(),
        id: None,
        accepted: true,
        state: State::Verified,
        code: None,
        detail: None,
        hint: None,
        verdict: None,
    };
    match verified {
        Ok((verdict, is_signed)) => {
            if !is_signed {
                item.state = State::Unsigned;
            }
            item.verdict = Some(verdict);
        }
        Err(error) => {
            let Some(verdict) = error.verdict().cloned() else {
                return Err(error);
            };
            let failure = verdict.first_failure();
            item.accepted = false;
            item.state = State::of_refusal(&verdict);
            item.code = Some(error.code().to_owned());
            item.detail = failure.and_then(|check| check.detail.clone());
            item.hint = error.hint();
            item.verdict = Some(verdict);
        }
    }
    Ok(item)
}
