//! The identities file: who may sign what. `format-spec/identities.md` is its grammar.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::digest::Sha256Digest;
use crate::release::{PackageType, VersionRange};

use super::limits;
use super::name::NamePattern;
use super::name_text::{self, NameError};
use super::policy::{Policy, TimestampPolicy, UnsignedPolicy};

/// Everything an identities file says.
#[derive(Debug, Clone)]
pub struct Identities {
    /// SHA-256 of the file.
    pub(super) sha256: Sha256Digest,
    pub(super) rules: Vec<Identity>,
    pub(super) policy: Policy,
    /// Whether an anchor that is not self-signed ends a chain.
    pub(super) intermediate_anchors: bool,
}

/// One rule.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) subject: NamePattern,
    /// The subject as the file writes it.
    pub(super) subject_text: String,
    pub(super) issuer_spki_sha256: Sha256Digest,
    /// Empty means all.
    pub(super) types: Vec<PackageType>,
    /// Empty means all.
    pub(super) products: Vec<String>,
    pub(super) versions: VersionRange,
}

/// An identities file that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentitiesError {
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("{message}")]
    Syntax {
        /// What is wrong and where, on one line.
        message: String,
    },
    /// A rule's subject is no distinguished name.
    #[error("subject of identity {identity:?}: {fault}")]
    Subject {
        /// The rule.
        identity: String,
        /// What is wrong with it.
        fault: NameError,
    },
    /// A rule's issuer key is no SHA-256.
    #[error(
        "issuer_spki_sha256 of identity {identity:?}: expected 64 lower-case hex digits, found {length} bytes"
    )]
    Hash {
        /// The rule.
        identity: String,
        /// Length of what is there.
        length: usize,
    },
    /// A rule without a usable name.
    #[error("identity name {0:?}: expected 1 to 64 letters, digits, dots, hyphens and underscores")]
    Name(String),
    /// Two rules of one name.
    #[error("two identities are named {0:?}")]
    Repeated(String),
    /// A list that allows nothing.
    #[error("{field} of identity {identity:?} is empty: leave it out to allow all")]
    EmptyList {
        /// The rule.
        identity: String,
        /// The list.
        field: &'static str,
    },
    /// More rules than a file may have.
    #[error("{0} identities: expected at most 1024")]
    TooMany(usize),
    /// A threshold nobody or everybody meets.
    #[error("policy threshold {0}: expected 1 to 8")]
    Threshold(usize),
}

impl IdentitiesError {
    /// Stable code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "E_IDENTITIES_SYNTAX",
            Self::Subject { .. } => "E_IDENTITIES_SUBJECT",
            Self::Hash { .. } => "E_IDENTITIES_HASH",
            Self::Name(_) => "E_IDENTITIES_NAME",
            Self::Repeated(_) => "E_IDENTITIES_REPEATED",
            Self::EmptyList { .. } => "E_IDENTITIES_EMPTY_LIST",
            Self::TooMany(_) => "E_IDENTITIES_TOO_MANY",
            Self::Threshold(_) => "E_IDENTITIES_THRESHOLD",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Subject { .. } => {
                "write it as `openssl x509 -noout -subject -nameopt RFC2253 -in signer.pem` prints it"
            }
            Self::Hash { .. } => {
                "`openssl x509 -in issuer.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum` prints it; SHA-1 is not accepted"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    identity: Vec<RawIdentity>,
    #[serde(default)]
    policy: RawPolicy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIdentity {
    name: String,
    subject: String,
    issuer_spki_sha256: String,
    types: Option<Vec<PackageType>>,
    products: Option<Vec<String>>,
    versions: Option<VersionRange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPolicy {
    threshold: usize,
    timestamp: TimestampPolicy,
    unsigned: UnsignedPolicy,
    intermediate_anchors: bool,
}

impl Default for RawPolicy {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            threshold: policy.threshold,
            timestamp: policy.timestamp,
            unsigned: policy.unsigned,
            intermediate_anchors: false,
        }
    }
}

impl Identities {
    /// Reads the text of an identities file.
    pub fn parse(text: &str) -> Result<Self, IdentitiesError> {
        let raw: RawFile = toml::from_str(text).map_err(|error| IdentitiesError::Syntax {
            message: one_line(&error, text),
        })?;
        if raw.identity.len() > limits::MAX_IDENTITIES {
            return Err(IdentitiesError::TooMany(raw.identity.len()));
        }
        if !(1..=limits::MAX_SIGNERS).contains(&raw.policy.threshold) {
            return Err(IdentitiesError::Threshold(raw.policy.threshold));
        }
        let rules = raw
            .identity
            .into_iter()
            .map(rule)
            .collect::<Result<Vec<_>, _>>()?;
        let mut names = BTreeSet::new();
        for rule in &rules {
            if !names.insert(rule.name.as_str()) {
                return Err(IdentitiesError::Repeated(rule.name.clone()));
            }
        }
        Ok(Self {
            sha256: Sha256Digest::of(text.as_bytes()),
            rules,
            policy: Policy {
                threshold: raw.policy.threshold,
                timestamp: raw.policy.timestamp,
                unsigned: raw.policy.unsigned,
            },
            intermediate_anchors: raw.policy.intermediate_anchors,
        })
    }

