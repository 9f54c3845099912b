use super::{Local, context};
use crate::catalog::{Access, Examination, State};
use crate::digest::IdPrefix;
use crate::fsio::regular_length;
use crate::package::{self, Hashing, Package, Verified, VerifyError};
use crate::service::{
    Call, Event, OneOf, PackageFile, SCHEMA, Selection, ServiceError, VerifiedItem, VerifyReply,
    VerifyRequest,
};

impl Local {
    pub(super) fn verify(
        &self,
        request: &VerifyRequest,
        call: &Call<'_>,
    ) -> Result<VerifyReply, ServiceError> {
        let unsigned = request.allow_unsigned.as_deref();
        let items = match &request.selection {
            Selection::One(OneOf::File(package)) => {
                let verified = self.verify_file(package, unsigned, call);
                vec![file_item(package, verified)?]
            }
            Selection::One(OneOf::Id(prefix)) => vec![self.verify_id(prefix, call)?],
            Selection::All => self.verify_all(call)?,
        };
        let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
        Ok(VerifyReply {
            schema: SCHEMA,
            total: count(items.len()),
            problems: count(items.iter().filter(|item| !item.accepted).count()),
            items,
        })
    }

    /// Verifies a file outside the catalog.
    pub(super) fn verify_file(
        &self,
        package: &PackageFile,
        unsigned: Option<&str>,
        call: &Call<'_>,
    ) -> Result<Package<Verified>, ServiceError> {
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
            .and_then(|package| package.verify(&trust, &request))
            .map_err(|source| ServiceError::Verify {
                label: package.label.clone(),
                source,
            })
    }

    fn verify_all(&self, call: &Call<'_>) -> Result<Vec<VerifiedItem>, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let trust = self.trust()?;
        let mut items = Vec::new();
        for (id, short_id) in catalog.ids()? {
            // Removed meanwhile: then there is nothing to verify.
            if let Some(artifact) = catalog.find(&id)? {
                let found = catalog.examine(&artifact, &trust, &context(call))?;
                let item = examined(short_id, found);
                call.observer.event(&Event::Verified(&item));
                items.push(item);
            }
        }
        Ok(items)
    }

    fn verify_id(&self, prefix: &IdPrefix, call: &Call<'_>) -> Result<VerifiedItem, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let artifact = catalog.expect_one(prefix)?;
        let found = catalog.examine(&artifact, &self.trust()?, &context(call))?;
        Ok(examined(catalog.short_id(&artifact.id)?, found))
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
    verified: Result<Package<Verified>, ServiceError>,
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
        Ok(verified) => {
            if !verified.is_signed() {
                item.state = State::Unsigned;
            }
            item.verdict = Some(verified.verdict().clone());
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
