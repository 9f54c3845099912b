//! What is trusted, item by item: for looking at.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;

use super::TrustStore;
use super::certificate::Certificate;
use super::identities::Identity;
use super::revocation::Crl;

/// One thing that is trusted, or that limits trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustItem {
    /// What it is.
    pub kind: TrustItemKind,
    /// Subject of a certificate, issuer of a list, or name of an identity.
    pub name: String,
    /// SHA-256 of a certificate or list, DER.
    pub sha256: Option<Sha256Digest>,
    /// SHA-256 of a certificate's public key, as `issuer_spki_sha256` of an identity wants it.
    pub spki_sha256: Option<Sha256Digest>,
    /// Kind of a certificate's key, such as `P-256`.
    pub key: Option<String>,
    /// First second of a certificate's validity, or when a list was made.
    pub from: Option<Timestamp>,
    /// Last second of a certificate's validity, or when the next list is due.
    pub until: Option<Timestamp>,
    /// Whole days until then; negative afterwards.
    pub days_left: Option<i64>,
    /// What an identity says.
    pub rule: Option<TrustRule>,
}

/// What a [`TrustItem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrustItemKind {
    /// A certificate that chains of package signers may end in.
    Anchor,
    /// A certificate that chains of timestamp authorities may end in.
    TsaAnchor,
    /// A revocation list.
    Crl,
    /// A rule of the identities file.
    Identity,
}

impl TrustItemKind {
    /// Its name in listings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::TsaAnchor => "tsa-anchor",
            Self::Crl => "crl",
            Self::Identity => "identity",
        }
    }
}

/// A rule of the identities file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRule {
    /// The subject it demands, as it is written.
    pub subject: String,
    /// Public key of the authority that must have issued the signer's certificate.
    pub issuer_spki_sha256: Sha256Digest,
    /// That authority's subject, if it is among the anchors; otherwise it comes with the packages.
    pub issuer: Option<String>,
    /// The package types it covers.
    pub types: Vec<String>,
    /// The products it covers; empty: all.
    pub products: Vec<String>,
    /// The versions it covers; empty: all.
    pub versions: String,
}

/// Everything in the order of the stores; days are counted from `now`.
pub(super) fn items(store: &TrustStore, now: Timestamp) -> Vec<TrustItem> {
    let anchors = store.anchors.certificates.iter();
    let tsa_anchors = store.tsa_anchors.iter().flat_map(|all| &all.certificates);
    let crls = store.crls.iter().flatten();
    let rules = store.identities.rules.iter();
    anchors
        .map(|anchor| certificate(TrustItemKind::Anchor, anchor, now))
        .chain(tsa_anchors.map(|anchor| certificate(TrustItemKind::TsaAnchor, anchor, now)))
        .chain(crls.map(|list| crl(list, now)))
        .chain(rules.map(|rule| identity(rule, store)))
        .collect()
}

fn certificate(kind: TrustItemKind, certificate: &Certificate, now: Timestamp) -> TrustItem {
    TrustItem {
        kind,
        name: certificate.subject.to_text(),
        sha256: Some(certificate.sha256()),
        spki_sha256: Some(certificate.spki_sha256()),
        key: Some(certificate.key.to_string()),
        from: Some(certificate.not_before),
        until: Some(certificate.not_after),
        days_left: Some(days_left(certificate.not_after, now)),
        rule: None,
    }
}

fn crl(list: &Crl, now: Timestamp) -> TrustItem {
    TrustItem {
        kind: TrustItemKind::Crl,
        name: list.issuer_text(),
        sha256: list.sha256(),
        spki_sha256: None,
        key: None,
        from: Some(list.this_update()),
        until: list.next_update(),
        days_left: list.next_update().map(|next| days_left(next, now)),
        rule: None,
    }
}

fn identity(rule: &Identity, store: &TrustStore) -> TrustItem {
    let issuer = store.issuer_of(rule);
    TrustItem {
        kind: TrustItemKind::Identity,
        name: rule.name.clone(),
        sha256: None,
        spki_sha256: None,
        key: None,
        from: None,
        until: None,
        days_left: None,
        rule: Some(TrustRule {
            subject: rule.subject_text.clone(),
            issuer_spki_sha256: rule.issuer_spki_sha256,
            issuer: issuer.map(|issuer| issuer.subject.to_text()),
            types: rule.types.iter().map(|of| of.name().to_owned()).collect(),
            products: rule.products.clone(),
            versions: rule.versions.to_string(),
        }),
    }
}

/// Whole days from `now` until `end`, less than zero afterwards.
fn days_left(end: Timestamp, now: Timestamp) -> i64 {
    const DAY: i64 = 86_400;
    let seconds = end.as_second().saturating_sub(now.as_second());
    seconds.div_euclid(DAY)
}
