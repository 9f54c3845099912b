use super::super::certificate::Certificate;
use super::super::cms::{SignedData, SignerEntry, signed_data};
use super::super::der::oid;
use super::super::limits;
use super::super::memo::Memo;
use super::super::profile::{self, Use};
use super::{Credential, Sign, SignError};

/// Signs packages with a private key at hand.
#[derive(Debug, Clone)]
pub struct KeySigner {
    credential: Credential,
}

impl KeySigner {
    /// Takes a credential for code signing; refuses one whose signatures verification would refuse.
    pub fn new(credential: Credential) -> Result<Self, SignError> {
        let unfit = |refusal| SignError::Unfit(Box::new(refusal));
        let certificate = &credential.certificate;
        profile::check_signer(certificate, Use::CodeSigning).map_err(unfit)?;
        profile::check_code_signing(std::slice::from_ref(certificate)).map_err(unfit)?;
        Ok(Self { credential })
    }

    /// Subject of the signer's certificate, in RFC 2253 form.
    pub fn subject(&self) -> String {
        self.credential.certificate.subject.to_text()
    }
}

impl Sign for KeySigner {
    fn sign(&self, content: &[u8]) -> Result<Vec<u8>, SignError> {
        let entry = self.credential.signer_entry(oid::DATA, content)?;
        let certificates = self.credential.certificates();
        Ok(signed_data(oid::DATA, None, certificates, vec![entry]))
    }
}

/// Adds a signer to a signature over `content`; those already there stay as they are, unchecked.
pub fn append_signature(
    existing: &[u8],
    content: &[u8],
    signer: &KeySigner,
) -> Result<Vec<u8>, SignError> {
    let cms = SignedData::signature(existing, &Memo::default())
        .map_err(|refusal| SignError::Existing(Box::new(refusal)))?;
    let own = &signer.credential.certificate;
    if cms
        .signers
        .iter()
        .filter_map(|other| cms.certificate_of(other))
        .any(|certificate| certificate.der == own.der)
    {
        return Err(SignError::AlreadySigned {
            subject: signer.subject(),
        });
    }
    let found = cms.signers.len() + 1;
    if found > limits::MAX_SIGNERS {
        return Err(SignError::TooManySigners {
            found,
            limit: limits::MAX_SIGNERS,
        });
    }
    let mut entries: Vec<SignerEntry> = cms
        .signers
        .iter()
        .map(|other| SignerEntry {
            der: other.der.to_vec(),
            digest: other.digest,
        })
        .collect();
    entries.push(signer.credential.signer_entry(oid::DATA, content)?);
    let certificates = cms
        .certificates
        .iter()
        .map(|certificate: &Certificate| certificate.der.clone())
        .chain(signer.credential.certificates())
        .collect();
    Ok(signed_data(oid::DATA, None, certificates, entries))
}
