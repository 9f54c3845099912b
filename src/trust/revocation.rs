//! Revocation lists (RFC 5280, section 5): fresh ones for every issuer, and what a date in them means.
//!
//! openssl cannot judge a chain at a time in the past and a list of today in one call. So: our own rules
//! find the list, check its signature, its time and the entry; openssl then judges the same chain
//! without time, and both must agree.

use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::{CrlReason, CrlStatus, ReasonCode, X509Crl, X509RevokedRef};

use crate::digest::Sha256Digest;

use super::certificate::Certificate;
use super::chain::Anchors;
use super::der::Reader;
use super::memo::{Fact, Memo};
use super::name::Name;
use super::profile::Use;
use super::{Refusal, ffi};

/// One revocation list.
pub(super) struct Crl {
    x509: X509Crl,
    /// Of the bytes that it was read from.
    digest: Sha256Digest,
    /// Issuer name, DER.
    issuer: Vec<u8>,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
}

impl std::fmt::Debug for Crl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crl({})", self.this_update)
    }
}

impl Crl {
    /// Reads one list; `None` if it is none.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        ffi::init();
        let x509 = X509Crl::from_der(der).ok()?;
        Some(Self {
            issuer: x509.issuer_name().to_der().ok()?,
            this_update: timestamp(x509.last_update())?,
            next_update: match x509.next_update() {
                Some(time) => Some(timestamp(time)?),
                None => None,
            },
            digest: Sha256Digest::of(der),
            x509,
        })
    }

    pub(super) fn x509(&self) -> &X509Crl {
        &self.x509
    }

    /// SHA-256 of the bytes that it was read from.
    pub(super) fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// When it was made.
    pub(super) fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When the next one is due, if it says so.
    pub(super) fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    /// The issuer in RFC 2253 form.
    pub(super) fn issuer_text(&self) -> String {
        let name = Name::read(&mut Reader::new(&self.issuer), "issuer");
        name.map(|name| name.to_text()).unwrap_or_default()
    }

    /// SHA-256 of the DER.
    pub(super) fn sha256(&self) -> Option<Sha256Digest> {
        self.x509.to_der().ok().map(|der| Sha256Digest::of(&der))
    }

    /// Whether it names this certificate's subject as its issuer.
    pub(super) fn names(&self, issuer: &Certificate) -> bool {
        self.issuer == issuer.subject.der
    }

    pub(super) fn is_signed_by(&self, issuer: &Certificate) -> bool {
        self.names(issuer)
            && issuer
                .x509
                .public_key()
                .and_then(|key| self.x509.verify(&key))
                .unwrap_or(false)
    }

    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.this_update <= now && self.next_update.is_some_and(|next| now <= next)
    }
}

/// The two times of a revocation check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// When the signature was made: the verified timestamp's time, else now.
    pub(super) signed: Timestamp,
    /// Now, which the lists must be fresh at.
    pub(super) now: Timestamp,
}

/// Looks every certificate of a chain up, except the anchor.
pub(super) fn check(
    anchors: &Anchors,
    chain: &[Certificate],
    wanted: Use,
    crls: &[Crl],
    times: Times,
) -> Result<(), Refusal> {
    let mut used: Vec<&Crl> = Vec::new();
    let mut has_entry = false;
    for (certificate, issuer) in chain.iter().zip(chain.iter().skip(1)) {
        let crl = find(&anchors.memo, crls, certificate, issuer, times.now)?;
        match crl.x509.get_by_cert(&certificate.x509) {
            CrlStatus::NotRevoked => {}
            // Only lists of changes, which are not read here, take an entry back.
            CrlStatus::RemoveFromCrl(entry) | CrlStatus::Revoked(entry) => {
                has_entry = true;
                judge(certificate, entry, times.signed)?;
            }
        }
        used.push(crl);
    }
    let last = chain.last().map(|anchor| anchor.subject.to_text());
    anchors
        .check_revocation(chain, wanted, &used, has_entry)
        .map_err(|problem| Refusal::CrlInvalid {
            issuer: last.unwrap_or_default(),
            problem,
        })
}

/// Whether a list carries the signature of an issuer whose own chain was accepted.
fn is_signed(memo: &Memo, crl: &Crl, issuer: &Certificate) -> bool {
    let fact = Fact::new("list signed by", [crl.digest, issuer.sha256()]);
    let prove = || crl.is_signed_by(issuer).then_some(()).ok_or(());
    memo.holds(fact, prove).is_ok()
}

