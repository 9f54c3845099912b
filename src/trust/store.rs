use std::path::PathBuf;

use jiff::Timestamp;

use crate::release::{PackageType, Version};

use super::{Check, CheckName, LoadError, Signer, TimestampSummary};

/// Where the trust of a machine is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPaths {
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

/// What the identities file demands of every package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How many different identities must have signed.
    pub threshold: usize,
    /// Whether a package needs a timestamp.
    pub timestamp: TimestampPolicy,
    /// Whether an unsigned package may pass at all.
    pub unsigned: UnsignedPolicy,
}

/// Whether a package needs a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampPolicy {
    /// A package without a verified timestamp is refused.
    Required,
    /// A timestamp that is there must verify.
    IfPresent,
}

/// Whether an unsigned package may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsignedPolicy {
    /// Never.
    Refuse,
    /// With a reason, given for this one package by a person who asks for it.
    Ask,
}

/// Anchors, revocation lists and identities, read once.
#[derive(Debug)]
pub struct TrustStore {
    policy: Policy,
}

impl TrustStore {
    /// Reads every directory and the identities file.
    pub fn load(paths: &TrustPaths) -> Result<Self, LoadError> {
        Err(LoadError::Missing {
            path: paths.certs.clone(),
        })
    }

    /// What the identities file demands of every package.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Checks the signatures, their certificates, the timestamp and revocation, as seen at `now`.
    ///
    /// Nothing of the manifest is parsed. Findings are rows; nothing here is an error of the call.
    pub fn authenticate(&self, _sealed: &Sealed<'_>, now: Timestamp) -> Authentication {
        Authentication {
            checks: vec![Check::failed(
                CheckName::Signature,
                "E_SIGNATURE",
                "not built yet",
            )],
            time: now,
            timestamp: None,
        }
    }

    /// Checks whether those who signed may sign what the manifest claims, and the policy.
    ///
    /// `unsigned` is the reason a person gave for letting an unsigned package pass.
    pub fn authorize(
        &self,
        _authentication: &Authentication,
        _claims: &Claims<'_>,
        _unsigned: Option<&str>,
    ) -> Authorization {
        Authorization {
            checks: vec![Check::failed(
                CheckName::Identity,
                "E_IDENTITY",
                "not built yet",
            )],
            signers: Vec::new(),
        }
    }
}

/// What [`TrustStore::authenticate`] found.
#[derive(Debug, Clone)]
pub struct Authentication {
    checks: Vec<Check>,
    time: Timestamp,
    timestamp: Option<TimestampSummary>,
}

impl Authentication {
    /// The rows signature, chain, purpose, timestamp and revocation.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Whether no row failed: only then may the manifest be parsed.
    pub fn is_sound(&self) -> bool {
        self.checks
            .iter()
            .all(|check| check.outcome != super::Outcome::Failed)
    }

    /// Whether there is a signature at all.
    pub fn is_signed(&self) -> bool {
        false
    }

    /// The verified timestamp.
    pub fn timestamp(&self) -> Option<&TimestampSummary> {
        self.timestamp.as_ref()
    }

    /// The time certificates were judged at: the verified timestamp's, else now.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Who signed, as their certificates say; no identity is set yet.
    pub fn signers(&self) -> Vec<Signer> {
        Vec::new()
    }
}

/// What [`TrustStore::authorize`] found.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// The rows identity and policy.
    pub checks: Vec<Check>,
    /// Who signed, with the identity each of them matched.
    pub signers: Vec<Signer>,
}
