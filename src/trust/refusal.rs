use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::der::DerError;
use super::{Check, CheckName};

/// Why a signature, a certificate, a timestamp or a signer is refused: one variant for every rule.
///
/// `format-spec/identities.md` lists the codes with the rule each one protects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[non_exhaustive]
pub enum Refusal {
    /// Bytes that are not the strict DER they should be.
    #[error("{part}: {error}")]
    Format {
        /// What was read.
        part: &'static str,
        /// What is wrong with it.
        error: DerError,
    },
    /// A part longer than it may be.
    #[error("{part} of {length} bytes: expected at most {limit}")]
    TooLarge {
        /// What was read.
        part: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The most it may have, in bytes.
        limit: usize,
    },
    /// More of something than there may be.
    #[error("{found} {what}: expected at most {limit}")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The signature carries the content it signs.
    #[error("the signature carries its own content: expected a detached one")]
    NotDetached,
    /// The content is of another type.
    #[error("signed content of type {found}: expected {expected}")]
    ContentType {
        /// The OID required.
        expected: String,
        /// The OID found.
        found: String,
    },
    /// A digest that is no longer safe.
    #[error("digest {found} in {field}: expected SHA-256, SHA-384 or SHA-512")]
    WeakDigest {
        /// Where it is used.
        field: &'static str,
        /// Its name or OID.
        found: String,
    },
    /// Signed attributes missing or not those required.
    #[error("signed attributes: {problem}")]
    SignedAttributes {
        /// What is wrong.
        problem: &'static str,
    },
    /// A signature algorithm that is not supported, or does not fit digest or key.
    #[error("signature algorithm {found} with {digest} and a {key} key: not supported")]
    SignatureAlgorithm {
        /// Its OID.
        found: String,
        /// The digest beside it.
        digest: String,
        /// The kind of the signer's key.
        key: String,
    },
    /// A signature that does not belong to the content and the certificate.
    #[error("{problem}")]
    Signature {
        /// What does not fit.
        problem: &'static str,
    },
    /// No signer, or some signers good and some not.
    #[error("{good} of {total} signatures can be trusted: expected every one, and at least one")]
    SignerCount {
        /// Signers that passed.
        good: usize,
        /// All signers.
        total: usize,
        /// Subject and code of the first signer that did not pass.
        first_bad: String,
    },
    /// The chain does not end in an anchor.
    #[error("{subject} does not lead to a trusted anchor: {problem}")]
    Untrusted {
        /// Subject of the certificate.
        subject: String,
        /// What the search ended with.
        problem: String,
    },
    /// A certificate between signer and anchor is missing.
    #[error("the certificate of {issuer}, which issued {subject}, is missing")]
    ChainIncomplete {
        /// Subject of the certificate whose issuer is missing.
        subject: String,
        /// The missing issuer.
        issuer: String,
    },
    /// A chain of too many certificates.
    #[error("chain of more than {limit} certificates")]
    ChainLength {
        /// The most there may be, signer and anchor included.
        limit: usize,
    },
    /// A certificate that was no longer valid.
    #[error("certificate of {subject} expired at {not_after}, judged at {time}")]
    CertificateExpired {
        /// Whose certificate.
        subject: String,
        /// Last second of its validity.
        not_after: Timestamp,
        /// The time asked for.
        time: Timestamp,
    },
    /// A certificate that was not valid yet.
    #[error("certificate of {subject} is valid from {not_before}, judged at {time}")]
    CertificateNotYetValid {
        /// Whose certificate.
        subject: String,
        /// First second of its validity.
        not_before: Timestamp,
        /// The time asked for.
        time: Timestamp,
    },
    /// A certificate that breaks a rule of the profile.
    #[error("certificate of {subject}: {problem}")]
    CertificateProfile {
        /// Whose certificate.
        subject: String,
        /// The rule that is broken.
        problem: String,
    },
    /// A key of a kind that is not supported.
    #[error(
        "certificate of {subject} has a key of kind {found}: expected RSA, P-256, P-384 or P-521"
    )]
    KeyType {
        /// Whose certificate.
        subject: String,
        /// The kind found.
        found: String,
    },
    /// A key too short to be safe.
    #[error("certificate of {subject} has a {found} key: expected RSA of at least {minimum} bits")]
    WeakKey {
        /// Whose certificate.
        subject: String,
        /// The kind found.
        found: String,
        /// Fewest bits accepted.
        minimum: usize,
    },
    /// A key whose use would take too long.
    #[error(
        "certificate of {subject} has a {found} key: expected a modulus of at most 8192 and an exponent of at most 32 bits"
    )]
    KeySize {
        /// Whose certificate.
        subject: String,
        /// The kind found.
        found: String,
    },
    /// A certificate that may not sign code.
    #[error("certificate of {subject}: extended key usage is {found}, {expected}")]
    ExtendedKeyUsage {
        /// Whose certificate.
        subject: String,
        /// What it should be, as in "expected ...".
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A key that may not be used for this.
    #[error("certificate of {subject}: key usage is {found}, expected {expected}")]
    KeyUsage {
        /// Whose certificate.
        subject: String,
        /// The bit required.
        expected: &'static str,
        /// The bits set.
        found: String,
    },
    /// A timestamp over something else.
    #[error("the timestamp belongs to another signature")]
    TimestampImprint {
        /// Hex of the digest in the token.
        found: String,
        /// Hex of the digest of this signature.
        expected: String,
    },
    /// A timestamp from a time that cannot be.
    #[error("timestamp of {time}: expected one {expected}")]
    TimestampTime {
        /// The token's genTime.
        time: Timestamp,
        /// The bound it breaks.
        expected: String,
    },
    /// A certificate that may not issue timestamps.
    #[error(
        "certificate of {subject} may not issue timestamps: extended key usage is {found}, expected timeStamping alone, critical"
    )]
    TimestampExtendedKeyUsage {
        /// Whose certificate.
        subject: String,
        /// What it is.
        found: String,
    },
    /// A token whose signature does not fit.
    #[error("timestamp: {problem}")]
    TimestampSignature {
        /// What does not fit.
        problem: &'static str,
    },
    /// A timestamp without the signature it is about.
    #[error("a timestamp without a signature")]
    TimestampAlone,
    /// A certificate that was revoked.
    #[error("certificate of {subject} was revoked at {revoked} ({reason}), judged at {time}")]
    Revoked {
        /// Whose certificate.
        subject: String,
        /// Since when.
        revoked: Timestamp,
        /// The list's reason.
        reason: String,
        /// The time asked for.
        time: Timestamp,
    },
    /// No revocation list of an issuer.
    #[error("no revocation list of {issuer}, which issued {subject}")]
    CrlMissing {
        /// Whose certificate could not be looked up.
        subject: String,
        /// Whose list is missing.
        issuer: String,
    },
    /// A revocation list out of its time.
    #[error(
        "the revocation list of {issuer} is valid from {this_update} to {next_update}, judged at {now}"
    )]
    CrlStale {
        /// Whose list.
        issuer: String,
        /// First second of its validity.
        this_update: Timestamp,
        /// Last second of its validity, or "no end".
        next_update: String,
        /// Now.
        now: Timestamp,
    },
    /// A revocation list that cannot be used.
    #[error("the revocation list of {issuer}: {problem}")]
    CrlInvalid {
        /// Whose list.
        issuer: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A signer whose name is in no rule.
    #[error("no identity has the subject {subject}")]
    Identity {
        /// The signer's subject.
        subject: String,
    },
    /// A signer with a known name, issued by another authority.
    #[error("{subject} has the name of identity {identity:?} but was issued by another authority")]
    IdentityIssuer {
        /// The signer's subject.
        subject: String,
        /// The rule with this subject.
        identity: String,
        /// SHA-256 of the key the rule asks for.
        expected: String,
        /// SHA-256 of the key that issued.
        found: String,
        /// Subject of the authority that issued.
        issuer: String,
    },
    /// A signer who may not sign such a package.
    #[error("identity {identity:?} may not sign {what} {found:?}")]
    IdentityScope {
        /// The rule.
        identity: String,
        /// What is out of scope: type, product or version.
        what: &'static str,
        /// What the package claims.
        found: String,
        /// What the rule allows.
        expected: String,
    },
    /// Too few different signers.
    #[error("signed by {found} different identities: expected at least {expected}")]
    Threshold {
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// No timestamp where one is required.
    #[error("no verified timestamp, and the policy requires one")]
    TimestampRequired,
    /// No signature where the policy wants one.
    #[error("the package is not signed")]
    Unsigned {
        /// Whether the policy would let it pass for a reason.
        may_ask: bool,
    },
}

impl Refusal {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Format { .. } => "E_FORMAT",
            Self::TooLarge { .. } => "E_TOO_LARGE",
            Self::TooMany { .. } => "E_TOO_MANY",
            Self::NotDetached => "E_NOT_DETACHED",
            Self::ContentType { .. } => "E_CONTENT_TYPE",
            Self::WeakDigest { .. } => "E_WEAK_DIGEST",
            Self::SignedAttributes { .. } => "E_SIGNED_ATTRS",
            Self::SignatureAlgorithm { .. } => "E_SIGNATURE_ALGORITHM",
            Self::Signature { .. } => "E_SIGNATURE",
            Self::SignerCount { .. } => "E_SIGNER_COUNT",
            Self::Untrusted { .. } => "E_UNTRUSTED",
            Self::ChainIncomplete { .. } => "E_CHAIN",
            Self::ChainLength { .. } => "E_CHAIN_LENGTH",
            Self::CertificateExpired { .. } => "E_CERT_EXPIRED",
            Self::CertificateNotYetValid { .. } => "E_CERT_NOT_YET_VALID",
            Self::CertificateProfile { .. } => "E_CERT_PROFILE",
            Self::KeyType { .. } => "E_KEY_TYPE",
            Self::WeakKey { .. } => "E_WEAK_KEY",
            Self::KeySize { .. } => "E_KEY_SIZE",
            Self::ExtendedKeyUsage { .. } => "E_EKU",
            Self::KeyUsage { .. } => "E_KEY_USAGE",
            Self::TimestampImprint { .. } => "E_TS_IMPRINT",
            Self::TimestampTime { .. } => "E_TS_TIME",
            Self::TimestampExtendedKeyUsage { .. } => "E_TS_EKU",
            Self::TimestampSignature { .. } => "E_TS_SIGNATURE",
            Self::TimestampAlone => "E_TS_ALONE",
            Self::Revoked { .. } => "E_REVOKED",
            Self::CrlMissing { .. } => "E_CRL_MISSING",
            Self::CrlStale { .. } => "E_CRL_STALE",
            Self::CrlInvalid { .. } => "E_CRL_INVALID",
            Self::Identity { .. } => "E_IDENTITY",
            Self::IdentityIssuer { .. } => "E_IDENTITY_ISSUER",
            Self::IdentityScope { .. } => "E_IDENTITY_SCOPE",
            Self::Threshold { .. } => "E_THRESHOLD",
            Self::TimestampRequired => "E_TS_REQUIRED",
            Self::Unsigned { .. } => "E_UNSIGNED",
        }
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Format {
                part: "signature", ..
            } => {
                "sign the package again; an outside signature is made DER with `openssl cms -cmsout -inform DER -outform DER`"
            }
            Self::NotDetached => "sign with `openssl cms -sign -binary` and without -nodetach",
            Self::WeakDigest { .. } => "sign again with SHA-256 or better",
            Self::SignedAttributes { .. } => "sign without -noattr",
            Self::Signature { .. } => {
                "the package was changed after it was signed, or signed by another key: get it again from its vendor"
            }
            Self::SignatureAlgorithm { .. } | Self::KeyType { .. } | Self::WeakKey { .. } => {
                "sign with an ECDSA P-256 or P-384 key or RSA of 3072 bits or more, PKCS #1 v1.5"
            }
            Self::Untrusted { .. } => {
                "put the vendor's root certificate into the directory of package anchors, if you trust it"
            }
            Self::ChainIncomplete { .. } => {
                "sign again with --chain and the certificates of the issuing authorities"
            }
            Self::CertificateExpired { .. } => {
                "a timestamp made while the certificate was valid keeps a signature usable: isi_packager timestamp"
            }
            Self::ExtendedKeyUsage { .. } => "sign with a certificate issued for code signing",
            Self::TimestampImprint { .. } => "timestamp the package again: isi_packager timestamp",
            Self::TimestampTime { .. } => "check this machine's clock",
            Self::CrlMissing { .. } | Self::CrlStale { .. } => {
                "get the authority's current revocation list into the directory of revocation lists"
            }
            Self::Identity { .. } => {
                "add an [[identity]] with this subject to the identities file, if this signer may sign packages"
            }
            Self::IdentityIssuer { .. } => {
                "another authority issued a certificate with this name: do not install the package; ask its vendor"
            }
            Self::Threshold { .. } => "the package needs more signers: isi_packager sign --append",
            Self::TimestampRequired => "timestamp the package: isi_packager timestamp",
            Self::Unsigned { may_ask: true } => {
                "to let it pass once, give --allow-unsigned and a reason"
            }
            Self::Unsigned { may_ask: false } => "sign the package: isi_packager sign",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// Wraps what is wrong with the bytes of `part`; use with `map_err`.
    pub(super) fn format(part: &'static str) -> impl Fn(DerError) -> Self {
        move |error| Self::Format { part, error }
    }

    /// The row that refuses for this reason.
    pub(super) fn check(&self, name: CheckName) -> Check {
        let mut check = Check::failed(name, self.code(), self).hint(self.hint());
        for (name, value) in self.facts() {
            check.facts.insert(name.into(), value);
        }
        check
    }

    /// The fields of the variant, by their names.
    fn facts(&self) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        if let Ok(Value::Object(variant)) = serde_json::to_value(self) {
            collect(&mut facts, variant);
        }
        facts
    }
}

/// Takes what is in an object and in the objects in it, without the names of the latter.
fn collect(facts: &mut Vec<(String, String)>, fields: Map<String, Value>) {
    for (name, value) in fields {
        match value {
            Value::Object(inside) => collect(facts, inside),
            Value::String(text) => facts.push((name, text)),
            other => facts.push((name, other.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_refusal_are_the_facts_of_its_row() {
        let refusal = Refusal::TooLarge {
            part: "signature",
            length: 9,
            limit: 8,
        };
        let check = refusal.check(CheckName::Signature);
        assert_eq!(check.code.as_deref(), Some("E_TOO_LARGE"));
        let facts: Vec<_> = check
            .facts
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(
            facts,
            [("length", "9"), ("limit", "8"), ("part", "signature")]
        );
        let error = super::super::der::check_strict(&[0x30], "ContentInfo").unwrap_err();
        let check = Refusal::format("signature")(error).check(CheckName::Signature);
        assert_eq!(
            check.facts.get("field").map(String::as_str),
            Some("ContentInfo")
        );
        assert_eq!(check.facts.get("offset").map(String::as_str), Some("0"));
        assert!(
            Refusal::NotDetached
                .check(CheckName::Signature)
                .facts
                .is_empty()
        );
    }
}
