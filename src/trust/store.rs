use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::release::{PackageType, Version};

use super::certificate::Certificate;
use super::chain::Anchors;
use super::identities::Identity;
use super::revocation::Crl;
use super::{
    Authentication, Authorization, Identities, LoadError, Policy, TrustFinding, TrustItem, audit,
    authenticate, authorize, inventory, load, local_key,
};

/// Where the trust of a machine is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPaths {
    /// The directory that the others are in, if they are: who may write there could take them away.
    pub directory: Option<PathBuf>,
    /// Directory of the anchors of package signers.
    pub certs: PathBuf,
    /// Directory of the anchors of timestamp authorities; without it no timestamp is trusted.
    pub tsa_certs: Option<PathBuf>,
    /// Directory of revocation lists; without it nothing is looked up.
    pub crls: Option<PathBuf>,
    /// The identities file.
    pub identities: PathBuf,
}

/// The three signed parts of a package.
#[derive(Debug, Clone, Copy)]
pub struct Sealed<'a> {
    /// What is signed.
    pub manifest: &'a [u8],
    /// CMS `SignedData`, DER; empty if the package is unsigned.
    pub signature: &'a [u8],
    /// RFC 3161 `TimeStampToken`, DER, over `signature`; empty if there is none.
    pub timestamp: &'a [u8],
}

/// What an authenticated manifest says of its package; compared with what its signers may sign.
#[derive(Debug, Clone, Copy)]
pub struct Claims<'a> {
    /// The kind of the package.
    pub package_type: PackageType,
    /// The product it is for.
    pub product: &'a str,
    /// Its version.
    pub version: &'a Version,
}

/// Anchors, revocation lists and identities, read once.
#[derive(Debug)]
pub struct TrustStore {
    pub(super) anchors: Anchors,
    pub(super) tsa_anchors: Option<Anchors>,
    pub(super) crls: Option<Vec<Crl>>,
    pub(super) identities: Identities,
}

impl TrustStore {
    /// Reads every directory and the identities file.
    ///
    /// Files named `*.pem`, `*.crt`, `*.cer`, `*.crl` and hashed names such as `0a1b2c3d.0` are read, all
    /// others are left alone. The system's own certificates and openssl's configuration never count.
    pub fn load(paths: &TrustPaths) -> Result<Self, LoadError> {
        tracing::info!(
            "trust: {}, {}",
            paths.certs.display(),
            paths.identities.display()
        );
        if let Some(directory) = &paths.directory {
            load::expect_trusted(directory)?;
        }
        let identities = load::identities(&paths.identities)?;
        let intermediate = identities.intermediate_anchors;
        let tsa_anchors = paths.tsa_certs.as_deref();
        let crls = paths.crls.as_deref();
        Ok(Self {
            anchors: load::anchors(&paths.certs, intermediate)?,
            tsa_anchors: tsa_anchors
                .map(|path| load::anchors(path, false))
                .transpose()?,
            crls: crls.map(load::crls).transpose()?,
            identities,
        })
    }

    /// The same with what a machine trusts because it made it itself, see [`super::LocalKey`].
    ///
    /// Its anchors, lists and rules come to those that are there, and the policy stays. Where nothing is
    /// said of timestamps, or of revocation, nothing is: a list of its own must not look like the answer
    /// for everybody.
    pub fn with_local(mut self, directory: &Path) -> Result<Self, LoadError> {
        let local = Self::load(&local_key::paths(directory))?;
        self.anchors.add(local.anchors);
        if let (Some(own), Some(more)) = (&mut self.tsa_anchors, local.tsa_anchors) {
            own.add(more);
        }
        if let (Some(own), Some(more)) = (&mut self.crls, local.crls) {
            own.extend(more);
        }
        self.identities.add_rules(local.identities);
        Ok(self)
    }

    /// Whether timestamps can be verified at all.
    pub fn knows_timestamps(&self) -> bool {
        self.tsa_anchors.is_some()
    }

    /// What the identities file demands of every package.
    pub fn policy(&self) -> &Policy {
        self.identities.policy()
    }

    /// Everything that is trusted, or limits trust; days are counted from `now`.
    pub fn items(&self, now: Timestamp) -> Vec<TrustItem> {
        inventory::items(self, now)
    }

    /// What is wrong with what is trusted as of `now`, or will be `within` that time; the worst first.
    pub fn findings(&self, now: Timestamp, within: Duration) -> Vec<TrustFinding> {
        audit::findings(self, now, within)
    }

    /// The authority that must have issued the signers of a rule, if it is among the anchors.
    pub(super) fn issuer_of(&self, rule: &Identity) -> Option<&Certificate> {
        let mut anchors = self.anchors.certificates.iter();
        anchors.find(|anchor| anchor.spki_sha256() == rule.issuer_spki_sha256)
    }

    /// Checks the signatures, their certificates, the timestamp and revocation, as seen at `now`.
    ///
    /// Nothing of the manifest is parsed. Findings are rows; nothing here is an error of the call.
    pub fn authenticate(&self, sealed: &Sealed<'_>, now: Timestamp) -> Authentication {
        authenticate::authenticate(self, sealed, now)
    }

    /// Checks whether those who signed may sign what the manifest claims, and the policy.
    ///
    /// `unsigned` is the reason a person gave for letting an unsigned package pass.
    pub fn authorize(
        &self,
        authentication: &Authentication,
        claims: &Claims<'_>,
        unsigned: Option<&str>,
    ) -> Authorization {
        authorize::authorize(&self.identities, authentication, claims, unsigned)
    }
}
