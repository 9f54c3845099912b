//! What will go wrong with the trust of a machine, or has: told before a package is refused for it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::limits;
use super::policy::TimestampPolicy;
use super::revocation::Crl;
use super::{TrustItemKind, TrustStore};

/// Something about the trust that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustFinding {
    /// Stable code.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What kind of thing it is about.
    pub kind: TrustItemKind,
    /// Its name; empty if it is about the whole store.
    pub name: String,
    /// One sentence.
    pub detail: String,
}

/// How bad a [`TrustFinding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Packages are refused for it.
    Problem,
    /// It will be a problem, or is a mistake that somebody should look at.
    Warning,
    /// It may be meant so.
    Note,
}

impl Severity {
    /// Its name in listings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Looks at everything that is trusted, as of `now`; `within` is how long before an end it is told.
pub(super) fn findings(store: &TrustStore, now: Timestamp, within: Duration) -> Vec<TrustFinding> {
    let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
    let mut audit = Audit {
        store,
        now,
        soon: now.checked_add(within).unwrap_or(Timestamp::MAX),
        found: Vec::new(),
    };
    audit.anchors();
    audit.tsa_anchors();
    audit.crls();
    audit.identities();
    audit.found.sort_by_key(|finding| finding.severity);
    audit.found
}

struct Audit<'a> {
    store: &'a TrustStore,
    now: Timestamp,
    soon: Timestamp,
    found: Vec<TrustFinding>,
}

