//! Who signed, and when: the rows signature, chain, purpose, timestamp and revocation.

use jiff::Timestamp;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::error::ErrorStack;

use super::certificate::Certificate;
use super::chain::Judge;
use super::cms::{self, SignedData};
use super::profile::{self, Use};
use super::revocation::{self, Times};
use super::timestamp::{self, VerifiedTimestamp};
use super::{Check, CheckName, Outcome, Refusal, Sealed, Signer, TimestampSummary, TrustStore};

/// What [`TrustStore::authenticate`] found.
#[derive(Debug, Clone)]
pub struct Authentication {
    checks: Vec<Check>,
    is_signed: bool,
    timestamp: Option<TimestampSummary>,
    pub(super) signers: Vec<SignerChain>,
}

/// One signer with what its chain proved.
#[derive(Debug, Clone)]
pub(super) struct SignerChain {
    pub(super) certificate: Certificate,
    /// The certificate that issued it in the verified chain; `None` if there is no such chain.
    pub(super) issuer: Option<Certificate>,
}

impl Authentication {
    /// The rows signature, chain, purpose, timestamp and revocation.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Whether no row failed: only then may the manifest be parsed.
    ///
    /// True for an unsigned package too, which [`TrustStore::authorize`] then refuses or lets pass.
    pub fn is_sound(&self) -> bool {
        self.checks
            .iter()
            .all(|check| check.outcome != Outcome::Failed)
    }

    /// Whether there is a signature at all.
    pub fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// The verified timestamp.
    pub fn timestamp(&self) -> Option<&TimestampSummary> {
        self.timestamp.as_ref()
    }

    /// Who signed, as their certificates say; no identity is set yet.
    pub fn signers(&self) -> Vec<Signer> {
        self.signers
            .iter()
            .map(|signer| describe(&signer.certificate))
            .collect()
    }
}

pub(super) fn describe(certificate: &Certificate) -> Signer {
    Signer {
        subject: certificate.subject.to_text(),
        issuer: certificate.issuer.to_text(),
        sha256: certificate.sha256(),
        sha1: certificate.sha1(),
        identity: None,
        not_before: certificate.not_before,
        not_after: certificate.not_after,
    }
}

/// Not done because an earlier check failed.
const EARLIER: &str = "N_EARLIER";
const NO_SIGNATURE: &str = "the package is not signed";

pub(super) fn authenticate(
    store: &TrustStore,
    sealed: &Sealed<'_>,
    now: Timestamp,
) -> Authentication {
    if sealed.signature.is_empty() {
        return unsigned(sealed);
    }
    let (timestamp_check, verified) = check_timestamp(store, sealed, now);
    let time = verified.as_ref().map_or(now, |found| found.summary.time);
    let mut checks = vec![timestamp_check];
    let mut signers = Vec::new();
    match SignedData::signature(sealed.signature, &store.anchors.memo) {
        Err(refusal) => {
            checks.push(refusal.check(CheckName::Signature));
            for name in [CheckName::Chain, CheckName::Purpose, CheckName::Revocation] {
                checks.push(Check::not_checked(
                    name,
                    EARLIER,
                    "the signature could not be read",
                ));
            }
        }
        Ok(cms) => {
            let found = Signers::examine(store, sealed, &cms, time);
            checks.extend(found.checks(store, sealed, time));
            let times = Times { signed: time, now };
            checks.push(check_revocation(store, &found, verified.as_ref(), times));
            signers = found.into_chains();
        }
    }
    checks.sort_by_key(|check| check.name);
    Authentication {
        checks,
        is_signed: true,
        timestamp: verified.map(|found| found.summary),
        signers,
    }
}