/// The newest list of an issuer, which must be fresh.
fn find<'a>(
    memo: &Memo,
    crls: &'a [Crl],
    certificate: &Certificate,
    issuer: &Certificate,
    now: Timestamp,
) -> Result<&'a Crl, Refusal> {
    let name = || issuer.subject.to_text();
    let newest = crls
        .iter()
        .filter(|crl| crl.names(issuer) && is_signed(memo, crl, issuer))
        .max_by_key(|crl| (crl.is_fresh(now), crl.this_update))
        .ok_or_else(|| Refusal::CrlMissing {
            subject: certificate.subject.to_text(),
            issuer: name(),
        })?;
    if !newest.is_fresh(now) {
        return Err(Refusal::CrlStale {
            issuer: name(),
            this_update: newest.this_update,
            next_update: newest
                .next_update
                .map_or_else(|| "no end".to_owned(), |next| next.to_string()),
            now,
        });
    }
    if issuer.key_usage.is_some_and(|usage| !usage.crl_sign()) {
        return Err(Refusal::CrlInvalid {
            issuer: name(),
            problem: "its issuer may not sign revocation lists".to_owned(),
        });
    }
    Ok(newest)
}

/// A certificate revoked later than it signed may keep its signature, if its key was not lost.
fn judge(
    certificate: &Certificate,
    entry: &X509RevokedRef,
    signed: Timestamp,
) -> Result<(), Refusal> {
    let reason = match entry.extension::<ReasonCode>() {
        Ok(None) => None,
        Ok(Some((_, code))) => code.get_i64().ok(),
        Err(_) => Some(i64::from(CrlReason::KEY_COMPROMISE.as_raw())),
    };
    let revoked = timestamp(entry.revocation_date()).unwrap_or(Timestamp::MIN);
    let harmless = [
        CrlReason::AFFILIATION_CHANGED,
        CrlReason::SUPERSEDED,
        CrlReason::CESSATION_OF_OPERATION,
    ]
    .iter()
    .any(|code| Some(i64::from(code.as_raw())) == reason);
    if harmless && revoked > signed {
        return Ok(());
    }
    Err(Refusal::Revoked {
        subject: certificate.subject.to_text(),
        revoked,
        reason: reason_name(reason),
        time: signed,
    })
}

fn reason_name(code: Option<i64>) -> String {
    let name = match code {
        None => "no reason given",
        Some(0) => "unspecified",
        Some(1) => "keyCompromise",
        Some(2) => "cACompromise",
        Some(3) => "affiliationChanged",
        Some(4) => "superseded",
        Some(5) => "cessationOfOperation",
        Some(6) => "certificateHold",
        Some(8) => "removeFromCRL",
        Some(9) => "privilegeWithdrawn",
        Some(10) => "aACompromise",
        Some(other) => return format!("reason {other}"),
    };
    name.to_owned()
}

fn timestamp(time: &Asn1TimeRef) -> Option<Timestamp> {
    let start = Asn1Time::from_unix(0).ok()?;
    let since = start.diff(time).ok()?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::{Crl, Memo, is_signed};
    use crate::trust::certificate::Certificate;
    use crate::trust::dev_pki::Authority;
    use crate::trust::pem::blocks;

    /// What was proven of one issuer says nothing of another with the same name.
    #[test]
    fn a_list_is_proven_for_its_own_issuer_only() {
        let then = "2026-01-01T00:00:00Z".parse().unwrap();
        let until = "2026-02-01T00:00:00Z".parse().unwrap();
        let [own, namesake] = [(); 2].map(|()| Authority::root(&[("CN", "Root")], then).unwrap());
        let certificate = |authority: &Authority| {
            let pem = authority.certificate_pem().unwrap();
            Certificate::from_der(&blocks(pem.as_bytes()).unwrap()[0].der).unwrap()
        };
        let pem = own.crl_pem(then, until, &[]).unwrap();
        let list = Crl::from_der(&blocks(pem.as_bytes()).unwrap()[0].der).unwrap();
        let (own, namesake) = (certificate(&own), certificate(&namesake));
        assert!(list.names(&namesake));
        let memo = Memo::default();
        for _ in 0..2 {
            assert!(is_signed(&memo, &list, &own));
            assert!(!is_signed(&memo, &list, &namesake));
        }
    }
}