    /// What the file demands of every package.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes in the rules of another file that are not among these; the policy stays.
    pub(super) fn add_rules(&mut self, others: Self) {
        for other in others.rules {
            let same = |own: &Identity| {
                own.subject_text == other.subject_text
                    && own.issuer_spki_sha256 == other.issuer_spki_sha256
            };
            if !self.rules.iter().any(same) {
                self.rules.push(other);
            }
        }
    }

    /// The names of the rules, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }
}

fn rule(raw: RawIdentity) -> Result<Identity, IdentitiesError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !(1..=64).contains(&raw.name.len()) || !raw.name.bytes().all(plain) {
        return Err(IdentitiesError::Name(raw.name.chars().take(64).collect()));
    }
    let identity = || raw.name.clone();
    let subject = name_text::parse(&raw.subject).map_err(|fault| IdentitiesError::Subject {
        identity: identity(),
        fault,
    })?;
    let issuer_spki_sha256 = raw
        .issuer_spki_sha256
        .parse()
        .map_err(|_| IdentitiesError::Hash {
            identity: identity(),
            length: raw.issuer_spki_sha256.len(),
        })?;
    let empty = |field| IdentitiesError::EmptyList {
        identity: identity(),
        field,
    };
    let types = raw.types.unwrap_or_else(|| PackageType::ALL.to_vec());
    let mut products = raw.products.unwrap_or_else(|| vec!["*".to_owned()]);
    if types.is_empty() {
        return Err(empty("types"));
    }
    if products.is_empty() {
        return Err(empty("products"));
    }
    if products.iter().any(|product| product == "*") {
        products.clear();
    }
    Ok(Identity {
        subject,
        subject_text: raw.subject,
        issuer_spki_sha256,
        types,
        products,
        versions: raw.versions.unwrap_or_default(),
        name: raw.name,
    })
}