fn unsigned(sealed: &Sealed<'_>) -> Authentication {
    const UNSIGNED: &str = "N_UNSIGNED";
    let row = |name| Check::not_checked(name, UNSIGNED, NO_SIGNATURE);
    let timestamp = if sealed.timestamp.is_empty() {
        row(CheckName::Timestamp)
    } else {
        Refusal::TimestampAlone.check(CheckName::Timestamp)
    };
    Authentication {
        checks: vec![
            row(CheckName::Signature),
            row(CheckName::Chain),
            row(CheckName::Purpose),
            timestamp,
            row(CheckName::Revocation),
        ],
        is_signed: false,
        timestamp: None,
        signers: Vec::new(),
    }
}

fn check_timestamp(
    store: &TrustStore,
    sealed: &Sealed<'_>,
    now: Timestamp,
) -> (Check, Option<VerifiedTimestamp>) {
    const NAME: CheckName = CheckName::Timestamp;
    if sealed.timestamp.is_empty() {
        let row = Check::not_checked(NAME, "N_NO_TIMESTAMP", "the package has no timestamp");
        return (row, None);
    }
    let Some(anchors) = &store.tsa_anchors else {
        let row = Check::not_checked(
            NAME,
            "N_NO_TSA_ANCHORS",
            "no directory of timestamp authorities is configured",
        );
        return (row, None);
    };
    match timestamp::verify(sealed.timestamp, sealed.signature, anchors, now) {
        Ok(found) => {
            let row = Check::passed(NAME)
                .fact("time", found.summary.time)
                .fact("authority", &found.summary.authority);
            (row, Some(found))
        }
        Err(refusal) => (refusal.check(NAME), None),
    }
}

/// What was found out about each signer of a CMS.
struct Signers {
    all: Vec<Examined>,
}

struct Examined {
    certificate: Option<Certificate>,
    signature: Result<(), Refusal>,
    chain: Result<Vec<Certificate>, Refusal>,
    purpose: Result<(), Refusal>,
}

impl Signers {
    fn examine(
        store: &TrustStore,
        sealed: &Sealed<'_>,
        cms: &SignedData<'_>,
        time: Timestamp,
    ) -> Self {
        let examine = |signer| {
            let Some(certificate) = cms.certificate_of(signer) else {
                return Examined {
                    certificate: None,
                    signature: Ok(()),
                    chain: Err(Refusal::Untrusted {
                        subject: "a signer".to_owned(),
                        problem: "its certificate did not come with the signature".to_owned(),
                    }),
                    purpose: Ok(()),
                };
            };
            let chain = store
                .anchors
                .chain(certificate, &cms.certificates, Use::CodeSigning, time);
            let known = match &chain {
                Ok(chain) => chain.as_slice(),
                Err(_) => std::slice::from_ref(certificate),
            };
            Examined {
                certificate: Some(certificate.clone()),
                signature: cms::check_signer(signer, certificate, sealed.manifest),
                purpose: profile::check_code_signing(known),
                chain,
            }
        };
        Self {
            all: cms.signers.iter().map(examine).collect(),
        }
    }

    fn checks(&self, store: &TrustStore, sealed: &Sealed<'_>, time: Timestamp) -> Vec<Check> {
        let mut chain = self.chain_check();
        let mut signature = self.signature_check();
        if chain.outcome == Outcome::Passed && signature.outcome == Outcome::Passed {
            chain = chain.fact("judged_at", time);
            if agree(store, sealed, time).is_err() {
                signature = Refusal::Signature {
                    problem: "openssl does not accept what our own check accepted",
                }
                .check(CheckName::Signature);
            }
        }
        vec![signature, chain, self.purpose_check()]
    }

    fn signature_check(&self) -> Check {
        const NAME: CheckName = CheckName::Signature;
        if self.all.is_empty() {
            return self.count_refusal().check(NAME);
        }
        if let Some(refusal) = self.first(|signer| signer.signature.as_ref().err()) {
            return refusal.check(NAME);
        }
        if self.all.iter().any(|signer| signer.certificate.is_none()) {
            return Check::not_checked(
                NAME,
                "N_NO_CERTIFICATE",
                "a signer's certificate did not come with the signature",
            );
        }
        Check::passed(NAME).fact("signers", self.all.len())
    }

