//! From a signer certificate up to an anchor.
//!
//! # Threats met here
//!
//! - Certificates that come with a signature are only links: a chain ends in the directory of anchors
//!   or it does not end.
//! - Chains without end, wide searches, huge keys: the number, size and keys of certificates are
//!   bounded before openssl sees them, and the depth is bounded in openssl.
//! - The system's web authorities: no store is ever filled from a default place.

use jiff::Timestamp;
use openssl::error::ErrorStack;
use openssl::stack::{Stack, StackRef};
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509StoreContext, X509VerifyResult};
use openssl_sys as sys;

use crate::digest::Sha256Digest;

use super::certificate::Certificate;
use super::memo::{Fact, Memo};
use super::profile::{self, Use};
use super::revocation::Crl;
use super::{Refusal, ffi, limits};

/// Certificates that chains may end in.
#[derive(Debug)]
pub(super) struct Anchors {
    pub(super) certificates: Vec<Certificate>,
    /// Whether an anchor that is not self-signed ends a chain.
    pub(super) intermediate: bool,
    /// What was found out under these anchors.
    pub(super) memo: Memo,
}

/// How openssl is asked to judge.
#[derive(Clone, Copy)]
pub(super) enum Judge<'a> {
    /// As of this time, without revocation.
    At(Timestamp),
    /// Without time, by these revocation lists.
    Crls(&'a [&'a Crl]),
}

impl Anchors {
    /// Takes in the certificates of others that are not among these.
    pub(super) fn add(&mut self, others: Self) {
        for other in others.certificates {
            if self.certificates.iter().all(|own| own.der != other.der) {
                self.certificates.push(other);
            }
        }
    }

    /// Builds and checks the chain of `signer`; signer first, anchor last.
    pub(super) fn chain(
        &self,
        signer: &Certificate,
        links: &[Certificate],
        wanted: Use,
        time: Timestamp,
    ) -> Result<Vec<Certificate>, Refusal> {
        profile::check_signer(signer, wanted)?;
        let refused = |error: &ErrorStack| Refusal::Untrusted {
            subject: signer.subject.to_text(),
            problem: error.to_string(),
        };
        let store = self
            .store(wanted, Judge::At(time))
            .map_err(|error| refused(&error))?;
        let links_stack = stack(links).map_err(|error| refused(&error))?;
        let built = build(&store, signer, &links_stack).map_err(|error| refused(&error))?;
        let chain = built
            .chain
            .iter()
            .map(|der| self.memo.certificate(der))
            .collect::<Result<Vec<_>, _>>()?;
        if built.result != X509VerifyResult::OK {
            return Err(self.explain(&built, &chain, wanted, time));
        }
        if chain.len() > limits::MAX_CHAIN {
            return Err(Refusal::ChainLength {
                limit: limits::MAX_CHAIN,
            });
        }
        // With intermediate anchors openssl is content with any trusted certificate, the signer's too.
        let is_anchored = chain.len() > 1
            && chain.last().is_some_and(|last| {
                self.certificates
                    .iter()
                    .any(|anchor| anchor.der == last.der)
            });
        if !is_anchored {
            return Err(Refusal::Untrusted {
                subject: signer.subject.to_text(),
                problem: "a signer may not be its own anchor".to_owned(),
            });
        }
        profile::check_chain(&chain, wanted)?;
        self.memo.keep(&chain);
        Ok(chain)
    }

    /// Asks openssl about revocation of a chain already built.
    ///
    /// It knows nothing of dates and reasons: with `has_entry` it may find a certificate revoked.
    pub(super) fn check_revocation(
        &self,
        chain: &[Certificate],
        wanted: Use,
        crls: &[&Crl],
        has_entry: bool,
    ) -> Result<(), String> {
        let Some((signer, links)) = chain.split_first() else {
            return Ok(());
        };
        // Neither time nor anything else but this has a part in the answer.
        let count = |number: usize| Sha256Digest::of(&number.to_le_bytes());
        let question = format!("revocation {wanted:?} {has_entry}");
        let things = [count(chain.len())]
            .into_iter()
            .chain(chain.iter().map(Certificate::sha256))
            .chain([count(crls.len())])
            .chain(crls.iter().map(|crl| crl.digest()));
        self.memo.holds(Fact::new(&question, things), || {
            self.ask_revocation(signer, links, wanted, crls, has_entry)
        })
    }