/// The first line of what the TOML reader says, with the place.
fn one_line(error: &toml::de::Error, text: &str) -> String {
    let message: String = error.message().chars().take(200).collect();
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| before.lines().count().max(1));
    match line {
        Some(line) => format!("line {line}: {message}"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn code(text: &str) -> Option<&'static str> {
        Identities::parse(text).err().map(|error| error.code())
    }

    fn with(lines: &str) -> String {
        format!(
            "[[identity]]\nname = \"a\"\nsubject = \"CN=a\"\nissuer_spki_sha256 = \"{KEY}\"\n{lines}\n"
        )
    }

    #[test]
    fn an_empty_file_trusts_nobody_and_asks_for_everything() {
        let read = Identities::parse("").unwrap();
        assert_eq!(read.policy(), &Policy::default());
        assert_eq!(read.names().count(), 0);
    }

    #[test]
    fn every_key_is_read() {
        let text = with(
            "types = [\"onefs\", \"patch\"]\nproducts = [\"x\"]\nversions = \">=9\"\n\
             [policy]\nthreshold = 2\ntimestamp = \"if-present\"\nunsigned = \"ask\"\nintermediate_anchors = true",
        );
        let read = Identities::parse(&text).unwrap();
        assert_eq!(read.policy.threshold, 2);
        assert_eq!(read.policy.timestamp, TimestampPolicy::IfPresent);
        assert_eq!(read.policy.unsigned, UnsignedPolicy::Ask);
        assert!(read.intermediate_anchors);
        assert_eq!(
            read.rules[0].types,
            [PackageType::Onefs, PackageType::Patch]
        );
        assert_eq!(read.rules[0].products, ["x"]);
    }

    #[test]
    fn x34_only_sha256_names_a_key() {
        let sha1 = with("").replace(KEY, &KEY[..40]);
        assert_eq!(code(&sha1), Some("E_IDENTITIES_HASH"));
        for wrong in [
            KEY.to_uppercase(),
            format!("{KEY}0"),
            String::new(),
            format!(" {}", &KEY[1..]),
        ] {
            assert_eq!(
                code(&with("").replace(KEY, &wrong)),
                Some("E_IDENTITIES_HASH"),
                "{wrong}"
            );
        }
        assert_eq!(
            code(&with("fingerprint_sha1 = \"00\"")),
            Some("E_IDENTITIES_SYNTAX")
        );
    }

    #[test]
    fn what_the_grammar_does_not_know_is_refused() {
        for (text, expected) in [
            (with("color = 1"), "E_IDENTITIES_SYNTAX"),
            ("[polciy]\n".to_owned(), "E_IDENTITIES_SYNTAX"),
            (
                "[policy]\nthreshold = -1\n".to_owned(),
                "E_IDENTITIES_SYNTAX",
            ),
            (
                "[policy]\nthreshold = 0\n".to_owned(),
                "E_IDENTITIES_THRESHOLD",
            ),
            (
                "[policy]\nthreshold = 9\n".to_owned(),
                "E_IDENTITIES_THRESHOLD",
            ),
            (
                "[policy]\ntimestamp = \"no\"\n".to_owned(),
                "E_IDENTITIES_SYNTAX",
            ),
            (
                "[policy]\nunsigned = \"allow\"\n".to_owned(),
                "E_IDENTITIES_SYNTAX",
            ),
            (with("types = []"), "E_IDENTITIES_EMPTY_LIST"),
            (with("products = []"), "E_IDENTITIES_EMPTY_LIST"),
            (with("types = [\"Onefs\"]"), "E_IDENTITIES_SYNTAX"),
            (with("versions = \"9\""), "E_IDENTITIES_SYNTAX"),
            (with(&with("")), "E_IDENTITIES_REPEATED"),
            (with("").replace("CN=a", "a"), "E_IDENTITIES_SUBJECT"),
            (
                with("").replace("name = \"a\"", "name = \"\""),
                "E_IDENTITIES_NAME",
            ),
            (
                with("").replace("name = \"a\"", "name = \"a\\nb\""),
                "E_IDENTITIES_NAME",
            ),
            (
                "[[identity]]\nname = \"a\"\n".to_owned(),
                "E_IDENTITIES_SYNTAX",
            ),
            ("= 1".to_owned(), "E_IDENTITIES_SYNTAX"),
        ] {
            assert_eq!(code(&text), Some(expected), "{text}");
        }
        let many = (0..=limits::MAX_IDENTITIES)
            .map(|number| with("").replace("\"a\"", &format!("\"a{number}\"")))
            .collect::<String>();
        assert_eq!(code(&many), Some("E_IDENTITIES_TOO_MANY"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_file_or_an_error(text in ".{0,200}") {
            drop(Identities::parse(&text));
        }
    }
}
