use std::path::PathBuf;
use std::time::Duration;

use super::reply::{SCHEMA, VerifiedItem};
use super::request::{OneOf, PackageFile, Selection};
use super::{
    Call, ExportReply, ExportRequest, ImportReply, ImportRequest, Item, ListReply, ListRequest,
    Management, ReadmeReply, ServiceError, VerifyReply, VerifyRequest,
};
use crate::catalog::{self, Access, Catalog, Context, Examination, State};
use crate::digest::IdPrefix;
use crate::fsio::regular_length;
use crate::package::{self, Hashing, Package, Verified, VerifyError};
use crate::trust::{TrustPaths, TrustStore};

/// Where one installation keeps its things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The catalog directory.
    pub catalog: PathBuf,
    /// Anchors, revocation lists and identities.
    pub trust: TrustPaths,
}

/// Does the work in this process, on this machine's files.
///
/// Catalog and trust are opened anew for every call: the calls are short, and what changed meanwhile
/// counts.
#[derive(Debug, Clone)]
pub struct Local {
    paths: Paths,
    lock_timeout: Duration,
}

impl Local {
    /// Works on `paths`, waiting at most `lock_timeout` for others who do.
    pub fn new(paths: Paths, lock_timeout: Duration) -> Self {
        Self {
            paths,
            lock_timeout,
        }
    }

    fn catalog(&self, access: Access, call: &Call<'_>) -> Result<Catalog, ServiceError> {
        let (root, timeout) = (&self.paths.catalog, self.lock_timeout);
        Ok(Catalog::open(root, access, timeout, call.observer)?)
    }

    fn trust(&self) -> Result<TrustStore, ServiceError> {
        Ok(TrustStore::load(&self.paths.trust)?)
    }

    /// Verifies a file outside the catalog.
    fn verify_file(
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
                call.observer.verified(&item);
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

impl Management for Local {
    fn import(
        &self,
        request: &ImportRequest,
        call: &Call<'_>,
    ) -> Result<ImportReply, ServiceError> {
        // What is no file is refused before anything is made for it.
        regular_length(&request.package.file, &request.package.label)?;
        let trust = self.trust()?;
        let mut catalog = self.catalog(Access::Write, call)?;
        let import = catalog::ImportRequest {
            source: &request.package.file,
            label: &request.package.label,
            trust: &trust,
            unsigned: request.allow_unsigned.as_deref(),
        };
        let imported = catalog.import(&import, &context(call))?;
        Ok(ImportReply {
            schema: SCHEMA,
            outcome: imported.outcome,
            item: catalog.listed(&imported.artifact.id)?.into(),
            verdict: imported.verdict,
        })
    }

    fn list(&self, request: &ListRequest, call: &Call<'_>) -> Result<ListReply, ServiceError> {
        let page = self.catalog(Access::Read, call)?.list(request)?;
        Ok(ListReply {
            schema: SCHEMA,
            total: page.total,
            offset: request.offset,
            items: page.items.into_iter().map(Item::from).collect(),
        })
    }

    fn verify(
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

    fn readme(&self, request: &OneOf, call: &Call<'_>) -> Result<ReadmeReply, ServiceError> {
        let (item, readme) = match request {
            OneOf::File(package) => {
                let verified = self.verify_file(package, None, call)?;
                let readme = verified.readme().map_err(|source| ServiceError::Open {
                    label: package.label.clone(),
                    source,
                })?;
                (package.label.display().to_string(), readme)
            }
            OneOf::Id(prefix) => {
                let mut catalog = self.catalog(Access::Read, call)?;
                let id = catalog.expect_one(prefix)?.id;
                let readme = catalog.readme(&id, call.observer)?;
                (catalog.short_id(&id)?, readme)
            }
        };
        Ok(ReadmeReply {
            schema: SCHEMA,
            item,
            readme,
        })
    }

    fn export(
        &self,
        request: &ExportRequest,
        call: &Call<'_>,
    ) -> Result<ExportReply, ServiceError> {
        let mut catalog = self.catalog(Access::Read, call)?;
        let artifact = catalog.expect_one(&request.id)?;
        let export = catalog::ExportRequest {
            id: artifact.id,
            target: &request.target,
            on_existing: request.on_existing,
            side_file: request.side_file,
            trust: &self.trust()?,
        };
        let exported = catalog.export(&export, &context(call))?;
        Ok(ExportReply {
            schema: SCHEMA,
            id: artifact.id,
            size: artifact.size,
            file: exported.target,
            side_file: exported.side_file,
        })
    }
}

fn context<'a>(call: &Call<'a>) -> Context<'a> {
    Context {
        now: call.now,
        actor: call.actor,
        progress: call.observer,
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
