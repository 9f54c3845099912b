use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::digest::Sha256Digest;
use crate::fsio::{Dir, FsError, OnExisting, OutputFile};

use super::super::TrustPaths;
use super::DevPkiError;
use super::authority::{Authority, Purpose, validity};
use super::crl::Revoked;

/// Where [`generate`] put everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevPki {
    /// The directory it was made in.
    pub directory: PathBuf,
    /// The trust it is verified by.
    pub trust: TrustPaths,
    /// The directory of the keys: `signer`, `approver`, `tsa` and `sibling`, each `.key` and `.pem`.
    pub keys: PathBuf,
}

/// Subject of the signer, and of the sibling that must be refused.
const SIGNER: &[(&str, &str)] = &[
    ("C", "US"),
    ("ST", "WA"),
    ("L", "Sea"),
    ("O", "Example Appliances"),
    ("CN", "Example Release Signing"),
];
const SIGNER_TEXT: &str = "CN=Example Release Signing,O=Example Appliances,L=Sea,ST=WA,C=US";
const APPROVER: &[(&str, &str)] = &[
    ("C", "US"),
    ("O", "Example Appliances"),
    ("CN", "Example Release Approval"),
];
const APPROVER_TEXT: &str = "CN=Example Release Approval,O=Example Appliances,C=US";

/// Years that a list of a development authority is fresh: nobody renews it.
const LIST_YEARS: i64 = 10;

/// Reason code of RFC 5280, section 5.3.1: nothing signed with the key counts, whenever it was signed.
const KEY_COMPROMISE: u8 = 1;

/// Makes a development PKI below `directory`, which must not hold one already.
///
/// `trust/certs` holds a root, `trust/tsa-certs` another, `trust/crls` the lists of all authorities, and
/// `trust/identities.toml` rules for two signers of the issuing authority. `keys/` holds the two signers,
/// a timestamp authority, and `sibling`: the signer's very name, issued by another authority below the
/// same root, which verification must refuse. `keys/signer-revoked.crl` is a list by which the signer's key
/// was lost from the beginning: copied over `trust/crls/issuing.crl` it revokes all that `signer` signed.
pub fn generate(directory: &Path, now: Timestamp) -> Result<DevPki, DevPkiError> {
    let organization = ("O", "Example Appliances");
    let authority_name = |name| [organization, ("CN", name)];
    let root = Authority::root(&authority_name("Example Root"), now)?;
    let issuing = root.authority(&authority_name("Example Issuing Authority"), now)?;
    let sibling_authority = root.authority(&authority_name("Example Sibling Authority"), now)?;
    let tsa_root = Authority::root(&authority_name("Example Timestamp Root"), now)?;
    let (from, until) = validity(now, LIST_YEARS)?;

    let signer = issuing.leaf(SIGNER, Purpose::CodeSigningP256, now)?;
    let approver = issuing.leaf(APPROVER, Purpose::CodeSigningP256, now)?;
    let sibling = sibling_authority.leaf(SIGNER, Purpose::CodeSigningP256, now)?;
    let tsa = tsa_root.leaf(
        &authority_name("Example Timestamp Authority"),
        Purpose::TimeStamping,
        now,
    )?;

    let home = Home::create(directory)?;
    home.public("trust/certs/root.pem", &root.certificate_pem()?)?;
    home.public("trust/tsa-certs/tsa-root.pem", &tsa_root.certificate_pem()?)?;
    for (authority, name) in [
        (&root, "root"),
        (&issuing, "issuing"),
        (&sibling_authority, "sibling"),
        (&tsa_root, "tsa-root"),
    ] {
        let list = authority.crl_pem(from, until, &[])?;
        home.public(&format!("trust/crls/{name}.crl"), &list)?;
    }
    let lost = Revoked {
        certificate: &signer.der,
        time: from,
        reason: Some(KEY_COMPROMISE),
    };
    let revoking = issuing.crl_pem(from, until, &[lost])?;
    home.public("keys/signer-revoked.crl", &revoking)?;
    home.public(
        "trust/identities.toml",
        &identities(&issuing.spki_sha256()?),
    )?;
    for (leaf, name) in [
        (&signer, "signer"),
        (&approver, "approver"),
        (&sibling, "sibling"),
        (&tsa, "tsa"),
    ] {
        home.secret(&format!("keys/{name}.key"), &leaf.key)?;
        home.public(&format!("keys/{name}.pem"), &leaf.certificates)?;
    }
    Ok(home.finish())
}

fn identities(issuer: &Sha256Digest) -> String {
    format!(
        "# Made for development: who may sign, and what.\n\
         [[identity]]\n\
         name = \"release\"\n\
         subject = \"{SIGNER_TEXT}\"\n\
         issuer_spki_sha256 = \"{issuer}\"\n\
         \n\
         [[identity]]\n\
         name = \"approval\"\n\
         subject = \"{APPROVER_TEXT}\"\n\
         issuer_spki_sha256 = \"{issuer}\"\n\
         \n\
         [policy]\n\
         threshold = 1\n\
         timestamp = \"required\"\n\
         unsigned = \"refuse\"\n"
    )
}

/// The directory being filled.
pub(in crate::trust) struct Home {
    directory: PathBuf,
}

impl Home {
    pub(in crate::trust) fn create(directory: &Path) -> Result<Self, DevPkiError> {
        const PUBLIC: u32 = 0o755;
        const SECRET: u32 = 0o700;
        for (name, mode) in [
            ("trust/certs", PUBLIC),
            ("trust/tsa-certs", PUBLIC),
            ("trust/crls", PUBLIC),
            ("keys", SECRET),
        ] {
            Dir::open_or_create(&directory.join(name), mode).map_err(DevPkiError::File)?;
        }
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    pub(in crate::trust) fn public(&self, name: &str, text: &str) -> Result<(), DevPkiError> {
        self.write(name, text, 0o644)
    }

    pub(in crate::trust) fn secret(&self, name: &str, text: &str) -> Result<(), DevPkiError> {
        self.write(name, text, 0o600)
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), DevPkiError> {
        let path = self.directory.join(name);
        let mut output =
            OutputFile::create(&path, mode, OnExisting::Refuse).map_err(DevPkiError::File)?;
        output
            .write_all(text.as_bytes())
            .map_err(FsError::system("write", &path))
            .map_err(DevPkiError::File)?;
        output.commit().map(drop).map_err(DevPkiError::File)
    }

    fn finish(self) -> DevPki {
        let trust = self.directory.join("trust");
        DevPki {
            trust: TrustPaths {
                directory: Some(trust.clone()),
                certs: trust.join("certs"),
                tsa_certs: Some(trust.join("tsa-certs")),
                crls: Some(trust.join("crls")),
                identities: trust.join("identities.toml"),
            },
            keys: self.directory.join("keys"),
            directory: self.directory,
        }
    }
}
