//! Whether those who signed may: the rows identity and policy.

use std::collections::BTreeSet;

use super::authenticate::{SignerChain, describe};
use super::certificate::Certificate;
use super::identities::{Identities, Identity};
use super::{
    Authentication, Check, CheckName, Claims, Refusal, Signer, TimestampPolicy, UnsignedPolicy,
};

/// What [`super::TrustStore::authorize`] found.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// The rows identity and policy.
    pub checks: Vec<Check>,
    /// Who signed, with the identity each of them matched.
    pub signers: Vec<Signer>,
}

pub(super) fn authorize(
    identities: &Identities,
    authentication: &Authentication,
    claims: &Claims<'_>,
    unsigned: Option<&str>,
) -> Authorization {
    if !authentication.is_signed() {
        return authorize_unsigned(identities, authentication, unsigned);
    }
    if !authentication.is_sound() || authentication.signers.is_empty() {
        let row = |name| Check::not_checked(name, "N_EARLIER", "an earlier check failed");
        return Authorization {
            checks: vec![row(CheckName::Identity), row(CheckName::Policy)],
            signers: authentication.signers(),
        };
    }
    let mut signers = Vec::new();
    let mut refused = None;
    let mut names = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for chain in &authentication.signers {
        let mut signer = describe(&chain.certificate);
        match find(identities, chain, claims) {
            Ok(identity) => {
                names.insert(identity.name.as_str());
                keys.insert(chain.certificate.spki_sha256());
                signer.identity = Some(identity.name.clone());
            }
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
        signers.push(signer);
    }
    let identity = if let Some(refusal) = refused {
        refusal.check(CheckName::Identity)
    } else {
        let names: Vec<&str> = names.iter().copied().collect();
        Check::passed(CheckName::Identity).fact("identity", names.join(", "))
    };
    // One key under two names is still one key.
    let different = names.len().min(keys.len());
    let policy = check_policy(identities, authentication, different);
    Authorization {
        checks: vec![identity, policy],
        signers,
    }
}

fn authorize_unsigned(
    identities: &Identities,
    authentication: &Authentication,
    reason: Option<&str>,
) -> Authorization {
    let may_ask = identities.policy.unsigned == UnsignedPolicy::Ask;
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    let policy = match reason {
        Some(reason) if may_ask && authentication.is_sound() => {
            Check::passed(CheckName::Policy).fact("unsigned", reason)
        }
        _ => Refusal::Unsigned { may_ask }.check(CheckName::Policy),
    };
    let identity = Check::not_checked(
        CheckName::Identity,
        "N_UNSIGNED",
        "the package is not signed",
    );
    Authorization {
        checks: vec![identity, policy],
        signers: Vec::new(),
    }
}

fn check_policy(
    identities: &Identities,
    authentication: &Authentication,
    different: usize,
) -> Check {
    let policy = &identities.policy;
    let refusal = if different < policy.threshold {
        Refusal::Threshold {
            expected: policy.threshold,
            found: different,
        }
    } else if policy.timestamp == TimestampPolicy::Required && authentication.timestamp().is_none()
    {
        Refusal::TimestampRequired
    } else {
        return Check::passed(CheckName::Policy)
            .fact("threshold", policy.threshold)
            .fact("identities", different);
    };
    refusal.check(CheckName::Policy)
}

/// The first rule that allows this signer this package, or the refusal that came closest.
fn find<'a>(
    identities: &'a Identities,
    signer: &SignerChain,
    claims: &Claims<'_>,
) -> Result<&'a Identity, Refusal> {
    let subject = || signer.certificate.subject.to_text();
    let named = || {
        identities
            .rules
            .iter()
            .filter(|rule| rule.subject.matches(&signer.certificate.subject))
    };
    let issuer = signer.issuer.as_ref();
    let of_issuer = || {
        named().filter(|rule| {
            issuer.is_some_and(|issuer| issuer.spki_sha256() == rule.issuer_spki_sha256)
        })
    };
    let mut scope = None;
    for rule in of_issuer() {
        match check_scope(rule, claims) {
            Ok(()) => return Ok(rule),
            Err(refusal) => scope = scope.or(Some(refusal)),
        }
    }
    Err(scope
        .or_else(|| {
            named().next().map(|rule| Refusal::IdentityIssuer {
                subject: subject(),
                identity: rule.name.clone(),
                expected: rule.issuer_spki_sha256.to_string(),
                found: issuer
                    .map(|issuer| issuer.spki_sha256().to_string())
                    .unwrap_or_default(),
                issuer: issuer.map(name_of).unwrap_or_default(),
            })
        })
        .unwrap_or_else(|| Refusal::Identity { subject: subject() }))
}

fn name_of(certificate: &Certificate) -> String {
    certificate.subject.to_text()
}

fn check_scope(rule: &Identity, claims: &Claims<'_>) -> Result<(), Refusal> {
    let outside = |what, found: String, expected: String| Refusal::IdentityScope {
        identity: rule.name.clone(),
        what,
        found,
        expected,
    };
    if !rule.types.contains(&claims.package_type) {
        let allowed: Vec<&str> = rule.types.iter().map(|kind| kind.name()).collect();
        return Err(outside(
            "packages of type",
            claims.package_type.to_string(),
            allowed.join(", "),
        ));
    }
    let product = claims.product;
    if !rule.products.is_empty() && rule.products.iter().all(|allowed| allowed != product) {
        return Err(outside(
            "packages for product",
            product.to_owned(),
            rule.products.join(", "),
        ));
    }
    if !rule.versions.contains(claims.version) {
        return Err(outside(
            "packages of version",
            claims.version.to_string(),
            rule.versions.to_string(),
        ));
    }
    Ok(())
}
