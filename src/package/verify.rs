use jiff::Timestamp;

use super::arrival::Arrival;
use super::hashing::{self, HashError, Mismatch};
use super::open::{check_headers, check_regions, decode_manifest, place};
use super::{Authentic, OpenError, Package, Unverified, Verified, VerifyError};
use crate::digest::PackageId;
use crate::isi_file::Extent;
use crate::manifest::Manifest;
use crate::progress::Progress;
use crate::trust::{
    Authentication, Check, CheckName, Claims, Sealed, TrustStore, UnsignedPolicy, Verdict,
};

/// How one package is verified.
#[derive(Clone, Copy)]
pub struct VerifyRequest<'a> {
    /// The present, for everything without a timestamp.
    pub now: Timestamp,
    /// How the regions are hashed.
    pub hashing: Hashing,
    /// Why an unsigned package should pass; it also needs the policy's consent.
    pub unsigned: Option<&'a str>,
    /// Who is told of the progress, and may stop the work.
    pub progress: &'a dyn Progress,
}

impl std::fmt::Debug for VerifyRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            now,
            hashing,
            unsigned,
            progress: _,
        } = self;
        f.debug_struct("VerifyRequest")
            .field("now", now)
            .field("hashing", hashing)
            .field("unsigned", unsigned)
            .finish_non_exhaustive()
    }
}

/// How the regions are compared with their digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// By the signed chunk list on all cores.
    Chunks,
    /// By the signed region digests in one pass, which also gives the package ID.
    Sequential,
}

impl Package<Unverified> {
    /// Verifies structure, digests, signatures, identities and policy: the one way to a
    /// [`Package<Verified>`].
    ///
    /// The manifest is decoded only after its signature was verified, or after the policy and the
    /// caller agreed to an unsigned package.
    pub fn verify(
        self,
        trust: &TrustStore,
        request: &VerifyRequest<'_>,
    ) -> Result<Package<Verified>, VerifyError> {
        self.authenticate(trust, request)?
            .complete(request, &Arrival::complete())
    }

    /// Decides by the parts behind the regions alone whether the package is welcome; reads no region.
    pub fn authenticate(
        self,
        trust: &TrustStore,
        request: &VerifyRequest<'_>,
    ) -> Result<Package<Authentic>, VerifyError> {
        let envelope = &self.envelope;
        let authentication = trust.authenticate(
            &Sealed {
                manifest: &envelope.manifest,
                signature: &envelope.signature,
                timestamp: &envelope.timestamp,
            },
            request.now,
        );
        let mut checks = authentication.checks().to_vec();
        let consent = trust.policy().unsigned == UnsignedPolicy::Ask && request.unsigned.is_some();
        if !self.is_signed() && !consent {
            checks.push(unsigned_refusal(trust, request));
            return Err(refused(checks, &authentication));
        }
        if !authentication.is_sound() {
            return Err(refused(checks, &authentication));
        }
        let manifest = decode_manifest(envelope).map_err(|error| {
            let mut checks = checks.clone();
            checks.push(structure_refusal(&error));
            refused(checks, &authentication)
        })?;
        let claims = Claims {
            package_type: manifest.package_type,
            product: &manifest.product,
            version: &manifest.version,
        };
        let authorization = trust.authorize(&authentication, &claims, request.unsigned);
        checks.extend(authorization.checks);
        let timestamp = authentication.timestamp().cloned();
        let verdict = Verdict::new(checks, authorization.signers, timestamp);
        if verdict.is_refused() {
            return Err(VerifyError::Refused(Box::new(verdict)));
        }
        let state = Authentic { manifest, verdict };
        Ok(Package {
            file: self.file,
            envelope: self.envelope,
            state,
        })
    }
}

impl Package<Authentic> {
    /// The verdict of a verification that ends here, before the regions.
    pub fn verdict_so_far(&self) -> Verdict {
        let verdict = &self.state.verdict;
        let mut checks = verdict.checks.clone();
        checks.retain(|check| !matches!(check.name, CheckName::Structure | CheckName::Digests));
        checks.push(Check::passed(CheckName::Structure).fact("length", self.length()));
        let unread = Check::not_checked(
            CheckName::Digests,
            "N_METADATA_ONLY",
            "the regions were not read",
        );
        checks.push(unread);
        Verdict::new(checks, verdict.signers.clone(), verdict.timestamp.clone())
    }

    /// What the package says of itself; its regions are not compared with it yet.
    pub fn manifest(&self) -> &Manifest {
        &self.state.manifest
    }

    /// What was checked so far and found.
    pub fn verdict(&self) -> &Verdict {
        &self.state.verdict
    }

    /// Compares the regions with the manifest; the ID comes with [`Hashing::Sequential`].
    pub fn check_regions(
        &self,
        request: &VerifyRequest<'_>,
    ) -> Result<Option<PackageId>, VerifyError> {
        self.check(request, &Arrival::complete()).map(|(_, id)| id)
    }

