//! What was read and checked before, so that the next package of the same signer costs less.
//!
//! # Threats met here
//!
//! - A verdict that outlives its reason: only what follows from the bytes alone is kept: what a
//!   certificate says, that a list carries its issuer's signature, that openssl has nothing against a
//!   chain under these lists when asked without time. What depends on a time (dates, freshness, entries
//!   of a list), on a package, or on an identity is judged anew for each package, and so is every chain.
//! - One thing taken for another: a certificate is found by all of its bytes, a fact by the SHA-256 of
//!   all that it was found from. A changed certificate or list of the same name is another one.
//! - A hostile package that fills the memory or plants something: only certificates of a chain that
//!   ended in an anchor are kept, only what was found good, and no more than the limits. What is full
//!   stays as it is, and the rest is done anew.
//!
//! A memo belongs to the anchors that it was made under and goes with them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::digest::{Hasher, Sha256Digest};

use super::certificate::Certificate;
use super::{Refusal, limits};

/// Certificates read and facts proven; empty at first.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// By their DER.
    certificates: Mutex<HashMap<Vec<u8>, Certificate>>,
    facts: Mutex<HashSet<Fact>>,
}

/// Something proven about bytes alone, named by a digest of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fact(Sha256Digest);

impl Fact {
    /// A fact of this kind about these things, in this order; their number is fixed by the kind or
    /// among them.
    pub(super) fn new(kind: &str, things: impl IntoIterator<Item = Sha256Digest>) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(Sha256Digest::of(kind.as_bytes()).as_bytes());
        for thing in things {
            hasher.update(thing.as_bytes());
        }
        Self(hasher.finish())
    }
}

impl Memo {
    /// Reads a certificate, or finds it read.
    pub(super) fn certificate(&self, der: &[u8]) -> Result<Certificate, Refusal> {
        if let Some(known) = lock(&self.certificates).get(der) {
            return Ok(known.clone());
        }
        Certificate::from_der(der)
    }

    /// Keeps the certificates of a chain that was accepted.
    pub(super) fn keep(&self, chain: &[Certificate]) {
        let mut known = lock(&self.certificates);
        for certificate in chain {
            if known.len() >= limits::MAX_KNOWN_CERTIFICATES {
                return;
            }
            if !known.contains_key(&certificate.der) {
                known.insert(certificate.der.clone(), certificate.clone());
            }
        }
    }

    /// Whether this was proven before, or `prove` does it now; a failure is not kept.
    pub(super) fn holds<E>(
        &self,
        fact: Fact,
        prove: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        if lock(&self.facts).contains(&fact) {
            return Ok(());
        }
        prove()?;
        let mut facts = lock(&self.facts);
        if facts.len() < limits::MAX_KNOWN_FACTS {
            facts.insert(fact);
        }
        Ok(())
    }
}

/// What is kept is put there whole, so that a thread that died meanwhile leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Fact, Memo, limits, lock};
    use crate::digest::Sha256Digest;
    use crate::trust::certificate::Certificate;
    use crate::trust::dev_pki::Authority;

    fn fact(number: usize) -> Fact {
        Fact::new("test", [Sha256Digest::of(&number.to_le_bytes())])
    }

    fn root() -> Certificate {
        let then = "2026-01-01T00:00:00Z".parse().unwrap();
        let root = Authority::root(&[("CN", "Root")], then).unwrap();
        let pem = root.certificate_pem().unwrap();
        let blocks = crate::trust::pem::blocks(pem.as_bytes()).unwrap();
        Certificate::from_der(&blocks[0].der).unwrap()
    }

    #[test]
    fn only_what_was_proven_is_kept() {
        let memo = Memo::default();
        assert_eq!(memo.holds(fact(1), || Err(7)), Err(7));
        assert_eq!(memo.holds(fact(1), || Ok::<_, u8>(())), Ok(()));
        assert_eq!(memo.holds(fact(1), || Err(7)), Ok(()));
        assert_eq!(memo.holds(fact(2), || Err(7)), Err(7));
        let other_kind = Fact::new("other", [Sha256Digest::of(&1_usize.to_le_bytes())]);
        assert_eq!(memo.holds(other_kind, || Err(7)), Err(7));
    }

    #[test]
    fn facts_are_bounded() {
        let memo = Memo::default();
        for number in 0..=limits::MAX_KNOWN_FACTS {
            assert_eq!(memo.holds(fact(number), || Ok::<_, u8>(())), Ok(()));
        }
        assert_eq!(lock(&memo.facts).len(), limits::MAX_KNOWN_FACTS);
        let last = limits::MAX_KNOWN_FACTS;
        assert_eq!(memo.holds(fact(last - 1), || Err(7)), Ok(()));
        assert_eq!(memo.holds(fact(last), || Err(7)), Err(7));
    }

    #[test]
    fn certificates_are_bounded() {
        let memo = Memo::default();
        let root = root();
        for number in 0..=limits::MAX_KNOWN_CERTIFICATES {
            let mut other = root.clone();
            other.der = number.to_le_bytes().to_vec();
            memo.keep(&[other]);
        }
        assert_eq!(
            lock(&memo.certificates).len(),
            limits::MAX_KNOWN_CERTIFICATES
        );
    }

    #[test]
    fn a_changed_certificate_is_read_anew() {
        let memo = Memo::default();
        let (one, same_name) = (root(), root());
        memo.keep(std::slice::from_ref(&one));
        assert_eq!(memo.certificate(&one.der).unwrap().der, one.der);
        let found = memo.certificate(&same_name.der).unwrap();
        assert_eq!(found.spki, same_name.spki);
        assert_ne!(found.spki, one.spki);
        assert_eq!(
            lock(&memo.certificates).len(),
            1,
            "reading alone keeps nothing"
        );
        let mut broken = one.der.clone();
        broken.pop();
        assert!(memo.certificate(&broken).is_err());
    }
}