impl Audit<'_> {
    fn find(
        &mut self,
        (code, severity): (&str, Severity),
        kind: TrustItemKind,
        name: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.found.push(TrustFinding {
            code: code.to_owned(),
            severity,
            kind,
            name: name.into(),
            detail: detail.into(),
        });
    }

    fn anchors(&mut self) {
        let kind = TrustItemKind::Anchor;
        let anchors = &self.store.anchors;
        for anchor in &anchors.certificates {
            self.certificate(kind, anchor, limits::MIN_RSA_BITS);
        }
        if !anchors.intermediate && !anchors.certificates.iter().any(Certificate::is_self_issued) {
            let detail = "no certificate is self-signed, so no chain ends: no package is trusted";
            self.find(("T_NO_ROOT", Severity::Problem), kind, "", detail);
        }
        // An authority that comes with the packages may be below any anchor.
        let rules = &self.store.identities.rules;
        let issuers: Option<Vec<_>> = rules
            .iter()
            .map(|rule| self.store.issuer_of(rule))
            .collect();
        let Some(mut used) = issuers.filter(|used| !used.is_empty()) else {
            return;
        };
        let mut next = 0;
        while let Some(below) = used.get(next).copied() {
            let above = anchors.certificates.iter().filter(|above| {
                above.subject.der == below.issuer.der
                    && used.iter().all(|known| known.der != above.der)
            });
            used.extend(above.collect::<Vec<_>>());
            next = next.saturating_add(1);
        }
        for anchor in &anchors.certificates {
            if used.iter().all(|known| known.der != anchor.der) {
                let detail = "no identity was issued by it or below it: nothing needs it";
                let name = anchor.subject.to_text();
                self.find(("T_ANCHOR_UNUSED", Severity::Warning), kind, name, detail);
            }
        }
    }

    fn tsa_anchors(&mut self) {
        let kind = TrustItemKind::TsaAnchor;
        let Some(anchors) = &self.store.tsa_anchors else {
            if self.store.policy().timestamp == TimestampPolicy::Required {
                let detail = "the policy demands timestamps, and no timestamp authority is trusted: \
                              no package is trusted";
                self.find(("T_NO_TSA", Severity::Problem), kind, "", detail);
            }
            return;
        };
        for anchor in &anchors.certificates {
            self.certificate(kind, anchor, limits::MIN_TSA_RSA_BITS);
            let packages = &self.store.anchors.certificates;
            if packages.iter().any(|other| other.spki == anchor.spki) {
                let detail = "the same key is an anchor of package signers: \
                              whoever has it can sign and date a package";
                let name = anchor.subject.to_text();
                self.find(("T_SHARED_ANCHOR", Severity::Warning), kind, name, detail);
            }
        }
    }

    fn certificate(&mut self, kind: TrustItemKind, certificate: &Certificate, minimum: usize) {
        use Severity::{Problem, Warning};
        let name = || certificate.subject.to_text();
        let (from, until) = (certificate.not_before, certificate.not_after);
        if until < self.now {
            self.find(
                ("T_EXPIRED", Problem),
                kind,
                name(),
                format!("expired at {until}"),
            );
        } else if until < self.soon {
            self.find(
                ("T_EXPIRES_SOON", Warning),
                kind,
                name(),
                format!("expires at {until}"),
            );
        }
        if self.now < from {
            let detail = format!("not valid before {from}");
            self.find(("T_NOT_YET_VALID", Problem), kind, name(), detail);
        }
        if certificate.key.check(minimum).is_err() {
            let key = &certificate.key;
            let detail = format!("its key ({key}) is one that every check refuses");
            self.find(("T_WEAK_KEY", Problem), kind, name(), detail);
        }
        if !certificate.is_ca {
            let detail = "it is no authority (cA is not true), so no chain ends in it";
            self.find(("T_NO_AUTHORITY", Problem), kind, name(), detail);
        }
    }

    fn crls(&mut self) {
        let kind = TrustItemKind::Crl;
        let store = self.store;
        let Some(crls) = &store.crls else {
            let detail = "no revocation lists are configured: nothing is looked up";
            return self.find(("T_NO_CRLS", Severity::Note), kind, "", detail);
        };
        let anchors = || {
            let tsa = store.tsa_anchors.iter().flat_map(|all| &all.certificates);
            store.anchors.certificates.iter().chain(tsa)
        };
        for list in crls {
            self.crl(list);
            let mut named = anchors().filter(|anchor| list.names(anchor)).peekable();
            if named.peek().is_none() {
                let detail = "its issuer is not among the anchors: it only serves authorities that \
                              come with packages";
                self.find(
                    ("T_CRL_ISSUER", Severity::Note),
                    kind,
                    list.issuer_text(),
                    detail,
                );
            } else if !named.any(|anchor| list.is_signed_by(anchor)) {
                let detail =
                    "an anchor has the name of its issuer, and its signature is by another key";
                self.find(
                    ("T_CRL_FORGED", Severity::Problem),
                    kind,
                    list.issuer_text(),
                    detail,
                );
            }
        }
        for anchor in anchors() {
            if !crls.iter().any(|list| list.is_signed_by(anchor)) {
                let detail =
                    "lists are configured, and this anchor has none: whatever it issued is refused";
                let name = anchor.subject.to_text();
                self.find(("T_CRL_MISSING", Severity::Problem), kind, name, detail);
            }
        }
    }

    fn crl(&mut self, list: &Crl) {
        use Severity::{Problem, Warning};
        let (kind, name) = (TrustItemKind::Crl, || list.issuer_text());
        match list.next_update() {
            None => {
                let detail = "it does not say when the next one is due, so it is never current";
                self.find(("T_CRL_OVERDUE", Problem), kind, name(), detail);
            }
            Some(next) if next < self.now => {
                let detail = format!("the next one was due at {next}");
                self.find(("T_CRL_OVERDUE", Problem), kind, name(), detail);
            }
            Some(next) if next < self.soon => {
                let detail = format!("the next one is due at {next}");
                self.find(("T_CRL_DUE_SOON", Warning), kind, name(), detail);
            }
            Some(_) => {}
        }
        if self.now < list.this_update() {
            let detail = format!(
                "it was made at {}, which is in the future",
                list.this_update()
            );
            self.find(("T_CRL_NOT_YET", Problem), kind, name(), detail);
        }
    }

    fn identities(&mut self) {
        let kind = TrustItemKind::Identity;
        let store = self.store;
        let (rules, threshold) = (&store.identities.rules, store.policy().threshold);
        if rules.len() < threshold {
            let detail = format!(
                "the policy demands {threshold} identities, and there are {}: no package is trusted",
                rules.len()
            );
            self.find(("T_FEW_IDENTITIES", Severity::Problem), kind, "", detail);
        }
        for rule in rules {
            if store.issuer_of(rule).is_none() {
                let detail =
                    "its issuer is not among the anchors: it has to come with each package";
                self.find(
                    ("T_ISSUER_UNKNOWN", Severity::Note),
                    kind,
                    &rule.name,
                    detail,
                );
            }
        }
    }
}