    /// The package with its regions unread: each is compared with its digest when it is used.
    ///
    /// For a copy whose every byte was compared when it was made, as the catalog's artifacts are:
    /// [`Package::read_region`] compares again whatever it gives out, and so does unpacking, frame by
    /// frame, before it decodes. The verdict says that the regions were not read (`N_METADATA_ONLY`).
    pub fn defer_regions(self) -> Result<Package<Verified>, VerifyError> {
        let placed = place(&self.envelope, &self.state.manifest).and_then(|extents| {
            check_headers(&self.file, &self.envelope, &extents)?;
            Ok(extents)
        });
        let extents = placed.map_err(|error| self.refuse_structure(error))?;
        let verdict = self.verdict_so_far();
        let state = Verified {
            manifest: self.state.manifest,
            extents,
            verdict,
            id: None,
        };
        Ok(Package {
            file: self.file,
            envelope: self.envelope,
            state,
        })
    }

    /// Compares the regions with the manifest as their bytes arrive.
    pub(super) fn complete(
        self,
        request: &VerifyRequest<'_>,
        arrival: &Arrival,
    ) -> Result<Package<Verified>, VerifyError> {
        let (extents, id) = self.check(request, arrival)?;
        let length = self.length();
        let Authentic { manifest, verdict } = self.state;
        let mut checks = verdict.checks;
        // The rows that were not reached so far.
        checks.retain(|check| !matches!(check.name, CheckName::Structure | CheckName::Digests));
        checks.push(Check::passed(CheckName::Structure).fact("length", length));
        checks.push(Check::passed(CheckName::Digests).fact("regions", extents.len()));
        let verdict = Verdict::new(checks, verdict.signers, verdict.timestamp);
        let state = Verified {
            manifest,
            extents,
            verdict,
            id,
        };
        Ok(Package {
            file: self.file,
            envelope: self.envelope,
            state,
        })
    }

    fn check(
        &self,
        request: &VerifyRequest<'_>,
        arrival: &Arrival,
    ) -> Result<(Vec<Extent>, Option<PackageId>), VerifyError> {
        let manifest = &self.state.manifest;
        let refuse_structure = |error| self.refuse_structure(error);
        let extents = place(&self.envelope, manifest).map_err(refuse_structure)?;
        let (file, regions, progress) = (&self.file, &manifest.regions, request.progress);
        let hashed = match request.hashing {
            Hashing::Chunks => hashing::by_chunks(file, regions, &extents, progress).map(|()| None),
            Hashing::Sequential => {
                hashing::in_one_pass(file, regions, &extents, arrival, progress).map(Some)
            }
        };
        let whole = hashed.map_err(|error| match error {
            HashError::Mismatch(mismatch) => self.refuse(digest_refusal(&mismatch)),
            HashError::Read(source) => VerifyError::Read(source),
            HashError::Cancelled => VerifyError::Cancelled,
        })?;
        check_regions(file, &self.envelope, manifest, &extents).map_err(refuse_structure)?;
        Ok((extents, whole.map(PackageId::new)))
    }

    /// What was checked so far, and that this failed.
    fn refuse(&self, check: Check) -> VerifyError {
        let verdict = &self.state.verdict;
        let mut checks = verdict.checks.clone();
        checks.push(check);
        let (signers, timestamp) = (verdict.signers.clone(), verdict.timestamp.clone());
        VerifyError::Refused(Box::new(Verdict::new(checks, signers, timestamp)))
    }

    fn refuse_structure(&self, error: OpenError) -> VerifyError {
        match error {
            OpenError::Read(source) => VerifyError::Read(source),
            refusal => self.refuse(structure_refusal(&refusal)),
        }
    }
}

fn refused(checks: Vec<Check>, authentication: &Authentication) -> VerifyError {
    let timestamp = authentication.timestamp().cloned();
    let verdict = Verdict::new(checks, authentication.signers(), timestamp);
    VerifyError::Refused(Box::new(verdict))
}

fn unsigned_refusal(trust: &TrustStore, request: &VerifyRequest<'_>) -> Check {
    let consent = trust.policy().unsigned == UnsignedPolicy::Ask;
    let hint = if consent && request.unsigned.is_none() {
        "give a reason with --allow-unsigned REASON if you mean to use it all the same"
    } else {
        "sign it with `isi_packager sign`; the policy in force refuses unsigned packages"
    };
    Check::failed(CheckName::Policy, "E_UNSIGNED", "the package is not signed")
        .hint(Some(hint.to_owned()))
}

fn structure_refusal(error: &OpenError) -> Check {
    Check::failed(CheckName::Structure, error.code(), error).hint(error.hint().map(str::to_owned))
}

fn digest_refusal(mismatch: &Mismatch) -> Check {
    let mut check = Check::failed(CheckName::Digests, mismatch.code(), mismatch)
        .fact("region", mismatch.region + 1)
        .fact("name", &mismatch.name)
        .fact("offset", mismatch.offset)
        .fact("length", mismatch.length)
        .fact("expected", mismatch.expected)
        .fact("found", mismatch.found);
    if let Some(chunk) = mismatch.chunk {
        check = check.fact("chunk", chunk);
    }
    check.hint(Some(mismatch.hint().to_owned()))
}
