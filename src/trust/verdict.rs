use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;

/// What one check looked at.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CheckName {
    /// The container: its parts, sizes and order.
    Structure,
    /// The digests of all regions against the manifest.
    Digests,
    /// The signatures over the manifest.
    Signature,
    /// The certificates from each signer up to an anchor.
    Chain,
    /// What the certificates may be used for.
    Purpose,
    /// The timestamp over the signature.
    Timestamp,
    /// The certificate revocation lists.
    Revocation,
    /// The rule of the identities file that each signer matches.
    Identity,
    /// What the identities file demands of the package as a whole.
    Policy,
}

impl CheckName {
    /// Every check, in the order of a verdict's rows.
    pub const ALL: [Self; 9] = [
        Self::Structure,
        Self::Digests,
        Self::Signature,
        Self::Chain,
        Self::Purpose,
        Self::Timestamp,
        Self::Revocation,
        Self::Identity,
        Self::Policy,
    ];

    /// The word used in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Digests => "digests",
            Self::Signature => "signature",
            Self::Chain => "chain",
            Self::Purpose => "purpose",
            Self::Timestamp => "timestamp",
            Self::Revocation => "revocation",
            Self::Identity => "identity",
            Self::Policy => "policy",
        }
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Done, and nothing is wrong.
    Passed,
    /// Done, and the package must not be used.
    Failed,
    /// Not done; the code says why.
    NotChecked,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotChecked => "not checked",
        })
    }
}

/// Text that is usually fixed, and owned after it came over a wire.
type Text = Cow<'static, str>;

/// One row of a [`Verdict`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    #[serde(rename = "check")]
    pub name: CheckName,
    /// How it came out.
    pub outcome: Outcome,
    /// Stable code: `E_...` of a failed check, `N_...` of one that was not done.
    pub code: Option<Text>,
    /// One sentence for a person, without the hint.
    pub detail: Option<String>,
    /// What was expected and found, by stable names.
    pub facts: BTreeMap<Text, String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Check {
    /// A check that found nothing wrong.
    pub fn passed(name: CheckName) -> Self {
        Self {
            name,
            outcome: Outcome::Passed,
            code: None,
            detail: None,
            facts: BTreeMap::new(),
            hint: None,
        }
    }

    /// A check that refuses the package.
    pub fn failed(name: CheckName, code: &'static str, detail: impl fmt::Display) -> Self {
        Self {
            outcome: Outcome::Failed,
            code: Some(code.into()),
            detail: Some(detail.to_string()),
            ..Self::passed(name)
        }
    }

    /// A check that was not done.
    pub fn not_checked(name: CheckName, code: &'static str, detail: impl fmt::Display) -> Self {
        Self {
            outcome: Outcome::NotChecked,
            ..Self::failed(name, code, detail)
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.facts.insert(name.into(), value.to_string());
        self
    }

    /// Adds what to do next, if there is anything.
    #[must_use]
    pub fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// The result of verifying one package: a row for every check, who signed, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Version of this structure.
    pub schema: u32,
    /// Whether the package is signed by those it must be signed by and no check failed.
    ///
    /// An unsigned package that the policy lets pass is not verified.
    pub verified: bool,
    /// The rows, in the order of [`CheckName`].
    pub checks: Vec<Check>,
    /// Every signer in the order of the signature's DER.
    pub signers: Vec<Signer>,
    /// The timestamp, if one was verified.
    pub timestamp: Option<TimestampSummary>,
}

impl Verdict {
    /// Version of the JSON form.
    pub const SCHEMA: u32 = 1;

    /// Puts the rows in order, adds those that were not reached, and draws the conclusion.
    pub fn new(
        mut checks: Vec<Check>,
        signers: Vec<Signer>,
        timestamp: Option<TimestampSummary>,
    ) -> Self {
        const EARLIER: &str = "N_EARLIER";
        // What was not reached before may have been since.
        checks.retain(|check| check.code.as_deref() != Some(EARLIER));
        for name in CheckName::ALL {
            if checks.iter().all(|check| check.name != name) {
                let detail = "an earlier check failed";
                checks.push(Check::not_checked(name, EARLIER, detail));
            }
        }
        checks.sort_by_key(|check| check.name);
        let outcome = |name| {
            checks
                .iter()
                .find(|check: &&Check| check.name == name)
                .map(|check| check.outcome)
        };
        let needed = [
            CheckName::Structure,
            CheckName::Digests,
            CheckName::Signature,
            CheckName::Chain,
            CheckName::Purpose,
            CheckName::Identity,
            CheckName::Policy,
        ];
        let verified = checks.iter().all(|check| check.outcome != Outcome::Failed)
            && needed
                .into_iter()
                .all(|name| outcome(name) == Some(Outcome::Passed));
        Self {
            schema: Self::SCHEMA,
            verified,
            checks,
            signers,
            timestamp,
        }
    }

    /// Whether any check refuses the package.
    pub fn is_refused(&self) -> bool {
        self.first_failure().is_some()
    }

    /// The first row that refuses the package.
    pub fn first_failure(&self) -> Option<&Check> {
        self.checks
            .iter()
            .find(|check| check.outcome == Outcome::Failed)
    }
}

/// Who signed, from a signer certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Subject, as `openssl x509 -noout -subject -nameopt RFC2253` prints it.
    pub subject: String,
    /// Issuer, in the same form.
    pub issuer: String,
    /// SHA-256 of the certificate's DER.
    pub sha256: Sha256Digest,
    /// SHA-1 of the certificate's DER, 40 hex digits: for look-alike output only.
    pub sha1: String,
    /// Name of the matching rule of the identities file; set only when every check on the signer passed.
    pub identity: Option<String>,
    /// First second of the certificate's validity.
    pub not_before: Timestamp,
    /// Last second of the certificate's validity.
    pub not_after: Timestamp,
}