    fn ask_revocation(
        &self,
        signer: &Certificate,
        links: &[Certificate],
        wanted: Use,
        crls: &[&Crl],
        has_entry: bool,
    ) -> Result<(), String> {
        let asked = || -> Result<Built, ErrorStack> {
            let store = self.store(wanted, Judge::Crls(crls))?;
            build(&store, signer, &*stack(links)?)
        };
        match asked() {
            Ok(built) if built.result == X509VerifyResult::OK => Ok(()),
            Ok(built) if has_entry && built.result.as_raw() == sys::X509_V_ERR_CERT_REVOKED => {
                Ok(())
            }
            Ok(built) => Err(built.result.error_string().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// A store of these anchors and nothing else.
    pub(super) fn store(&self, wanted: Use, judge: Judge<'_>) -> Result<X509Store, ErrorStack> {
        ffi::init();
        let mut builder = X509StoreBuilder::new()?;
        for anchor in &self.certificates {
            builder.add_cert(anchor.x509.clone())?;
        }
        let mut parameters = X509VerifyParam::new()?;
        let mut flags = X509VerifyFlags::X509_STRICT;
        if self.intermediate {
            flags |= X509VerifyFlags::PARTIAL_CHAIN;
        }
        match judge {
            Judge::At(time) => parameters.set_time(time.as_second()),
            Judge::Crls(_) => {
                flags |= X509VerifyFlags::NO_CHECK_TIME | X509VerifyFlags::CRL_CHECK;
                // The issuer of an anchor that is no root is not known, nor is its list.
                if !self.intermediate {
                    flags |= X509VerifyFlags::CRL_CHECK_ALL;
                }
            }
        }
        parameters.set_flags(flags)?;
        // openssl counts the certificates between signer and anchor.
        parameters.set_depth(sys_int(limits::MAX_CHAIN - 2));
        parameters.set_auth_level(2);
        // A purpose set on the store wins over the one that a timestamp check asks for.
        parameters.set_purpose(match wanted {
            Use::CodeSigning => X509PurposeId::ANY,
            Use::TimeStamping => X509PurposeId::TIMESTAMP_SIGN,
        })?;
        builder.set_param(&parameters)?;
        let store = builder.build();
        if let Judge::Crls(crls) = judge {
            for crl in crls {
                ffi::add_crl(&store, crl.x509())?;
            }
        }
        Ok(store)
    }

    /// Says in our words why openssl refused.
    fn explain(
        &self,
        built: &Built,
        chain: &[Certificate],
        wanted: Use,
        time: Timestamp,
    ) -> Refusal {
        let problem = built.result.error_string();
        let (Some(signer), Some(at)) = (chain.first(), chain.get(built.depth).or(chain.last()))
        else {
            return Refusal::Untrusted {
                subject: "a signer".to_owned(),
                problem: problem.to_owned(),
            };
        };
        let subject = at.subject.to_text();
        let text = problem.to_owned();
        match built.result.as_raw() {
            sys::X509_V_ERR_CERT_HAS_EXPIRED => Refusal::CertificateExpired {
                subject,
                not_after: at.not_after,
                time,
            },
            sys::X509_V_ERR_CERT_NOT_YET_VALID => Refusal::CertificateNotYetValid {
                subject,
                not_before: at.not_before,
                time,
            },
            sys::X509_V_ERR_CERT_CHAIN_TOO_LONG => Refusal::ChainLength {
                limit: limits::MAX_CHAIN,
            },
            sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
            | sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
            | sys::X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
                if chain.len() <= 1 && !self.knows_name(signer) =>
            {
                Refusal::ChainIncomplete {
                    subject: signer.subject.to_text(),
                    issuer: signer.issuer.to_text(),
                }
            }
            sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
            | sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
            | sys::X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
            | sys::X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
            | sys::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
            | sys::X509_V_ERR_CERT_SIGNATURE_FAILURE
            | sys::X509_V_ERR_CERT_UNTRUSTED => Refusal::Untrusted {
                subject: signer.subject.to_text(),
                problem: text,
            },
            sys::X509_V_ERR_EE_KEY_TOO_SMALL | sys::X509_V_ERR_CA_KEY_TOO_SMALL => {
                Refusal::WeakKey {
                    subject,
                    found: at.key.to_string(),
                    minimum: wanted.minimum_rsa_bits(),
                }
            }
            _ => Refusal::CertificateProfile {
                subject,
                problem: text,
            },
        }
    }

    fn knows_name(&self, signer: &Certificate) -> bool {
        self.certificates
            .iter()
            .any(|anchor| anchor.subject.der == signer.issuer.der)
    }
}

/// What openssl made of a chain.
struct Built {
    result: X509VerifyResult,
    depth: usize,
    /// DER of each certificate, signer first.
    chain: Vec<Vec<u8>>,
}

fn build(
    store: &X509Store,
    signer: &Certificate,
    links: &StackRef<X509>,
) -> Result<Built, ErrorStack> {
    let mut context = X509StoreContext::new()?;
    context.init(store, &signer.x509, links, |context| {
        let verified = context.verify_cert()?;
        let result = match context.error() {
            X509VerifyResult::OK if !verified => X509VerifyResult::APPLICATION_VERIFICATION,
            result => result,
        };
        let chain = match context.chain() {
            Some(chain) => chain
                .iter()
                .map(openssl::x509::X509Ref::to_der)
                .collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        Ok(Built {
            result,
            depth: usize::try_from(context.error_depth()).unwrap_or(usize::MAX),
            chain,
        })
    })
}

fn stack(certificates: &[Certificate]) -> Result<Stack<X509>, ErrorStack> {
    let mut stack = Stack::new()?;
    for certificate in certificates {
        stack.push(certificate.x509.clone())?;
    }
    Ok(stack)
}

/// A small number as openssl takes it.
fn sys_int(value: usize) -> std::ffi::c_int {
    std::ffi::c_int::try_from(value).unwrap_or(std::ffi::c_int::MAX)
}