    fn chain_check(&self) -> Check {
        const NAME: CheckName = CheckName::Chain;
        let Some(refusal) = self.first(|signer| signer.chain.as_ref().err()) else {
            if self.all.is_empty() {
                return Check::not_checked(NAME, EARLIER, "there is no signer");
            }
            let anchors: Vec<String> = self
                .chains()
                .filter_map(|chain| chain.last())
                .map(|anchor| anchor.subject.to_text())
                .collect();
            return Check::passed(NAME).fact("anchor", anchors.join("; "));
        };
        if self.chains().next().is_some() {
            return self.count_refusal().check(NAME);
        }
        refusal.check(NAME)
    }

    fn purpose_check(&self) -> Check {
        const NAME: CheckName = CheckName::Purpose;
        if let Some(refusal) = self.first(|signer| signer.purpose.as_ref().err()) {
            return refusal.check(NAME);
        }
        if self.all.is_empty() || self.all.iter().any(|signer| signer.certificate.is_none()) {
            return Check::not_checked(NAME, EARLIER, "a signer's certificate is missing");
        }
        Check::passed(NAME)
    }

    fn count_refusal(&self) -> Refusal {
        let bad = self.all.iter().find_map(|signer| {
            let refusal = signer.chain.as_ref().err()?;
            let subject = signer
                .certificate
                .as_ref()
                .map_or_else(String::new, |certificate| certificate.subject.to_text());
            Some(format!("{subject}: {}", refusal.code()))
        });
        Refusal::SignerCount {
            good: self.chains().count(),
            total: self.all.len(),
            first_bad: bad.unwrap_or_default(),
        }
    }

    fn first<'a>(
        &'a self,
        pick: impl Fn(&'a Examined) -> Option<&'a Refusal>,
    ) -> Option<&'a Refusal> {
        self.all.iter().find_map(pick)
    }

    fn chains(&self) -> impl Iterator<Item = &Vec<Certificate>> {
        self.all
            .iter()
            .filter_map(|signer| signer.chain.as_ref().ok())
    }

    fn into_chains(self) -> Vec<SignerChain> {
        self.all
            .into_iter()
            .filter_map(|signer| {
                let issuer = signer.chain.ok().and_then(|chain| chain.get(1).cloned());
                Some(SignerChain {
                    certificate: signer.certificate?,
                    issuer,
                })
            })
            .collect()
    }
}

/// Asks openssl about the CMS as a whole.
fn agree(store: &TrustStore, sealed: &Sealed<'_>, time: Timestamp) -> Result<(), ErrorStack> {
    let anchors = store.anchors.store(Use::CodeSigning, Judge::At(time))?;
    CmsContentInfo::from_der(sealed.signature)?.verify(
        None,
        Some(&anchors),
        Some(sealed.manifest),
        None,
        CMSOptions::BINARY,
    )
}

fn check_revocation(
    store: &TrustStore,
    signers: &Signers,
    timestamp: Option<&VerifiedTimestamp>,
    times: Times,
) -> Check {
    const NAME: CheckName = CheckName::Revocation;
    let Some(crls) = &store.crls else {
        return Check::not_checked(
            NAME,
            "N_NO_CRLS",
            "no directory of revocation lists is configured",
        );
    };
    if signers.all.is_empty() || signers.all.iter().any(|signer| signer.chain.is_err()) {
        return Check::not_checked(NAME, EARLIER, "there is no trusted chain to look up");
    }
    let authority = timestamp.zip(store.tsa_anchors.as_ref());
    let refused = signers
        .chains()
        .map(|chain| (&store.anchors, chain, Use::CodeSigning))
        .chain(authority.map(|(found, anchors)| (anchors, &found.chain, Use::TimeStamping)))
        .find_map(|(anchors, chain, wanted)| {
            revocation::check(anchors, chain, wanted, crls, times).err()
        });
    match refused {
        Some(refusal) => refusal.check(NAME),
        None => Check::passed(NAME),
    }
}