/// When the signature was seen, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimestampSummary {
    /// The token's genTime.
    pub time: Timestamp,
    /// Subject of the authority's certificate.
    pub authority: String,
    /// Issuer of the authority's certificate.
    pub issuer: String,
    /// SHA-256 of the authority's certificate.
    pub sha256: Sha256Digest,
    /// Serial number of the token, hex.
    pub serial: String,
    /// Object identifier of the policy the token was issued under.
    pub policy: String,
    /// Last second of the authority certificate's validity.
    pub not_after: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(failed: Option<CheckName>) -> Vec<Check> {
        [
            CheckName::Policy,
            CheckName::Identity,
            CheckName::Purpose,
            CheckName::Chain,
            CheckName::Signature,
            CheckName::Digests,
            CheckName::Structure,
        ]
        .into_iter()
        .map(|name| match failed {
            Some(bad) if bad == name => Check::failed(name, "E_TEST", "bad"),
            _ => Check::passed(name),
        })
        .collect()
    }

    #[test]
    fn rows_come_in_order_and_one_failure_refuses() {
        let good = Verdict::new(rows(None), Vec::new(), None);
        assert!(good.verified && !good.is_refused());
        assert!(good.checks.is_sorted_by_key(|check| check.name));
        for name in [CheckName::Structure, CheckName::Policy] {
            let bad = Verdict::new(rows(Some(name)), Vec::new(), None);
            assert!(!bad.verified && bad.is_refused(), "{name}");
        }
    }

    #[test]
    fn a_check_that_was_not_done_is_no_proof() {
        let mut checks = rows(None);
        checks.retain(|check| check.name != CheckName::Signature);
        assert!(!Verdict::new(checks.clone(), Vec::new(), None).verified);
        checks.push(Check::not_checked(
            CheckName::Signature,
            "N_UNSIGNED",
            "no signature",
        ));
        let unsigned = Verdict::new(checks, Vec::new(), None);
        assert!(!unsigned.verified && !unsigned.is_refused());
    }

    #[test]
    fn a_check_that_was_reached_later_has_one_row() {
        let mut checks = rows(None);
        checks.retain(|check| check.name != CheckName::Digests);
        let early = Verdict::new(checks, Vec::new(), None);
        let mut checks = early.checks;
        checks.push(Check::failed(CheckName::Digests, "E_TEST", "bad"));
        let late = Verdict::new(checks, Vec::new(), None);
        let names: Vec<_> = late.checks.iter().map(|check| check.name).collect();
        assert_eq!(names, CheckName::ALL);
        assert!(late.is_refused());
    }

    #[test]
    fn json_keeps_its_names() {
        let check = Check::failed(CheckName::Chain, "E_UNTRUSTED", "no anchor").fact("depth", 1);
        let json = serde_json::to_value(&check).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "check": "chain", "outcome": "failed", "code": "E_UNTRUSTED",
                "detail": "no anchor", "facts": {"depth": "1"}, "hint": null
            })
        );
        assert_eq!(serde_json::from_value::<Check>(json).unwrap(), check);
    }
}
